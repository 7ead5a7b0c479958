/*
 * What the network said, on its way into the house. IRC cannot be told to say it again, so nothing that was read is let
 * go while the house may still take it: what was not stored is offered again, in order, and meanwhile the wire is
 * paused. What is held is bounded by the house's own limit.
 */
import type { EmitOutcome, InboundBatch, InboundEvent, SessionContext } from '#connector';
import { unreachable, type AccountId, type Failure } from '#model';

type KeyValues = NonNullable<InboundBatch['keyValues']>;

/** An event in the order in which it was said. */
interface Held {
  readonly number: number;
  readonly event: InboundEvent;
}

/** Before an event of unknown fate is offered again. */
const doubtMs = 1_000;

export interface InletHandler {
  /** Too much is outstanding: read no more until `eased`. */
  full(): void;
  eased(): void;
  /** Another worker holds the link: be silent from now on. */
  fenced(): void;
}

export class Inlet {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #handler: InletHandler;
  #waiting: Held[] = [];
  #pushed = 0;
  #notes: KeyValues = [];
  #outstanding = 0;
  #full = false;
  #cancelRetry: (() => void) | undefined;
  #closed = false;
  readonly #quiet = new Set<() => void>();

  constructor(context: SessionContext, account: AccountId, handler: InletHandler) {
    this.#context = context;
    this.#account = account;
    this.#handler = handler;
  }

  /** Takes an event; it leaves with the next `flush`. */
  push(event: InboundEvent): void {
    if (this.#closed) return;
    this.#waiting.push({ number: this.#pushed++, event });
    this.#weigh();
  }

  /** Sends what has gathered, with the connector's own notes in the same transaction. */
  flush(notes: KeyValues = []): void {
    if (this.#closed) return;
    // The latest note of a key is the only one that counts.
    if (notes.length > 0) {
      this.#notes = [...this.#notes.filter((old) => !notes.some((one) => one.key === old.key)), ...notes];
    }
    if (this.#cancelRetry !== undefined) return;
    // Never more than the house takes at once; the rest goes when something has been answered.
    const held = this.#waiting.splice(0, Math.max(0, this.#context.emitLimit - this.#outstanding));
    if (held.length === 0 && (this.#notes.length === 0 || this.#waiting.length > 0)) return;
    const events = held.map(({ event }) => event);
    // A note says that everything up to now is stored: it goes with the last of what waits.
    const keyValues = this.#waiting.length === 0 ? this.#notes : [];
    if (this.#waiting.length === 0) this.#notes = [];
    this.#outstanding += events.length;
    this.#context.emit({ events, ...(keyValues.length > 0 && { keyValues }) }).then(
      (outcomes) => {
        this.#settled(held, outcomes);
      },
      (error: unknown) => {
        this.#context.log.warn({ account: this.#account, error: String(error) }, 'emit failed');
        this.#settled(
          held,
          held.map(() => ({ outcome: 'not-stored', retryAfterMs: doubtMs })),
        );
      },
    );
  }

  /** Resolves when nothing is outstanding, or the time is over. */
  async drained(withinMs: number): Promise<void> {
    this.flush();
    if (this.#isQuiet()) return;
    await new Promise<void>((done) => {
      const cancel = this.#context.clock.after(withinMs, finish);
      const quiet = this.#quiet;
      function finish(): void {
        cancel();
        quiet.delete(finish);
        done();
      }
      quiet.add(finish);
    });
  }

  /** Whether the house is behind: nothing should be read from the network. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Whether nothing waits for the next flush. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#waiting = [];
    for (const tell of [...this.#quiet]) tell();
  }

  #settled(events: readonly Held[], outcomes: readonly EmitOutcome[]): void {
    this.#outstanding -= events.length;
    if (this.#closed) return;
    const again: Held[] = [];
    let waitMs = 0;
    for (const [at, held] of events.entries()) {
      const { event } = held;
      const outcome = outcomes[at];
      if (outcome === undefined) continue;
      switch (outcome.outcome) {
        case 'stored':
        case 'duplicate':
          break;
        case 'refused':
          this.#refused(event, outcome.failure);
          break;
        case 'not-stored':
          again.push(held);
          waitMs = Math.max(waitMs, outcome.retryAfterMs);
          break;
        case 'in-doubt':
          // Said twice is worse than lost only where nothing tells the second from the first.
          if (mayRepeat(event)) {
            again.push(held);
            waitMs = Math.max(waitMs, doubtMs);
          } else {
            this.#context.log.warn({ account: this.#account }, 'an event of unknown fate was let go');
          }
          break;
        case 'fenced':
          this.close();
          this.#handler.fenced();
          return;
        default:
          unreachable(outcome);
      }
    }
    if (again.length > 0) this.#retry(again, waitMs);
    else if (this.#waiting.length > 0) this.flush();
    this.#weigh();
    if (this.#isQuiet()) for (const tell of [...this.#quiet]) tell();
  }

  /** Several batches may come back, in any order: what was said first is offered first. */
  #retry(events: readonly Held[], waitMs: number): void {
    this.#waiting = [...events, ...this.#waiting].sort((a, b) => a.number - b.number);
    this.#cancelRetry ??= this.#context.clock.after(Math.max(1, waitMs), () => {
      this.#cancelRetry = undefined;
      this.flush();
    });
  }

  #refused(event: InboundEvent, failure: Failure): void {
    this.#context.log.warn(
      { account: this.#account, type: event.type, code: failure.code },
      'the house refused an event',
    );
  }

  #isQuiet(): boolean {
    return this.#outstanding === 0 && this.#waiting.length === 0;
  }

  /** Full while something must be offered again, too: else what came later would be stored first. */
  #weigh(): void {
    const held = this.#outstanding + this.#waiting.length;
    const limit = this.#context.emitLimit;
    if (!this.#full && (held >= limit || this.#cancelRetry !== undefined)) {
      this.#full = true;
      this.#handler.full();
    } else if (this.#full && held <= limit / 2 && this.#cancelRetry === undefined) {
      this.#full = false;
      this.#handler.eased();
    }
  }
}

/** Whether a second offer of the same event would be recognised, or would change nothing. */
function mayRepeat(event: InboundEvent): boolean {
  return event.type !== 'message' || event.remoteId !== undefined || event.wireId !== undefined;
}
