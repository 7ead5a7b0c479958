/*
 * The driver for Twilio, and for those who speak as Twilio does (API of 2010-04-01): a text is one request and has one id,
 * however many parts the provider makes of it. What became of it, and what comes, the provider tells by calling us.
 */
import { wireIdOf, type JsonObject, type SendOutcome } from '#connector';
import type { Kept } from '#connector/session';
import { failure, type Failure } from '#model';
import { networkId, type Driver, type DriverParts, type Line, type Submission } from '../driver.js';
import { badAnswer, withoutAnswer } from './http-outcomes.js';
import { HttpClient, type Answered } from './http.js';
import { partyFrom, wordIn } from './provider-ingress.js';
import { ProviderLine } from './provider-line.js';
import { fetchMedia, mediaIn } from './twilio-media.js';
import { twilioFailure } from './twilio-failures.js';
import { wireField } from './twilio-ingress.js';
import { writtenParty } from './written-party.js';

const oneOnly = failure('unsupported', 'This provider takes one recipient at a time.');
const fates: Readonly<Record<string, 'sent' | 'delivered' | 'read' | 'failed'>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};

export class TwilioDriver implements Driver {
  readonly #parts: DriverParts;
  readonly #end = new AbortController();
  #files: HttpClient | undefined;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** Asks whether the account is let in; nothing is sent for it. */
  async open(signal: AbortSignal): Promise<Line | Failure> {
    const { context, settings, timings } = this.#parts;
    const http = new HttpClient(context, timings);
    const url = this.#url('Messages.json?PageSize=1');
    const answer = await http.ask({ method: 'GET', url, headers: await this.#headers() }, signal);
    const why = answer.outcome === 'answered' ? refusalOf(answer) : answer.failure;
    if (why !== undefined || signal.aborted) {
      http.destroy();
      return why ?? failure('network-unreachable');
    }
    return new ProviderLine(this.#parts, {
      carriesMedia: true,
      perSecond: settings.twilio.perSecond,
      submit: (submission, stop) => this.#submit(http, submission, stop),
      destroy: () => {
        http.destroy();
      },
    });
  }

  readonly takeIn = async (item: JsonObject): Promise<Kept> => {
    const { upward } = this.#parts;
    const at = new Date(Number(item['at']));
    const sid = wordIn(item, 'sid');
    if (item['kind'] === 'status') {
      const state = fates[wordIn(item, 'state')];
      // On its way: nothing that anybody waits for.
      if (state === undefined) return { kept: 'kept' };
      const { part, error } = item;
      const why = twilioFailure(typeof error === 'number' ? error : undefined) ?? undelivered;
      return await upward.reported({
        about: typeof part === 'string' ? { wireId: part } : { remoteId: networkId(sid) },
        ...(typeof part === 'string' && { remoteId: networkId(sid) }),
        state,
        ...(state === 'failed' && { failure: why }),
        at,
      });
    }
    const { attachments, missing } = await this.#media(item);
    if (this.#end.signal.aborted) return { kept: 'silent' };
    const { region } = this.#parts.settings;
    const others = Array.isArray(item['others']) ? item['others'] : [];
    return await upward.heard({
      from: partyFrom(wordIn(item, 'from'), region),
      to: partyFrom(wordIn(item, 'to'), region),
      others: others.map((other) => partyFrom(String(other), region)),
      at,
      id: sid,
      body: { text: [wordIn(item, 'text'), ...missing].filter((line) => line !== '').join('\n') },
      attachments,
    });
  };

  close(): void {
    this.#end.abort();
    this.#files?.destroy();
  }

  async #media(item: JsonObject): ReturnType<typeof fetchMedia> {
    const { context, account, settings, timings } = this.#parts;
    const media = mediaIn(item);
    if (media.length === 0) return { attachments: [], missing: [] };
    const http = (this.#files ??= new HttpClient(context, timings));
    const { origin } = new URL(settings.twilio.url);
    const authorization = async (): Promise<string> => (await this.#headers()).authorization;
    return await fetchMedia(media, { context, account, http, origin, authorization }, this.#end.signal);
  }

  async #submit(http: HttpClient, submission: Submission, signal: AbortSignal): Promise<SendOutcome> {
    const { context } = this.#parts;
    const [to, ...more] = submission.to;
    if (to === undefined || more.length > 0) return { outcome: 'refused', failure: oneOnly };
    const answer = await http.ask(
      {
        method: 'POST',
        url: this.#url('Messages.json'),
        headers: { ...(await this.#headers()), 'content-type': 'application/x-www-form-urlencoded' },
        body: this.#form(submission, to).toString(),
      },
      signal,
    );
    if (answer.outcome !== 'answered') return withoutAnswer(answer);
    const said = jsonOf(answer.body);
    const now = context.clock.now();
    if (answer.status < 200 || answer.status >= 300) {
      return badAnswer(answer, now, twilioFailure(numberOf(said['code'])));
    }
    if (said['status'] === 'failed' || said['status'] === 'undelivered') {
      const why = twilioFailure(numberOf(said['error_code'])) ?? undelivered;
      return { outcome: 'refused', failure: why };
    }
    // Without an id the call that tells its fate still says which part of ours it is about.
    const { sid } = said;
    return {
      outcome: 'sent',
      parts: [typeof sid === 'string' && sid !== '' ? { remoteId: networkId(sid) } : {}],
    };
  }

  #form({ envelope, from, text, media }: Submission, to: string): URLSearchParams {
    const { context, account, settings } = this.#parts;
    const { messagingService, url } = settings.twilio;
    const form = new URLSearchParams({ To: writtenParty(to), From: writtenParty(from) });
    if (messagingService !== undefined) form.set('MessagingServiceSid', messagingService);
    if (text !== '') form.set('Body', text);
    for (const file of media) form.append('MediaUrl', file.url);
    const callback = context.ingressUrl(account);
    // A provider elsewhere refuses a text for an address that only this machine knows.
    if (callback !== undefined && (!isHere(callback) || isHere(url))) {
      form.set('StatusCallback', `${callback}?${wireField}=${wireIdOf(envelope, 0)}`);
    }
    return form;
  }

  #url(path: string): URL {
    const { url, accountSid } = this.#parts.settings.twilio;
    return new URL(`${url}/2010-04-01/Accounts/${accountSid}/${path}`);
  }

  async #headers(): Promise<{ readonly authorization: string }> {
    const { context, settings } = this.#parts;
    const { accountSid, apiKey } = settings.twilio;
    const { authToken = '', apiKeySecret = '' } = await context.secrets();
    const login = apiKey === undefined ? `${accountSid}:${authToken}` : `${apiKey}:${apiKeySecret}`;
    return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  }
}

const undelivered = failure(
  'refused',
  'The provider could not deliver the text and does not say why.',
  'give-up',
);

/** Whether an answer to the first question says that nothing can be sent. Not everybody lists texts as Twilio does. */
function refusalOf(answer: Answered): Failure | undefined {
  const { status, body } = answer;
  const code = numberOf(jsonOf(body)['code']);
  if (status === 401 || code === 20003) return twilioFailure(20_003);
  if (code === 20_005 || code === 90_010) return twilioFailure(code);
  if (status === 429 || status >= 500) {
    return failure('network-unreachable', `The provider cannot be used now (HTTP ${String(status)}).`);
  }
  return undefined;
}

function isHere(url: string): boolean {
  return /^https?:\/\/(localhost|127\.|\[::1\])/i.test(url);
}

function jsonOf(body: Buffer): JsonObject {
  try {
    const said: unknown = JSON.parse(body.toString('utf8'));
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? (said as JsonObject) : {};
  } catch {
    return {};
  }
}

function numberOf(value: JsonObject[string] | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
