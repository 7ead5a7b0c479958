/** Time as an argument: code that waits or dates asks a clock, so that a test can hand it another. */
export abstract class Clock {
  /** Milliseconds since 1970; may jump when the machine's time is set. */
  abstract now(): number;
  /** Milliseconds that only grow: for deadlines and durations, never for a date. */
  abstract monotonic(): number;
  /** Calls once, when `ms` have passed and never before; the answer cancels it. A waiting timer keeps no process alive. */
  abstract after(ms: number, call: () => void): () => void;
}

/** setTimeout takes 31 bits; more fires at once. */
const longest = 2 ** 31 - 1;

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, call: () => void): () => void {
    const due = this.monotonic() + ms;
    let timer: NodeJS.Timeout;
    // Node reckons a timer from the start of its turn of the event loop, so one may fire a little early.
    const wait = (left: number): void => {
      timer = setTimeout(check, Math.min(Math.ceil(left), longest)).unref();
    };
    const check = (): void => {
      const left = due - this.monotonic();
      if (left > 0) wait(left);
      else call();
    };
    wait(ms);
    return () => {
      clearTimeout(timer);
    };
  }
}
