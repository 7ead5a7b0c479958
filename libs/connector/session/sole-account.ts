/* The one account of a private link: put on it, connected, and taken off again, in order or at once. */
import type { AttachedAccount, CloseReason, SessionContext } from '#connector';
import type { AccountId, Failure } from '#model';
import type { Life } from './life.js';

/** What belongs to an account from attach to detach. */
interface Resident {
  readonly id: AccountId;
  readonly life: Life;
}

export interface SoleAccountActs<A extends Resident> {
  /** Makes what belongs to an account, or says why the link cannot carry it. */
  make(account: AttachedAccount): A | Failure;
  /** Takes it off in order; its tries to connect have ended. `left` says how long it may take, in milliseconds. */
  leave(attached: A, left: () => number): Promise<void>;
  /** Lets go of it without a word: the right to the link is gone. */
  drop(attached: A): void | Promise<void>;
}

export class SoleAccount<A extends Resident> {
  readonly #context: SessionContext;
  readonly #closeMs: number;
  readonly #taken: Failure;
  readonly #acts: SoleAccountActs<A>;
  #attached: A | undefined;
  #wanted = false;
  #closed = false;
  #leaving: Promise<void> | undefined;

  /**
   * @param closeMs for taking it off in order.
   * @param taken what a second account is told.
   */
  constructor(context: SessionContext, closeMs: number, taken: Failure, acts: SoleAccountActs<A>) {
    this.#context = context;
    this.#closeMs = closeMs;
    this.#taken = taken;
    this.#acts = acts;
  }

  /** What belongs to an account, where it is the one. */
  of(account: AccountId): A | undefined {
    return this.#attached?.id === account ? this.#attached : undefined;
  }

  /** Whether it is being taken off. */
  get isLeaving(): boolean {
    return this.#leaving !== undefined;
  }

  attach(account: AttachedAccount): void {
    if (this.#closed) return;
    const made = this.#attached === undefined ? this.#acts.make(account) : this.#taken;
    if ('code' in made) {
      this.#context.state(account.id, { state: 'needs-person', ...made });
      return;
    }
    this.#attached = made;
    if (this.#wanted) made.life.begin();
  }

  async detach(account: AccountId): Promise<void> {
    if (this.of(account) !== undefined) await this.#leave();
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#attached?.life.begin();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted = false;
    if (reason !== 'fenced') {
      await this.#leave();
      return;
    }
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    attached.life.stop();
    await this.#acts.drop(attached);
  }

  /** What it had is over: it is tried again, unless it is leaving anyway. */
  ended(attached: A, why: Failure, notForMs?: number): void {
    if (this.#attached === attached && !this.isLeaving) attached.life.ended(why, notForMs);
  }

  /** Whoever asks again waits along. */
  async #leave(): Promise<void> {
    this.#leaving ??= this.#leaveOnce().finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  async #leaveOnce(): Promise<void> {
    const attached = this.#attached;
    if (attached === undefined) return;
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#closeMs;
    attached.life.stop();
    await this.#acts.leave(attached, () => Math.max(0, until - clock.monotonic()));
    this.#context.state(attached.id, { state: 'offline' });
    if (this.#attached === attached) this.#attached = undefined;
  }
}
