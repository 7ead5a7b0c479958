/*
 * The driver for Kannel's sendsms: each part of a text is a request of its own, and Kannel calls us to tell the fate of
 * each. It gives texts no ids; the address that it calls has ours.
 */
import { wireIdOf, type JsonObject, type SendOutcome } from '#connector';
import type { Kept } from '#connector/session';
import { failure, type Failure } from '#model';
import { planText, type TextPlan } from '#protocols/smpp';
import type { Driver, DriverParts, Line, Submission } from '../driver.js';
import { badAnswer, withoutAnswer } from './http-outcomes.js';
import { HttpClient, type HttpOutcome } from './http.js';
import { kannelBody, kannelReport } from './kannel-ingress.js';
import { kannelFailure, requestsOf } from './kannel-submission.js';
import { partyFrom, wordIn } from './provider-ingress.js';
import { ProviderLine } from './provider-line.js';

const oneOnly = failure('unsupported', 'Kannel takes one recipient at a time.');
const wishes = {
  auto: { coding: 'auto' },
  plain: { coding: 'auto', transliterate: true },
  unicode: { coding: 'ucs2' },
} as const;

export class KannelDriver implements Driver {
  readonly #parts: DriverParts;
  #reference: number;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#reference = Math.floor(parts.context.random() * 256);
  }

  /** Asks to send to nobody: Kannel looks at user and password first. */
  async open(signal: AbortSignal): Promise<Line | Failure> {
    const { context, settings, timings } = this.#parts;
    const { kannel } = settings;
    const http = new HttpClient(context, timings, kannel);
    const url = new URL(kannel.url);
    url.search = new URLSearchParams({
      username: kannel.username,
      password: (await context.secrets())['password'] ?? '',
    }).toString();
    const answer = await http.ask({ method: 'GET', url }, signal);
    const why = refusalOf(answer);
    if (why !== undefined || signal.aborted) {
      http.destroy();
      return why ?? failure('network-unreachable');
    }
    return new ProviderLine(this.#parts, {
      carriesMedia: false,
      perSecond: kannel.perSecond,
      submit: (submission, stop) => this.#submit(http, submission, stop),
      destroy: () => {
        http.destroy();
      },
    });
  }

  readonly takeIn = async (item: JsonObject): Promise<Kept> => {
    const { upward, settings } = this.#parts;
    if (item['kind'] === 'report') {
      const report = kannelReport(item);
      return report === undefined ? { kept: 'kept' } : await upward.reported(report);
    }
    const { id } = item;
    return await upward.heard({
      from: partyFrom(wordIn(item, 'from'), settings.region),
      to: partyFrom(wordIn(item, 'to'), settings.region),
      at: new Date(Number(item['at'])),
      ...(typeof id === 'string' && { id }),
      body: kannelBody(item),
    });
  };

  async #submit(http: HttpClient, submission: Submission, signal: AbortSignal): Promise<SendOutcome> {
    const { context, account, settings } = this.#parts;
    if (submission.to.length !== 1) return { outcome: 'refused', failure: oneOnly };
    const plan = planText(submission.text, { ...wishes[settings.coding], carriage: 'udh8' });
    if ('problem' in plan) return { outcome: 'refused', failure: failure('too-large', plan.detail) };
    this.#reference = (this.#reference + 1) % 256;
    const { password = '' } = await context.secrets();
    const callback = context.ingressUrl(account);
    const requests = requestsOf(
      submission,
      plan,
      { settings: settings.kannel, password, callback },
      this.#reference,
    );
    for (const [part, url] of requests.entries()) {
      const outcome = outcomeOf(await http.ask({ method: 'GET', url }, signal), context.clock.now());
      if (outcome !== undefined) return await this.#stopped(submission, plan, part, outcome);
    }
    return { outcome: 'sent', parts: requests.map(() => ({})) };
  }

  /** One part did not go; what was before it is on its way and cannot go again. */
  async #stopped(
    { envelope }: Submission,
    { parts }: TextPlan,
    part: number,
    outcome: Exclude<SendOutcome, { readonly outcome: 'sent' | 'pending' }>,
  ): Promise<SendOutcome> {
    if (part === 0) return outcome;
    const { upward, context } = this.#parts;
    const at = new Date(context.clock.now());
    const why = outcome.failure;
    if (outcome.outcome === 'unknown') {
      for (let before = 0; before < part; before++) {
        await upward.reported({ about: { wireId: wireIdOf(envelope, before) }, state: 'sent', at });
      }
      return outcome;
    }
    for (let after = part; after < parts.length; after++) {
      await upward.reported({
        about: { wireId: wireIdOf(envelope, after) },
        state: 'failed',
        failure: why,
        at,
      });
    }
    return { outcome: 'sent', parts: parts.map(() => ({})) };
  }
}

/** Why a part did not go; undefined where Kannel has it. */
function outcomeOf(
  answer: HttpOutcome,
  now: number,
): Exclude<SendOutcome, { readonly outcome: 'sent' | 'pending' }> | undefined {
  if (answer.outcome === 'answered' && answer.status >= 200 && answer.status < 300) return undefined;
  const outcome =
    answer.outcome === 'answered'
      ? badAnswer(answer, now, kannelFailure(answer.status, answer.body.toString('utf8')))
      : withoutAnswer(answer);
  return outcome.outcome === 'sent' || outcome.outcome === 'pending' ? undefined : outcome;
}

/** Whether the answer to the first question says that nothing can be sent. */
function refusalOf(answer: HttpOutcome): Failure | undefined {
  if (answer.outcome !== 'answered') return answer.failure;
  const { status, body } = answer;
  const why = kannelFailure(status, body.toString('utf8'));
  if (why?.code === 'auth-failed') return why;
  if (status === 404) {
    return failure('unsupported', 'There is no sendsms at this address.', 'ask-person');
  }
  return status >= 500 ? failure('network-unreachable', 'Kannel cannot be used at the moment.') : undefined;
}
