/*
 * How it goes with connecting, told and tried again: after a failure that may pass, a pause that grows and has jitter; all
 * others wait for a person, so that a wrong password is tried once.
 */
import type { SessionContext } from '#connector';
import type { AccountId, Failure, SessionState } from '#model';
import { Backoff, type BackoffTimings } from './backoff.js';

export class Retries {
  readonly #context: SessionContext;
  readonly #backoff: Backoff;
  readonly #again: () => void;
  #cancel: (() => void) | undefined;

  /** @param again the next try. */
  constructor(context: SessionContext, timings: BackoffTimings, again: () => void) {
    this.#context = context;
    this.#backoff = new Backoff(context.clock, () => context.random(), timings);
    this.#again = again;
  }

  /** The account is in: sending may begin, and if it stays so, earlier failures are forgotten. */
  online(account: AccountId, localAddress: string): void {
    this.#state(account, { state: 'online', localAddress });
    this.#context.wake(account);
    this.#backoff.online();
  }

  /** It is in no longer. */
  offline(): void {
    this.#backoff.offline();
  }

  /**
   * A try failed, or what it led to is over. Where the remedy is `retry`, the next follows by itself.
   * @param notForMs not before so long.
   */
  failed(account: AccountId, why: Failure, notForMs = 0): void {
    const detail = why.detail === undefined ? {} : { detail: why.detail };
    if (why.remedy !== 'retry') {
      this.#state(account, { state: 'needs-person', code: why.code, remedy: why.remedy, ...detail });
      return;
    }
    const pause = Math.max(notForMs, this.#backoff.pause(why));
    const until = new Date(this.#context.clock.now() + pause).toISOString();
    this.#context.log.info({ account, code: why.code, pause }, 'connection failed, backing off');
    this.#state(account, { state: 'backing-off', until, code: why.code, ...detail });
    this.#cancel = this.#context.clock.after(pause, () => {
      this.#cancel = undefined;
      this.#again();
    });
  }

  /** No further try by itself. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#backoff.offline();
  }

  #state(account: AccountId, state: SessionState): void {
    this.#context.state(account, state);
  }
}
