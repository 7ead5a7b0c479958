import type { Clock } from '../clock.js';

interface Want {
  readonly everyMs: number;
  readonly outbound: boolean;
  readonly onDead: (why: string) => void;
}

/** How a flow is kept open. */
export interface Line {
  /** @param outbound whether an answer may be asked for where that is not usual. */
  ping(outbound: boolean): void;
  /** The same once more: an answer to either will do. */
  pingAgain(): void;
  /** The peer no longer answers. */
  dead(why: string): void;
  /** Whether a peer that answered once can be held to it, though it has not promised: so on streams. */
  readonly isStream: boolean;
}

/** The first pause after which an unanswered STUN request goes out again (RFC 5389 §7.2.1), in milliseconds. */
const firstPause = 500;

/** The keepalive of one flow, for all who want it: as often as the most anxious of them (RFC 5626 §4.4). */
export class Pulse {
  readonly #clock: Clock;
  readonly #pongMs: number;
  readonly #line: Line;
  readonly #wants = new Set<Want>();
  #due = Infinity;
  #cancelNext: (() => void) | undefined;
  #cancelPong: (() => void) | undefined;
  #cancelAgain: (() => void) | undefined;
  #hasAnswered = false;

  constructor(clock: Clock, pongMs: number, line: Line) {
    this.#clock = clock;
    this.#pongMs = pongMs;
    this.#line = line;
  }

  get isWanted(): boolean {
    return this.#wants.size > 0;
  }

  add(
    options: { readonly everyMs: number; readonly outbound: boolean },
    onDead: (why: string) => void,
  ): () => void {
    const want = { ...options, onDead };
    this.#wants.add(want);
    this.#arm(want.everyMs);
    return () => {
      this.#wants.delete(want);
      if (this.#wants.size === 0) this.stop();
    };
  }

  /** The peer has answered. */
  answered(): void {
    this.#hasAnswered = true;
    this.#cancelPong?.();
    this.#cancelAgain?.();
    this.#cancelPong = undefined;
  }

  dead(why: string): void {
    this.stop();
    this.#line.dead(why);
    const wants = [...this.#wants];
    this.#wants.clear();
    for (const { onDead } of wants) onDead(why);
  }

  stop(): void {
    this.#due = Infinity;
    this.#cancelNext?.();
    this.#cancelPong?.();
    this.#cancelAgain?.();
    this.#cancelPong = undefined;
  }

  /** Sooner than it was due, or not at all: who comes and goes must not put it off. */
  #arm(everyMs: number): void {
    const after = everyMs * (0.8 + 0.2 * Math.random());
    const due = this.#clock.monotonic() + after;
    if (due >= this.#due) return;
    this.#cancelNext?.();
    this.#due = due;
    this.#cancelNext = this.#clock.after(after, () => {
      this.#due = Infinity;
      this.#ping();
      let least = Infinity;
      for (const want of this.#wants) least = Math.min(least, want.everyMs);
      if (least < Infinity) this.#arm(least);
    });
  }

  #ping(): void {
    const outbound = [...this.#wants].some((want) => want.outbound);
    this.#line.ping(outbound);
    const expects = outbound || (this.#line.isStream && this.#hasAnswered);
    if (!expects || this.#cancelPong !== undefined) return;
    this.#cancelPong = this.#clock.after(this.#pongMs, () => {
      this.dead('the peer no longer answers keepalives');
    });
    if (!this.#line.isStream) this.#again(firstPause);
  }

  #again(pause: number): void {
    this.#cancelAgain = this.#clock.after(pause, () => {
      this.#line.pingAgain();
      this.#again(2 * pause);
    });
  }
}
