/* The driver for any provider over HTTP: a request from a template, and calls with what matters at named places. */
import { wireIdOf, type JsonObject, type SendOutcome } from '#connector';
import type { Kept } from '#connector/session';
import { failure, type Failure } from '#model';
import { networkId, type Driver, type DriverParts, type Line, type Submission } from '../driver.js';
import { badAnswer, withoutAnswer } from './http-outcomes.js';
import { HttpClient, targetOf, type Answered } from './http.js';
import { partyFrom, wordIn } from './provider-ingress.js';
import { ProviderLine } from './provider-line.js';
import { partField, textOf, valueAt } from './webhook-ingress.js';
import { requestOf, takesGroups, unknownNames } from './webhook-template.js';
import type { ReportedState } from './webhook.settings.js';
import { writtenParty } from './written-party.js';

const oneOnly = failure('unsupported', 'This provider takes one recipient at a time.');

export class WebhookDriver implements Driver {
  readonly #parts: DriverParts;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** There is nothing to ask that would send nothing: whether the account may connect there is asked, and no more. */
  async open(signal: AbortSignal): Promise<Line | Failure> {
    const { context, settings, timings } = this.#parts;
    const { webhook } = settings;
    const [unknown] = unknownNames(webhook);
    if (unknown !== undefined) {
      const why = `The settings name {{${unknown}}}, which stands for nothing.`;
      return failure('unsupported', why, 'ask-person');
    }
    const turn = await context.turn(targetOf(new URL(webhook.url)));
    if (turn.turn === 'refused') return turn.failure;
    if (turn.turn === 'closed' || signal.aborted) return failure('network-unreachable');
    const http = new HttpClient(context, timings, webhook);
    return new ProviderLine(this.#parts, {
      carriesMedia: false,
      perSecond: webhook.perSecond,
      submit: (submission, stop) => this.#submit(http, submission, stop),
      destroy: () => {
        http.destroy();
      },
    });
  }

  readonly takeIn = async (item: JsonObject): Promise<Kept> => {
    const { upward, settings } = this.#parts;
    const at = new Date(Number(item['at']));
    const { id, part, error } = item;
    if (item['kind'] === 'status') {
      const state = item['state'] as ReportedState;
      const said = typeof error === 'string' && error !== '' ? ` It says: ${error}` : '';
      return await upward.reported({
        about: typeof part === 'string' ? { wireId: part } : { remoteId: networkId(wordIn(item, 'id')) },
        ...(typeof part === 'string' && typeof id === 'string' && { remoteId: networkId(id) }),
        state,
        ...(state === 'failed' && {
          failure: failure('refused', `The provider could not deliver the text.${said}`, 'give-up'),
        }),
        at,
      });
    }
    const others = Array.isArray(item['others']) ? item['others'] : [];
    return await upward.heard({
      from: partyFrom(wordIn(item, 'from'), settings.region),
      to: partyFrom(wordIn(item, 'to'), settings.region),
      others: others.map((other) => partyFrom(String(other), settings.region)),
      at,
      ...(typeof id === 'string' && { id }),
      body: { text: wordIn(item, 'text') },
    });
  };

  async #submit(http: HttpClient, submission: Submission, signal: AbortSignal): Promise<SendOutcome> {
    const { context, account, settings } = this.#parts;
    const { envelope, from, to, text } = submission;
    const [peer, ...more] = to;
    if (peer === undefined || (more.length > 0 && !takesGroups(settings.webhook.json))) {
      return { outcome: 'refused', failure: oneOnly };
    }
    const { webhookToken = '' } = await context.secrets();
    const id = wireIdOf(envelope, 0);
    const base = context.ingressUrl(account);
    const request = requestOf(settings.webhook, {
      to: writtenParty(peer),
      recipients: to.map(writtenParty),
      from: writtenParty(from),
      text,
      id,
      callback: base === undefined ? '' : `${base}?${partField}=${id}`,
      token: webhookToken,
    });
    const answer = await http.ask(request, signal);
    if (answer.outcome !== 'answered') return withoutAnswer(answer);
    return this.#outcome(answer);
  }

  #outcome(answer: Answered): SendOutcome {
    const { id: idAt, error: errorAt } = this.#parts.settings.webhook.answer;
    const said = jsonOf(answer.body);
    const error = errorAt === undefined ? undefined : valueAt(said, errorAt);
    const isError = error !== undefined && error !== null && error !== false && error !== '' && error !== 0;
    const why = isError
      ? failure('refused', `The provider refuses the text. It says: ${wordsOf(error)}`, 'give-up')
      : undefined;
    if (answer.status < 200 || answer.status >= 300) {
      // What it says counts where it says that it is not willing, not where it is not able.
      const counts = answer.status >= 400 && answer.status < 500 && ![401, 403, 429].includes(answer.status);
      return badAnswer(answer, this.#parts.context.clock.now(), counts ? why : undefined);
    }
    if (why !== undefined) return { outcome: 'refused', failure: why };
    const id = idAt === undefined ? undefined : textOf(valueAt(said, idAt));
    return { outcome: 'sent', parts: [id === undefined || id === '' ? {} : { remoteId: networkId(id) }] };
  }
}

/** The provider's own words, as a sentence may have them. */
function wordsOf(error: unknown): string {
  return (textOf(error) ?? JSON.stringify(error)).replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, 200);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
