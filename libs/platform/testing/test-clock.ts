import { Clock } from '#platform';

/** A clock that stands still until the test moves it. */
export class TestClock extends Clock {
  #now: number;
  #monotonic = 0;
  #order = 0;
  #timers: { readonly due: number; readonly order: number; readonly call: () => void }[] = [];

  /** @param now milliseconds since 1970 */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    super();
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { due: this.#monotonic + Math.max(0, ms), order: this.#order++, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Time passes; timers that come due are called in their order, each at its own time, those they set among them. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = this.#timers
        .filter(({ due }) => due <= end)
        .sort((a, b) => a.due - b.due || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#pass(next.due - this.#monotonic);
      next.call();
    }
    this.#pass(end - this.#monotonic);
  }

  /** Somebody sets the machine's time: dates move, durations do not. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.#now += ms;
  }
}
