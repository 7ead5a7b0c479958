import type { EmitOutcome, InboundEvent, JsonValue, SessionContext } from '#connector';
import { unreachable, type AccountId, type Failure } from '#model';

/** An event on its way in; `settled` hears that it may be acknowledged, or that it will never be stored. */
export interface Inbound {
  readonly event: InboundEvent;
  readonly settled?: (refused?: Failure) => void;
}

export interface InletEvents {
  /** Too much is waiting (true), or no longer: pause the transport, or let it flow. */
  pressure(high: boolean): void;
  /** The answers of one batch are in: the moment to acknowledge. */
  answered(): void;
  /** Nobody knows what became of an event, or storage has been away for too long: let the peer deliver again. */
  inDoubt(): void;
  /** The right to the link is gone. */
  fenced(): void;
  /** How far an account's inbox is kept, to be stored with the next batch. */
  checkpoint(account: AccountId): { readonly key: string; readonly value: JsonValue } | undefined;
}

/** The most events of one batch: one transaction of the house. */
const batchSize = 100;
/** After this long without storage the link is given up for a while. */
const patienceMs = 30_000;

interface Waiting extends Inbound {
  readonly order: number;
  /** Which connection brought it: what an earlier one brought is delivered again, not tried again. */
  readonly generation: number;
}

/**
 * Hands events to the house in order, several batches at once, never more than `emitLimit` outstanding; tries again what
 * was not stored. Bounded: past the limit it asks for the transport to be paused, so at most one chunk of it waits here.
 */
export class Inlet {
  private waiting: Waiting[] = [];
  private outstanding = 0;
  private order = 0;
  private generation = 0;
  private high = false;
  private stopped = false;
  private failingSince: number | undefined;
  private hold: (() => void) | undefined;
  private idle: (() => void)[] = [];

  constructor(
    private readonly context: SessionContext,
    private readonly events: InletEvents,
  ) {}

  take(items: readonly Inbound[]): void {
    if (this.stopped) return;
    for (const item of items) {
      this.waiting.push({ ...item, order: this.order++, generation: this.generation });
    }
    this.pump();
  }

  /** Forgets what is not with the house yet: the peer will deliver it again. */
  clear(): void {
    this.waiting = [];
    this.generation++;
    this.hold?.();
    this.hold = undefined;
    this.failingSince = undefined;
    this.high = false;
    this.settleIdle();
  }

  stop(): void {
    this.stopped = true;
    this.clear();
  }

  /** Resolves when everything that was taken has its answer. */
  quiet(): Promise<void> {
    if (this.stopped || (this.outstanding === 0 && this.waiting.length === 0)) return Promise.resolve();
    return new Promise((done) => this.idle.push(done));
  }

  private pump(): void {
    while (!this.stopped && this.hold === undefined && this.waiting.length > 0) {
      const room = this.context.emitLimit - this.outstanding;
      if (room <= 0) break;
      this.hand(this.waiting.splice(0, Math.min(room, batchSize)));
    }
    this.feelPressure();
    this.settleIdle();
  }

  private hand(batch: readonly Waiting[]): void {
    this.outstanding += batch.length;
    const events = batch.map(({ event }) => event);
    const [checkpoint, ...keyValues] = [...new Set(events.map(({ account }) => account))].flatMap(
      (account) => {
        const note = this.events.checkpoint(account);
        return note ? [{ account, ...note }] : [];
      },
    );
    this.context.emit({ events, ...(checkpoint ? { checkpoint, keyValues } : {}) }).then(
      (outcomes) => {
        this.answered(batch, outcomes);
      },
      () => {
        this.answered(batch, []);
      },
    );
  }

  private answered(batch: readonly Waiting[], outcomes: readonly EmitOutcome[]): void {
    this.outstanding -= batch.length;
    if (this.stopped) return;
    const again: Waiting[] = [];
    let retryAfterMs = 0;
    let doubt = false;
    for (const [i, item] of batch.entries()) {
      // No answer, or too few: the house did not say, which is doubt.
      const answer = outcomes[i] ?? { outcome: 'in-doubt' };
      switch (answer.outcome) {
        case 'stored':
        case 'duplicate':
          item.settled?.();
          break;
        case 'refused':
          item.settled?.(answer.failure);
          break;
        case 'not-stored':
          if (item.generation === this.generation) again.push(item);
          retryAfterMs = Math.max(retryAfterMs, answer.retryAfterMs);
          break;
        case 'in-doubt':
          doubt ||= item.generation === this.generation;
          break;
        case 'fenced':
          this.events.fenced();
          return;
        default:
          unreachable(answer);
      }
    }
    this.events.answered();
    if (doubt) {
      this.events.inDoubt();
      return;
    }
    if (again.length > 0) this.tryAgain(again, retryAfterMs);
    else this.failingSince = undefined;
    this.pump();
  }

  /** Back to their old places; batches that were refused together may be answered in any order. */
  private tryAgain(items: readonly Waiting[], retryAfterMs: number): void {
    const now = this.context.clock.monotonic();
    this.failingSince ??= now;
    if (now - this.failingSince > patienceMs) {
      this.events.inDoubt();
      return;
    }
    this.waiting = [...items, ...this.waiting].sort((a, b) => a.order - b.order);
    this.hold?.();
    this.hold = this.context.clock.after(Math.max(1, retryAfterMs), () => {
      this.hold = undefined;
      this.pump();
    });
  }

  private feelPressure(): void {
    const high = this.high
      ? this.waiting.length > this.context.emitLimit / 2
      : this.waiting.length > this.context.emitLimit;
    if (high === this.high) return;
    this.high = high;
    this.events.pressure(high);
  }

  private settleIdle(): void {
    if (!this.stopped && (this.outstanding > 0 || this.waiting.length > 0)) return;
    for (const done of this.idle.splice(0)) done();
  }
}
