/*
 * Whether the other side is alive, and how far it has worked. A PING does both: its answer proves a live connection,
 * and that every line which left before it has been dealt with.
 */
import type { SessionClock } from '#connector';
import type { Timers } from '#connector/session';
import type { Ledger } from './ledger.js';
import type { Outbox } from './outbox.js';
import { command } from './to-irc.js';

/** A PING costs as much as a message: lines that leave shortly after one another share one. */
const gatherMs = 50;

export interface PulseParts {
  readonly clock: SessionClock;
  readonly timers: Timers;
  /** Silence after which we ask, and how long the answer may take. */
  readonly idleMs: number;
  readonly answerMs: number;
  readonly outbox: Outbox;
  readonly ledger: Ledger;
  readonly echoes: () => boolean;
  /** Whether we do not read at present: then silence is ours. */
  readonly deaf: () => boolean;
  /** From time to time, while the connection lives. */
  readonly beat: () => void;
  readonly dead: () => void;
}

export class Pulse {
  readonly #parts: PulseParts;
  /** Token → the number of the last line that left before that PING. */
  readonly #asked = new Map<string, number>();
  #number = 0;
  /** The number of the last line that a PING has followed. */
  #covered = 0;
  #lastLine: number;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#lastLine = parts.clock.monotonic();
  }

  /** A line has come. */
  heard(): void {
    this.#lastLine = this.#parts.clock.monotonic();
  }

  /** Watches from now on: silence, then a question, then no answer. */
  watch(): void {
    const { clock, timers, idleMs, answerMs, deaf, beat, dead } = this.#parts;
    beat();
    const silent = clock.monotonic() - this.#lastLine;
    const wait = deaf() ? idleMs : idleMs - silent;
    if (wait > 0) {
      timers.set('watch', wait, () => {
        this.watch();
      });
      return;
    }
    const asked = this.#lastLine;
    this.#ask();
    timers.set('watch', answerMs, () => {
      if (this.#lastLine > asked || deaf()) this.watch();
      else dead();
    });
  }

  /** Everything that waited has left: soon asks about lines that neither label nor echo will settle, once for all. */
  outboxIdle(): void {
    const { ledger, echoes, timers } = this.#parts;
    if (ledger.awaitsPing(echoes()) <= this.#covered) return;
    timers.set('ask', gatherMs, () => {
      if (ledger.awaitsPing(echoes()) > this.#covered) this.#ask();
    });
  }

  /** A last question, to be written at once; undefined when there is nothing to ask. */
  lastQuestion(): string | undefined {
    const { ledger, echoes } = this.#parts;
    if (ledger.awaitsPing(echoes()) === 0) return undefined;
    const token = this.#token();
    this.#asked.set(token, ledger.last);
    return command('PING', token);
  }

  answered(token: string): void {
    const number = this.#asked.get(token);
    if (number === undefined) return;
    for (const [older, mark] of this.#asked) if (mark <= number) this.#asked.delete(older);
    this.#parts.ledger.workedThrough(number, this.#parts.echoes());
  }

  #ask(): void {
    const token = this.#token();
    this.#parts.outbox.control({
      line: command('PING', token),
      key: 'ping',
      left: () => {
        this.#covered = this.#parts.ledger.last;
        this.#asked.set(token, this.#covered);
      },
    });
  }

  #token(): string {
    this.#number++;
    return `parley-${String(this.#number)}`;
  }
}
