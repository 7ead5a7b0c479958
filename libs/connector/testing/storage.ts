import {
  idsOf,
  type EmitOutcome,
  type InboundBatch,
  type InboundEvent,
  type InboundMessage,
  type JsonValue,
  type RemoteId,
  type SessionClock,
} from '#connector';
import { unreachable, type AccountId, type Failure } from '#model';

/** What storage does with a batch instead of keeping it. */
export type StorageFault =
  | { readonly fault: 'not-stored'; readonly retryAfterMs: number }
  /** Nobody says whether it was kept; `kept` says whether it was. */
  | { readonly fault: 'in-doubt'; readonly kept: boolean }
  | { readonly fault: 'fenced' }
  | { readonly fault: 'refused'; readonly failure: Failure };

interface Waiting {
  readonly batch: InboundBatch;
  readonly resolve: (outcomes: readonly EmitOutcome[]) => void;
  cancelDeadline: (() => void) | undefined;
}

/**
 * Storage in memory: one batch after another, as the house does it; drops what it has already by any of its ids; fails
 * as it is told.
 */
export class MemoryStorage {
  /** Everything kept, in order. */
  readonly stored: InboundEvent[] = [];
  /** What came again and was dropped. */
  readonly duplicates: InboundEvent[] = [];
  readonly keyValues = new Map<string, JsonValue>();
  /** Events handed in and not answered yet, now and at most. */
  outstanding = 0;
  mostOutstanding = 0;
  /** How many batches fared badly. */
  failed = 0;
  /** By each of its ids, the network's ids of what bears it, by scope. */
  private readonly known = new Map<string, Map<string, string>>();
  private readonly queue: Waiting[] = [];
  private readonly faults: { fault: StorageFault; batches: number }[] = [];
  private withheld = false;
  private delayMs = 0;
  private working = false;

  constructor(private readonly clock: SessionClock) {}

  /** The next batches fare badly. */
  failNext(fault: StorageFault, batches = 1): void {
    this.faults.push({ fault, batches });
  }

  /** Every commit takes so long. */
  slow(ms: number): void {
    this.delayMs = ms;
  }

  /** Batches wait, uncommitted, until `release` or `discard`. */
  withhold(): void {
    this.withheld = true;
  }

  release(): void {
    this.withheld = false;
    void this.work();
  }

  /** What is withheld was never kept and nobody will say so: its emits are answered in-doubt. Storage works again. */
  discard(): void {
    for (const waiting of this.queue.splice(0)) {
      this.answer(waiting, alike(waiting.batch, { outcome: 'in-doubt' }));
    }
    this.release();
  }

  /** How many events wait while storage is withheld; notes that come without any count as one. */
  get waiting(): number {
    return this.queue.reduce((sum, { batch }) => sum + Math.max(1, batch.events.length), 0);
  }

  emit(batch: InboundBatch, deadlineMs: number | undefined): Promise<readonly EmitOutcome[]> {
    this.outstanding += batch.events.length;
    this.mostOutstanding = Math.max(this.mostOutstanding, this.outstanding);
    return new Promise((resolve) => {
      const waiting: Waiting = { batch, resolve, cancelDeadline: undefined };
      if (deadlineMs !== undefined) {
        waiting.cancelDeadline = this.clock.after(deadlineMs, () => {
          this.giveBack(this.queue.splice(Math.max(0, this.queue.indexOf(waiting))), 1_000);
        });
      }
      this.queue.push(waiting);
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    // A commit is never instant: whoever counts on it is found out.
    await new Promise((turn) => setImmediate(turn));
    while (!this.withheld) {
      const waiting = this.queue.shift();
      if (!waiting) break;
      waiting.cancelDeadline?.();
      if (this.delayMs > 0) await new Promise<void>((done) => this.clock.after(this.delayMs, done));
      const outcomes = this.commit(waiting.batch);
      this.answer(waiting, outcomes);
      const [first] = outcomes;
      if (first?.outcome === 'not-stored') this.giveBack(this.queue.splice(0), first.retryAfterMs);
    }
    this.working = false;
  }

  /** What was handed in behind a batch that was not stored is not stored either. */
  private giveBack(behind: readonly Waiting[], retryAfterMs: number): void {
    for (const waiting of behind) {
      this.answer(waiting, alike(waiting.batch, { outcome: 'not-stored', retryAfterMs }));
    }
  }

  private answer(waiting: Waiting, outcomes: readonly EmitOutcome[]): void {
    waiting.cancelDeadline?.();
    this.outstanding -= waiting.batch.events.length;
    waiting.resolve(outcomes);
  }

  private commit(batch: InboundBatch): readonly EmitOutcome[] {
    const fault = this.nextFault(batch);
    const all = (outcome: EmitOutcome): readonly EmitOutcome[] => alike(batch, outcome);
    switch (fault?.fault) {
      case undefined:
        return this.keep(batch);
      case 'not-stored':
        return all({ outcome: 'not-stored', retryAfterMs: fault.retryAfterMs });
      case 'in-doubt':
        if (fault.kept) this.keep(batch);
        return all({ outcome: 'in-doubt' });
      case 'fenced':
        return all({ outcome: 'fenced' });
      case 'refused':
        return all({ outcome: 'refused', failure: fault.failure });
      default:
        return unreachable(fault);
    }
  }

  /** Notes alone leave it to the next: the kit counts faults by what was said. */
  private nextFault(batch: InboundBatch): StorageFault | undefined {
    const [first] = this.faults;
    if (!first || batch.events.length === 0) return undefined;
    if (--first.batches <= 0) this.faults.shift();
    this.failed++;
    return first.fault;
  }

  private keep(batch: InboundBatch): readonly EmitOutcome[] {
    for (const { account, key, value } of [
      ...(batch.keyValues ?? []),
      ...(batch.checkpoint ? [batch.checkpoint] : []),
    ]) {
      if (value === null) this.keyValues.delete(noteKey(account, key));
      else this.keyValues.set(noteKey(account, key), value);
    }
    if (batch.events.length === 0) return alike(batch, { outcome: 'stored' });
    return batch.events.map((event) => {
      const known = event.type === 'message' && this.isKnown(event);
      (known ? this.duplicates : this.stored).push(event);
      return { outcome: known ? 'duplicate' : 'stored' };
    });
  }

  /** Whether a message is here under one of its ids (DESIGN.md §6); from now on under all of them. */
  private isKnown(event: InboundMessage): boolean {
    const ids = idsOf(event);
    const named = ids.filter(({ by }) => by === 'network');
    const holder = ids
      .map((id) => this.known.get(duplicateKey(event, id)))
      .find((names) => names && named.every(({ scope, id }) => (names.get(scope) ?? id) === id));
    const names = holder ?? new Map<string, string>();
    for (const { scope, id } of named) names.set(scope, id);
    for (const id of ids) this.known.set(duplicateKey(event, id), names);
    return holder !== undefined;
  }

  read(account: AccountId, key: string): JsonValue | undefined {
    return this.keyValues.get(noteKey(account, key));
  }
}

/** One outcome for all of a batch, also where that is notes alone. */
function alike({ events }: InboundBatch, outcome: EmitOutcome): readonly EmitOutcome[] {
  return events.length === 0 ? [outcome] : events.map(() => outcome);
}

function noteKey(account: AccountId, key: string): string {
  return `${account}\n${key}`;
}

/** An id that the network gave counts alone, one that the sender chose with the author and the same content. */
function duplicateKey({ account, author, content }: InboundMessage, { scope, id, by }: RemoteId): string {
  const alike = by === 'network' ? [] : [author.address, content];
  return JSON.stringify([account, scope, id, ...alike]);
}
