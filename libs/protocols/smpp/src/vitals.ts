import type { Clock } from './clock.js';

export interface VitalsPort {
  /** Whether the peer takes nothing of what we write. */
  isBlocked(): boolean;
  /** Whether we read nothing of what it writes. */
  isHeld(): boolean;
  enquire(): void;
  dead(): void;
}

/** A process that was held up has its timers called first, and what came meanwhile read after them: it looks again. */
const againMs = 100;

/**
 * Whether the other side lives (SMPP 3.4 §2.7.5, §4.11): a link that says nothing for a while is asked, and one that says
 * nothing then, or takes nothing for as long, is dead. Whatever comes is a sign of life.
 */
export class Vitals {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #answerMs: number;
  readonly #port: VitalsPort;
  #lastHeard: number;
  #askedAt: number | undefined;
  #blockedSince: number | undefined;
  #looksAgain = false;
  #cancel: () => void;

  constructor(clock: Clock, idleMs: number, answerMs: number, port: VitalsPort) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#answerMs = answerMs;
    this.#port = port;
    this.#lastHeard = clock.monotonic();
    this.#cancel = clock.after(idleMs, this.#look);
  }

  heard(): void {
    this.#lastHeard = this.#clock.monotonic();
    this.#askedAt = undefined;
    this.#looksAgain = false;
  }

  stop(): void {
    this.#cancel();
  }

  readonly #look = (): void => {
    const now = this.#clock.monotonic();
    this.#blockedSince = this.#port.isBlocked() ? (this.#blockedSince ?? now) : undefined;
    if (this.#blockedSince !== undefined && now - this.#blockedSince >= this.#idleMs + this.#answerMs) {
      this.#port.dead();
      return;
    }
    let wait = Math.max(0, this.#lastHeard + this.#idleMs - now);
    if (this.#port.isHeld()) wait = this.#idleMs;
    else if (this.#askedAt !== undefined) {
      wait = this.#askedAt + this.#answerMs - now;
      if (wait <= 0 && this.#looksAgain) {
        this.#port.dead();
        return;
      }
      if (wait <= 0) {
        this.#looksAgain = true;
        wait = againMs;
      }
    } else if (wait === 0) {
      this.#askedAt = now;
      this.#port.enquire();
      wait = this.#answerMs;
    }
    if (this.#blockedSince !== undefined) wait = Math.min(wait, this.#answerMs);
    this.#cancel = this.#clock.after(Math.max(1, wait), this.#look);
  };
}
