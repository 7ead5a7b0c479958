/*
 * What the network waits to be answered about, on its way into the house: it is answered when it is stored, and asked to
 * deliver again what is not. Storing goes on while the network still waits, and no longer.
 */
import type { EmitOutcome, InboundBatch, InboundEvent, SessionContext } from '#connector';
import type { AccountId, Failure } from '#model';
import { Timers } from './timers.js';

/**
 * What the house did with it. `kept`: acknowledge it. `refused`: it will never be kept; say so where that can be told.
 * `not-kept`: ask for it again. `silent`: answer nothing, let the network deliver it again.
 */
export type Kept =
  | { readonly kept: 'kept' | 'silent' }
  | { readonly kept: 'refused'; readonly failure: Failure }
  | { readonly kept: 'not-kept'; readonly retryAfterMs: number };

export interface KeeperHandler {
  /** Too much is with the house: read no more until `eased`. */
  full(): void;
  eased(): void;
  /** The house has not taken anything for too long. */
  stalled(): void;
  /** Another worker holds the link: be silent from now on. */
  fenced(): void;
}

/** Milliseconds. */
export interface KeeperTimings {
  /** What is not being stored by then is refused for now. */
  readonly deadline: number;
  /** How long the house may take nothing. */
  readonly stalled: number;
}

/** The house is full already: whoever did not stop when asked is told to come again. */
export const comeAgain: Kept = { kept: 'not-kept', retryAfterMs: 1_000 };

export class Keeper {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #timings: KeeperTimings;
  readonly #handler: KeeperHandler;
  readonly #timers: Timers;
  #outstanding = 0;
  #full = false;
  #closed = false;
  readonly #quiet = new Set<() => void>();
  /** While the house has asked for patience. */
  #pause: { readonly over: Promise<void>; end(): void } | undefined;

  constructor(context: SessionContext, account: AccountId, timings: KeeperTimings, handler: KeeperHandler) {
    this.#context = context;
    this.#account = account;
    this.#timings = timings;
    this.#handler = handler;
    this.#timers = new Timers(context.clock);
  }

  /** Stores a batch, or says within the deadline that it is not. Never rejects. */
  async store(batch: InboundBatch): Promise<Kept> {
    if (this.#closed) return { kept: 'silent' };
    const count = Math.max(1, batch.events.length);
    if (this.#outstanding + count > this.#context.emitLimit) return comeAgain;
    this.#outstanding += count;
    this.#weigh();
    const kept = await this.#storeInTime(batch);
    this.#outstanding -= count;
    if (this.isClosed) return { kept: 'silent' };
    this.#weigh();
    if (this.#outstanding === 0) for (const tell of [...this.#quiet]) tell();
    return kept;
  }

  /** Resolves when nothing is with the house, or the time is over. */
  async drained(withinMs: number): Promise<void> {
    if (this.#outstanding === 0) return;
    await new Promise<void>((done) => {
      const finish = (): void => {
        cancel();
        this.#quiet.delete(finish);
        done();
      };
      const cancel = this.#context.clock.after(withinMs, finish);
      this.#quiet.add(finish);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#pause?.end();
    for (const tell of [...this.#quiet]) tell();
  }

  /**
   * Offers it again while the network still waits for an answer: refused for now, it would come after what came later.
   * Meanwhile nothing else is offered, so that the order stays.
   */
  async #storeInTime(batch: InboundBatch): Promise<Kept> {
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#timings.deadline;
    for (;;) {
      while (this.#pause !== undefined) await this.#pause.over;
      if (this.#closed) return { kept: 'silent' };
      const left = until - clock.monotonic();
      const kept = this.#judge(batch.events, await this.#emit(batch, Math.max(1, left)));
      if (kept.kept !== 'not-kept' || kept.retryAfterMs >= until - clock.monotonic()) return kept;
      this.#wait(kept.retryAfterMs);
    }
  }

  async #emit(batch: InboundBatch, deadlineMs: number): Promise<readonly EmitOutcome[]> {
    try {
      return await this.#context.emit(batch, deadlineMs);
    } catch (error) {
      this.#context.log.warn({ account: this.#account, error: String(error) }, 'emit failed');
      return [{ outcome: 'not-stored', retryAfterMs: 1_000 }];
    }
  }

  /** Offers nothing for a while; a pause that has begun is not made longer. */
  #wait(ms: number): void {
    if (this.#pause !== undefined || this.#closed) return;
    let end: () => void = () => undefined;
    const over = new Promise<void>((done) => {
      end = () => {
        this.#pause = undefined;
        done();
      };
    });
    this.#pause = { over, end };
    this.#timers.set('pause', ms, end);
  }

  /** One answer for a batch: the worst of its outcomes. */
  #judge(events: readonly InboundEvent[], outcomes: readonly EmitOutcome[]): Kept {
    const of = (name: EmitOutcome['outcome']) => outcomes.find(({ outcome }) => outcome === name);
    if (of('fenced') !== undefined) {
      this.close();
      this.#handler.fenced();
      return { kept: 'silent' };
    }
    const notStored = outcomes.find((one) => one.outcome === 'not-stored');
    if (notStored !== undefined) {
      if (!this.#timers.has('stalled')) {
        this.#timers.set('stalled', this.#timings.stalled, () => {
          this.#handler.stalled();
        });
      }
      return { kept: 'not-kept', retryAfterMs: notStored.retryAfterMs };
    }
    if (of('in-doubt') !== undefined) return { kept: 'silent' };
    this.#timers.cancel('stalled');
    const refused = outcomes.find((one) => one.outcome === 'refused');
    if (refused === undefined) return { kept: 'kept' };
    const [first] = events;
    this.#context.log.warn(
      { account: this.#account, type: first?.type, code: refused.failure.code },
      'the house refused an event',
    );
    return { kept: 'refused', failure: refused.failure };
  }

  #weigh(): void {
    const limit = this.#context.emitLimit;
    // What the network has on its way when it is told to stop must still find room.
    if (!this.#full && this.#outstanding >= limit / 2) {
      this.#full = true;
      this.#handler.full();
    } else if (this.#full && this.#outstanding <= limit / 4) {
      this.#full = false;
      this.#handler.eased();
    }
  }
}
