/*
 * A line to a provider over HTTP: there is no connection that could be lost, so it is open while requests are answered. It
 * keeps the rate that the settings say, obeys when the provider asks for patience, and ends when its password no longer
 * counts.
 */
import type { SendOutcome } from '#connector';
import { inTime, TokenBucket } from '#connector/session';
import { failure } from '#model';
import type { Allowance, DriverParts, Line, Submission } from '../driver.js';

export interface ProviderWay {
  readonly carriesMedia: boolean;
  /** Texts a second; undefined where the provider keeps the rate itself. */
  readonly perSecond: number | undefined;
  /** Sends one text. Never rejects. */
  submit(submission: Submission, signal: AbortSignal): Promise<SendOutcome>;
  /** Gives up what is under way. */
  destroy(): void;
}

const ended = failure('network-unreachable', 'The account was disconnected.');

export class ProviderLine implements Line {
  readonly carriesMedia: boolean;
  readonly #parts: Pick<DriverParts, 'context' | 'upward'>;
  readonly #way: ProviderWay;
  readonly #bucket: TokenBucket | undefined;
  readonly #under = new Set<Promise<unknown>>();
  readonly #over = new AbortController();
  /** Until when the provider asked for patience, on the monotonic clock. */
  #patientUntil = 0;

  constructor(parts: Pick<DriverParts, 'context' | 'upward'>, way: ProviderWay) {
    this.#parts = parts;
    this.#way = way;
    this.carriesMedia = way.carriesMedia;
    const { perSecond } = way;
    this.#bucket =
      perSecond === undefined
        ? undefined
        : new TokenBucket(Math.max(1, perSecond), perSecond, () => parts.context.clock.monotonic());
  }

  async submit(submission: Submission, signal: AbortSignal): Promise<SendOutcome> {
    if (this.#isOver()) return { outcome: 'later', retryAfterMs: 1_000, failure: ended };
    this.#bucket?.take();
    const sending = this.#way.submit(submission, AbortSignal.any([signal, this.#over.signal]));
    this.#under.add(sending);
    const outcome = await sending;
    this.#under.delete(sending);
    if (outcome.outcome === 'later' && outcome.failure.code === 'rate-limited') {
      this.#patientUntil = this.#parts.context.clock.monotonic() + outcome.retryAfterMs;
    }
    // What one request was told counts for all: nothing more is tried until a person has looked.
    if (outcome.outcome !== 'sent' && outcome.outcome !== 'pending' && !this.#isOver()) {
      const { failure: why } = outcome;
      if (why.code === 'auth-failed' || why.code.startsWith('tls-')) {
        this.#parts.upward.broken(why);
        return { outcome: 'later', retryAfterMs: 1_000, failure: why };
      }
    }
    return outcome;
  }

  /** Asked anew after every wait: the line may have been ended meanwhile. */
  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  allowance(): Allowance {
    const patience = Math.ceil(this.#patientUntil - this.#parts.context.clock.monotonic());
    if (patience > 0) return { envelopes: 0, againInMs: patience };
    if (!this.#bucket) return { envelopes: Number.MAX_SAFE_INTEGER, againInMs: 0 };
    return { envelopes: this.#bucket.available(), againInMs: this.#bucket.wait(1) };
  }

  hold(): void {
    // Nothing is read here: what the provider tells waits with the gateway.
  }

  ease(): void {
    // See `hold`.
  }

  async close(withinMs: number): Promise<void> {
    await inTime(Promise.allSettled(this.#under), withinMs, this.#parts.context.clock);
    this.destroy();
  }

  destroy(): void {
    this.#over.abort();
    this.#way.destroy();
  }
}
