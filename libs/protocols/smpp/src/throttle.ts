import { systemClock, type Clock } from './clock.js';

export interface ThrottleOptions {
  /** The most a second that may go; without it there is no bound until the SMSC has asked for patience. */
  readonly perSecond?: number;
  readonly clock?: Clock;
}

/** What is left of the pace when the SMSC asks for patience. */
const slower = 0.7;
/** So long nothing goes, and what was on its way before does not slow us down again. */
const hold = 1_000;
/** What the pace grows by in each second in which all went well. */
const recovery = 1.05;
const leastPerSecond = 0.1;
/** Past this the pace that was learnt is no bound any more. */
const noBound = 100_000;

/**
 * The pace towards one SMSC. Each time that it says ESME_RTHROTTLED or ESME_RMSGQFUL, nothing goes for a moment, and then
 * 0.7 of what went before; from there it grows back slowly.
 *
 * Ask `delay` before a request, say `sent` when it goes and `throttled` when its answer asks for patience.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #most: number | undefined;
  #pace: number | undefined;
  /** When the next may go, by the clock. */
  #next = 0;
  #heldUntil = 0;
  #grown = 0;
  /** Requests of this second and of the one before: how fast we are. */
  #second = 0;
  #inSecond = 0;
  #before = 0;

  constructor({ perSecond, clock = systemClock }: ThrottleOptions = {}) {
    this.#clock = clock;
    this.#most = perSecond;
    this.#pace = perSecond;
  }

  /** Requests a second that may go just now; undefined where nothing bounds them. */
  get rate(): number | undefined {
    this.#grow(this.#clock.monotonic());
    return this.#pace;
  }

  /** Milliseconds until the next request may go; 0 when it may. */
  delay(): number {
    const now = this.#clock.monotonic();
    this.#grow(now);
    return Math.max(0, this.#heldUntil - now, this.#pace === undefined ? 0 : this.#next - now);
  }

  /** A request goes. */
  sent(): void {
    const now = this.#clock.monotonic();
    this.#count(now);
    if (this.#pace === undefined) return;
    // What was not used a while ago is not made up for, but for one turn of the timers.
    this.#next = Math.max(this.#next, now - 20) + 1_000 / this.#pace;
  }

  /** The SMSC asked for patience. Whatever else it says so within the hold is of the same wave, and changes nothing. */
  throttled(): void {
    const now = this.#clock.monotonic();
    if (now < this.#heldUntil) return;
    this.#grow(now);
    this.#count(now, 0);
    const seen = Math.max(1, this.#before, this.#inSecond);
    this.#pace = Math.max(leastPerSecond, slower * Math.min(this.#pace ?? seen, seen));
    this.#heldUntil = now + hold;
    this.#next = this.#heldUntil;
    this.#grown = this.#heldUntil;
  }

  #count(now: number, by = 1): void {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#before = second === this.#second + 1 ? this.#inSecond : 0;
      this.#inSecond = 0;
      this.#second = second;
    }
    this.#inSecond += by;
  }

  #grow(now: number): void {
    if (this.#pace === undefined || this.#pace === this.#most) return;
    const seconds = Math.floor((now - this.#grown) / 1_000);
    if (seconds <= 0) return;
    this.#grown += seconds * 1_000;
    const grown = this.#pace * recovery ** Math.min(seconds, 1_000);
    if (this.#most !== undefined) this.#pace = Math.min(this.#most, grown);
    else this.#pace = grown > noBound ? undefined : grown;
  }
}
