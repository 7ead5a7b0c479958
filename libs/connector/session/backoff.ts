import type { SessionClock } from '#connector';
import type { Failure } from '#model';

export interface BackoffTimings {
  /** Pause before the second try, doubled at each further one up to the longest; milliseconds. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** The least pause after the network has asked for patience. */
  readonly throttled: number;
  /** After so long online, the next failure starts with the first pause again. */
  readonly stable: number;
}

/** How long to wait before the next try. Between half and the whole of what it has grown to, so that many do not come back at once. */
export class Backoff {
  readonly #clock: SessionClock;
  readonly #random: () => number;
  readonly #timings: BackoffTimings;
  #attempts = 0;
  #cancelStable: (() => void) | undefined;

  /** @param random uniform in [0, 1). */
  constructor(clock: SessionClock, random: () => number, timings: BackoffTimings) {
    this.#clock = clock;
    this.#random = random;
    this.#timings = timings;
  }

  /** It went well; if it stays so, what was before is forgotten. */
  online(): void {
    this.#cancelStable ??= this.#clock.after(this.#timings.stable, () => {
      this.#attempts = 0;
    });
  }

  offline(): void {
    this.#cancelStable?.();
    this.#cancelStable = undefined;
  }

  /** The pause after one more failure, in milliseconds. */
  pause(why: Failure): number {
    const { firstRetry, longestRetry, throttled } = this.#timings;
    const asked = why.code === 'rate-limited' || why.code === 'auth-method';
    const first = asked ? throttled : firstRetry;
    const grown = Math.min(longestRetry, first * 2 ** Math.min(this.#attempts++, 20));
    const jittered = grown * (0.5 + this.#random() / 2);
    return Math.round(asked ? Math.max(throttled, jittered) : jittered);
  }
}
