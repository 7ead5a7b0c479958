/*
 * Keeps one account connected: try after try, with a pause between them that grows and has jitter. What goes wrong is a
 * state: `retry` failures back off, all others wait for a person, so that a wrong password is tried once.
 */
import type { SessionContext } from '#connector';
import { failure, type AccountId, type Failure, type SessionState } from '#model';
import { Backoff, type BackoffTimings } from './backoff.js';

/** What a try led to. `closed`: the session was closed meanwhile. */
export type Entry =
  | { readonly entry: 'in'; readonly localAddress: string }
  | { readonly entry: 'none'; readonly failure: Failure }
  | { readonly entry: 'closed' };

export class Life {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #enter: (signal: AbortSignal) => Promise<Entry>;
  readonly #backoff: Backoff;
  /** The try under way, or the stay that it led to. */
  #stay: AbortController | undefined;
  #cancelRetry: (() => void) | undefined;

  /** @param enter one try; given up when its signal is aborted, and then lets go of whatever it holds. */
  constructor(
    context: SessionContext,
    account: AccountId,
    timings: BackoffTimings,
    enter: (signal: AbortSignal) => Promise<Entry>,
  ) {
    this.#context = context;
    this.#account = account;
    this.#enter = enter;
    this.#backoff = new Backoff(context.clock, () => context.random(), timings);
  }

  /** Tries now, unless a try is under way or has led in. */
  begin(): void {
    if (this.#stay !== undefined) return;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const stay = (this.#stay = new AbortController());
    this.#state({ state: 'connecting' });
    this.#enter(stay.signal).then(
      (entry) => {
        if (this.#stay !== stay) return;
        if (entry.entry === 'none') this.ended(entry.failure);
        else if (entry.entry === 'closed') this.#stay = undefined;
        else this.#entered(entry.localAddress);
      },
      (error: unknown) => {
        this.#context.log.warn(
          { account: this.#account, error: String(error) },
          'could not begin to connect',
        );
        if (this.#stay === stay) this.ended(failure('internal', 'The session could not be prepared.'));
      },
    );
  }

  /** The try has failed, or what it led to is over. */
  ended(why: Failure): void {
    if (this.#stay === undefined) return;
    this.#stay.abort();
    this.#stay = undefined;
    this.#backoff.offline();
    const detail = why.detail === undefined ? {} : { detail: why.detail };
    if (why.remedy !== 'retry') {
      this.#state({ state: 'needs-person', code: why.code, remedy: why.remedy, ...detail });
      return;
    }
    const pause = this.#backoff.pause(why);
    const until = new Date(this.#context.clock.now() + pause).toISOString();
    this.#context.log.info(
      { account: this.#account, code: why.code, pause },
      'connection failed, backing off',
    );
    this.#state({ state: 'backing-off', until, code: why.code, ...detail });
    this.#cancelRetry = this.#context.clock.after(pause, () => {
      this.#cancelRetry = undefined;
      this.begin();
    });
  }

  /** No more tries; what is under way is given up. Says nothing. */
  stop(): void {
    this.#stay?.abort();
    this.#stay = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#backoff.offline();
  }

  #entered(localAddress: string): void {
    this.#state({ state: 'online', localAddress });
    this.#context.wake(this.#account);
    this.#backoff.online();
  }

  #state(state: SessionState): void {
    this.#context.state(this.#account, state);
  }
}
