/* Keeps one account connected: try after try (`Retries`), and the stay that one of them leads to. */
import type { SessionContext } from '#connector';
import { failure, type AccountId, type Failure } from '#model';
import type { BackoffTimings } from './backoff.js';
import { Retries } from './retries.js';

/** What a try led to. `closed`: the session was closed meanwhile. */
export type Entry =
  | { readonly entry: 'in'; readonly localAddress: string }
  | {
      readonly entry: 'none';
      readonly failure: Failure;
      /** The network wants no other try for so long, in milliseconds. */
      readonly notForMs?: number;
    }
  | { readonly entry: 'closed' };

export class Life {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #enter: (signal: AbortSignal) => Promise<Entry>;
  readonly #retries: Retries;
  /** The try under way, or the stay that it led to. */
  #stay: AbortController | undefined;

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
    this.#retries = new Retries(context, timings, () => {
      this.begin();
    });
  }

  /** Tries now, unless a try is under way or has led in. */
  begin(): void {
    if (this.#stay !== undefined) return;
    this.#retries.stop();
    const stay = (this.#stay = new AbortController());
    this.#context.state(this.#account, { state: 'connecting' });
    this.#enter(stay.signal).then(
      (entry) => {
        if (this.#stay !== stay) return;
        if (entry.entry === 'none') this.ended(entry.failure, entry.notForMs);
        else if (entry.entry === 'closed') this.#stay = undefined;
        else this.#retries.online(this.#account, entry.localAddress);
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

  /**
   * The try has failed, or what it led to is over.
   * @param notForMs the network wants no other try for so long.
   */
  ended(why: Failure, notForMs?: number): void {
    if (this.#stay === undefined) return;
    this.#stay.abort();
    this.#stay = undefined;
    this.#retries.offline();
    this.#retries.failed(this.#account, why, notForMs);
  }

  /** No more tries; what is under way is given up. Says nothing. */
  stop(): void {
    this.#stay?.abort();
    this.#stay = undefined;
    this.#retries.stop();
  }
}
