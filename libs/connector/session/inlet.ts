/*
 * What the network said, on its way into the house. Nothing that was read is let go while the house may still take it:
 * what was not stored is offered again, and meanwhile the wire is paused. A network that can be acknowledged is told how
 * far everything is stored (`settled`).
 *
 * One batch is under way at a time; what comes meanwhile makes the next. So the order holds whatever becomes of a batch,
 * and the slower the house, the larger the batches. What is held is bounded by the house's own limit.
 */
import type { EmitOutcome, InboundEvent, SessionContext } from '#connector';
import { unreachable, type AccountId } from '#model';
import type { Notes } from './notes.js';

/** Before something of unknown fate is offered again. */
const doubtMs = 1_000;

export interface InletHandler {
  /** Too much is held: read no more until `eased`. */
  full(): void;
  eased(): void;
  /** Another worker holds the link: be silent from now on. */
  fenced(): void;
}

interface Offered {
  readonly event: InboundEvent;
  /** Its place in the order of all that came. */
  readonly number: number;
}

export class Inlet {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #handler: InletHandler;
  #waiting: Offered[] = [];
  #pushed = 0;
  #marks: { readonly upTo: number; readonly reached: () => void }[] = [];
  #notes: Notes = [];
  /** What is with the house; undefined when it is not asked. */
  #asked: readonly Offered[] | undefined;
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
    this.#waiting.push({ event, number: ++this.#pushed });
    this.#weigh();
  }

  /**
   * Calls once when everything that was pushed before is stored (or the house will never take it): at once where that is
   * so already. Calls come in the order in which they were asked for. Never after `close`.
   */
  settled(reached: () => void): void {
    if (this.#closed) return;
    this.#marks.push({ upTo: this.#pushed, reached });
    this.#reach();
  }

  /** Sends what has gathered, with the connector's own notes in the same transaction. */
  flush(notes: Notes = []): void {
    if (this.#closed) return;
    // The latest note of a key is the only one that counts.
    if (notes.length > 0) {
      this.#notes = [...this.#notes.filter((old) => !notes.some((one) => one.key === old.key)), ...notes];
    }
    if (this.#asked !== undefined || this.#cancelRetry !== undefined) return;
    if (this.#waiting.length === 0 && this.#notes.length === 0) return;
    const offered = this.#waiting.splice(0, this.#context.emitLimit);
    const events = offered.map(({ event }) => event);
    // A note says that everything up to now is stored: it goes with the last of what waits.
    const keyValues = this.#waiting.length === 0 ? this.#notes : [];
    if (this.#waiting.length === 0) this.#notes = [];
    this.#asked = offered;
    this.#context.emit({ events, ...(keyValues.length > 0 && { keyValues }) }).then(
      (outcomes) => {
        this.#answered(offered, outcomes);
      },
      (error: unknown) => {
        this.#context.log.warn({ account: this.#account, error: String(error) }, 'emit failed');
        this.#answered(
          offered,
          events.map(() => ({ outcome: 'not-stored', retryAfterMs: doubtMs })),
        );
      },
    );
  }

  /** Resolves when nothing is held, or the time is over. */
  async drained(withinMs: number): Promise<void> {
    this.flush();
    if (this.#isQuiet()) return;
    await new Promise<void>((done) => {
      const quiet = this.#quiet;
      const finish = (): void => {
        cancel();
        quiet.delete(finish);
        done();
      };
      const cancel = this.#context.clock.after(withinMs, finish);
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
    this.#marks = [];
    for (const tell of [...this.#quiet]) tell();
  }

  #answered(offered: readonly Offered[], outcomes: readonly EmitOutcome[]): void {
    this.#asked = undefined;
    if (this.#closed) return;
    const again: Offered[] = [];
    let waitMs = 0;
    for (const [at, one] of offered.entries()) {
      const { event } = one;
      const outcome = outcomes[at];
      if (outcome === undefined) continue;
      switch (outcome.outcome) {
        case 'stored':
        case 'duplicate':
          break;
        case 'refused':
          this.#context.log.warn(
            { account: this.#account, type: event.type, code: outcome.failure.code },
            'the house refused an event',
          );
          break;
        case 'not-stored':
          again.push(one);
          waitMs = Math.max(waitMs, outcome.retryAfterMs);
          break;
        case 'in-doubt':
          // Said twice is worse than lost only where nothing tells the second from the first.
          if (mayRepeat(event)) {
            again.push(one);
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
    if (again.length > 0) {
      this.#waiting = [...again, ...this.#waiting];
      this.#cancelRetry = this.#context.clock.after(Math.max(1, waitMs), () => {
        this.#cancelRetry = undefined;
        this.flush();
      });
    } else {
      this.flush();
    }
    this.#reach();
    this.#weigh();
    if (this.#isQuiet()) for (const tell of [...this.#quiet]) tell();
  }

  /** Tells those who wait for what is stored by now. */
  #reach(): void {
    const first = this.#asked?.[0] ?? this.#waiting[0];
    const stored = first === undefined ? this.#pushed : first.number - 1;
    while (this.#marks[0] !== undefined && this.#marks[0].upTo <= stored) this.#marks.shift()?.reached();
  }

  #isQuiet(): boolean {
    return this.#asked === undefined && this.#waiting.length === 0;
  }

  #weigh(): void {
    const held = (this.#asked?.length ?? 0) + this.#waiting.length;
    const limit = this.#context.emitLimit;
    if (!this.#full && held >= limit) {
      this.#full = true;
      this.#handler.full();
    } else if (this.#full && held <= limit / 2) {
      this.#full = false;
      this.#handler.eased();
    }
  }
}

/** Whether a second offer of the same event would be recognised, or would change nothing. */
function mayRepeat(event: InboundEvent): boolean {
  return event.type !== 'message' || event.remoteId !== undefined || event.wireId !== undefined;
}
