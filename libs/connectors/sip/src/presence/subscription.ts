/*
 * A subscription of ours to what somebody's server or phone tells (RFC 6665): asked for, kept alive, and begun anew when it
 * ends without our doing. One dialog at a time (RFC 3856 §6.9: presence does not fork).
 */
import { randomBytes } from 'node:crypto';
import { Backoff, Timers } from '#connector/session';
import { failure } from '#model';
import {
  Dialog,
  parseParameterised,
  parseSeconds,
  tagOf,
  type Answer,
  type Incoming,
  type SipRequest,
  type SipResponse,
} from '#protocols/sip';
import { waitOf } from '../failures.js';
import { newRequest, newTag } from '../line.js';
import type { Parts } from '../parts.js';
import { uriOf } from '../sip.addresses.js';

/** What the other side says of a subscription with every NOTIFY (RFC 6665 §4.1.3). */
export type SubscriptionState = 'active' | 'pending' | 'terminated';

export interface SubscriptionOptions {
  /** Whom it is about: an address. */
  readonly target: string;
  /** The event package. */
  readonly event: string;
  /** The media type of its documents. */
  readonly accept: string;
  /** Seconds that are asked for. */
  readonly expires: number;
  /** Something was told; the document may be empty, which says that nothing is known. */
  readonly heard: (request: SipRequest, state: SubscriptionState) => void;
  /** It stands no longer, and what was told by it does not hold any more. It may be begun anew by itself. */
  readonly lost: () => void;
}

/** RFC 6665 §4.1.2.4, timer N: without a NOTIFY by then there is no subscription. */
const firstNotifyMs = 32_000;
/** Between two tries that the other side invited us to make at once. */
const leastPauseMs = 1_000;
const shortest = 5;
const longest = 86_400;

/** Answers by which the other side will not, or cannot: asking again would change nothing (RFC 5057 §5.3). */
const final = new Set([403, 404, 405, 410, 416, 420, 484, 485, 489, 501, 603, 604, 606]);
/** Ends by which nobody is to ask again (RFC 6665 §4.1.3). */
const finalReasons = new Set(['rejected', 'noresource', 'invariant']);
/** Ends by which one may ask again at once. */
const promptReasons = new Set(['deactivated', 'timeout']);

const failed = failure('refused', 'The subscription failed.');

export class Subscription {
  readonly #parts: Parts;
  readonly #options: SubscriptionOptions;
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  #expires: number;
  #callId = '';
  #tag = '';
  #dialog: Dialog | undefined;
  /** What made the dialog, until its number is known to the dialog. */
  #asked: SipRequest | undefined;
  /** Whether anything was told in this dialog. */
  #told = false;
  #running = false;
  /** Ends the wait for an answer that cannot come any more. */
  #over = new AbortController();
  #beganAt = -Infinity;

  constructor(parts: Parts, options: SubscriptionOptions) {
    const { context, timings } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#expires = options.expires;
    this.#timers = new Timers(context.clock);
    this.#backoff = new Backoff(context.clock, () => context.random(), timings);
  }

  /** Asks for it, in a dialog of its own; whatever stood before counts no more. */
  async begin(): Promise<void> {
    this.#running = true;
    this.#timers.clear();
    this.#backoff.offline();
    this.#over.abort();
    const { signal } = (this.#over = new AbortController());
    const { line, context } = this.#parts;
    this.#beganAt = context.clock.monotonic();
    this.#callId = randomBytes(16).toString('hex');
    this.#tag = newTag();
    this.#dialog = undefined;
    this.#told = false;
    const callId = this.#callId;
    const request = newRequest(line, 'SUBSCRIBE', uriOf(this.#options.target), {
      callId,
      fromTag: this.#tag,
      headers: this.#headers(this.#expires),
    });
    this.#asked = request;
    const answer = await line.ask(request, { contact: true, signal });
    if (!this.#isStill(callId)) return;
    if (answer.answer === 'response' && isSuccess(answer.response)) this.#stands(answer);
    else this.#refused(answer);
  }

  /** Asks to be told everything again: what was told has a gap in it. */
  async refresh(): Promise<void> {
    const dialog = this.#dialog;
    if (!this.#running || dialog === undefined) return;
    this.#timers.cancel('refresh');
    const callId = this.#callId;
    const request = dialog.next('SUBSCRIBE', { headers: this.#headers(this.#expires) });
    const { signal } = this.#over;
    const answer = await this.#parts.line.ask(request, { hop: dialog.hopUri, contact: true, signal });
    if (!this.#isStill(callId)) return;
    if (answer.request !== undefined) dialog.sent(answer.request);
    if (answer.answer === 'response' && isSuccess(answer.response)) this.#stands(answer);
    else this.#refused(answer);
  }

  /** Whether a NOTIFY is of this subscription; also before the answer to our SUBSCRIBE has come (§4.1.2.4). */
  owns({ request: { headers } }: Incoming): boolean {
    return headers.get('call-id') === this.#callId && tagOf(headers.get('to')) === this.#tag;
  }

  /** Takes a NOTIFY of it. Answers it. */
  take(incoming: Incoming): void {
    const { request } = incoming;
    const event = parseParameterised(request.headers.get('event') ?? '')?.value;
    if (event !== this.#options.event) {
      incoming.respond(489, { headers: { 'allow-events': this.#options.event } });
      return;
    }
    const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (request.body.length > 0 && type !== this.#options.accept) {
      incoming.respond(415, { headers: { accept: this.#options.accept } });
      return;
    }
    const dialog = this.#dialog;
    if (dialog !== undefined) {
      const received = dialog.receives(request);
      if (received !== 'ok') {
        // One that a later one has overtaken tells nothing any more (RFC 3261 §12.2.2); another fork is not wanted.
        incoming.respond(received === 'out-of-order' ? 500 : 481);
        if (received === 'out-of-order') this.#doubt();
        return;
      }
    }
    const response = incoming.respond(200);
    if (dialog === undefined) {
      this.#dialog = Dialog.fromUas(request, response);
      if (this.#asked !== undefined) this.#dialog?.sent(this.#asked);
    }
    this.#heard(request);
  }

  /** Ends it: the other side is told so, and waited for. */
  async end(): Promise<void> {
    const dialog = this.#dialog;
    const wasRunning = this.#running;
    this.#halt();
    if (!wasRunning || dialog === undefined) return;
    const request = dialog.next('SUBSCRIBE', { headers: this.#headers(0) });
    await this.#parts.line.ask(request, { hop: dialog.hopUri, contact: true });
  }

  /** Nothing can be said any more, and nothing is heard. */
  stop(): void {
    this.#halt();
    this.#over.abort();
    this.#callId = '';
  }

  #halt(): void {
    this.#running = false;
    this.#dialog = undefined;
    this.#timers.clear();
    this.#backoff.offline();
  }

  /** Whether nothing has ended it, or begun it anew, since it had this Call-ID. */
  #isStill(callId: string): boolean {
    return this.#running && this.#callId === callId;
  }

  #headers(expires: number): Readonly<Record<string, string>> {
    const { event, accept } = this.#options;
    return { event, accept, expires: String(expires) };
  }

  #stands({ request, response }: Extract<Answer, { answer: 'response' }>): void {
    this.#dialog ??= Dialog.fromUac(request, response);
    this.#dialog?.sent(request);
    this.#dialog?.refresh(response);
    this.#asked = request;
    this.#backoff.online();
    this.#lasts(parseSeconds(response.headers.get('expires')) ?? this.#expires);
    if (!this.#told) {
      this.#timers.set('first', firstNotifyMs, () => {
        this.#again();
      });
    }
  }

  /** How long it holds unless it is refreshed: asked again in time, and over when that was in vain. */
  #lasts(seconds: number): void {
    const ms = Math.min(longest, Math.max(shortest, seconds)) * 1_000;
    this.#timers.set('expiry', ms, () => {
      this.#again();
    });
    this.#timers.set('refresh', ms * (0.7 + this.#parts.context.random() * 0.15), () => {
      void this.refresh();
    });
  }

  #heard(request: SipRequest): void {
    this.#told = true;
    this.#timers.cancel('first');
    const said = parseParameterised(request.headers.get('subscription-state') ?? 'active');
    const word = said?.value.toLowerCase();
    const state = word === 'terminated' || word === 'pending' ? word : 'active';
    if (state !== 'terminated') {
      const expires = parseSeconds(textOf(said?.params.get('expires')));
      if (expires !== undefined && expires > 0) this.#lasts(expires);
      this.#options.heard(request, state);
      return;
    }
    const reason = textOf(said?.params.get('reason'))?.toLowerCase() ?? '';
    const wait = parseSeconds(textOf(said?.params.get('retry-after')));
    // What can never change is known for good; else a last word does not hold any longer.
    if (reason === 'invariant') this.#options.heard(request, state);
    else this.#options.lost();
    // Whoever has ended it hears of the end of it, and begins nothing.
    if (!this.#running) return;
    this.#halt();
    if (finalReasons.has(reason)) return;
    this.#running = true;
    if (wait !== undefined) this.#later(Math.min(longest, wait) * 1_000);
    else if (promptReasons.has(reason)) this.#later(this.#promptly());
    else this.#later(this.#backoff.pause(failed));
  }

  /** At once, unless we have only just begun: nobody is to be asked in a circle. */
  #promptly(): number {
    const age = this.#parts.context.clock.monotonic() - this.#beganAt;
    return age > 60_000 ? leastPauseMs : this.#backoff.pause(failed);
  }

  #refused(answer: Answer): void {
    if (answer.answer === 'none') {
      this.#again();
      return;
    }
    const { response } = answer;
    const least = parseSeconds(response.headers.get('min-expires'));
    if (response.status === 423 && least !== undefined && least > this.#expires && least <= longest) {
      this.#expires = least;
      void (this.#dialog === undefined ? this.begin() : this.refresh());
      return;
    }
    if (response.status === 481 && this.#dialog !== undefined) {
      // They have forgotten it: what they told holds until the new one says otherwise.
      this.#dialog = undefined;
      this.#later(this.#promptly());
      return;
    }
    this.#options.lost();
    this.#halt();
    if (final.has(response.status)) return;
    this.#running = true;
    this.#later(waitOf(response) ?? this.#backoff.pause(failed));
  }

  /** It has failed, for what may pass. */
  #again(): void {
    this.#options.lost();
    this.#halt();
    this.#running = true;
    this.#later(this.#backoff.pause(failed));
  }

  /** Servers of many processes number what they tell in another order than it happened: how it is now is asked for. */
  #doubt(): void {
    if (!this.#running || this.#timers.has('doubt')) return;
    this.#timers.set('doubt', leastPauseMs, () => {
      void this.refresh();
    });
  }

  #later(ms: number): void {
    // Whatever is still said in the old dialog is of nothing that stands.
    this.#callId = '';
    this.#timers.clear();
    this.#timers.set('again', Math.max(leastPauseMs, ms), () => {
      void this.begin();
    });
  }
}

function isSuccess({ status }: SipResponse): boolean {
  return status >= 200 && status < 300;
}

function textOf(value: string | true | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
