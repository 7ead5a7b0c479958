import type { SessionClock } from '#connector';

/** Real time, and a wall clock that can jump. */
export class RealClock implements SessionClock {
  private offset = 0;
  private readonly pending = new Set<NodeJS.Timeout>();

  now(): number {
    return Date.now() + this.offset;
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(() => {
      this.pending.delete(timer);
      call();
    }, ms);
    this.pending.add(timer);
    return () => {
      this.pending.delete(timer);
      clearTimeout(timer);
    };
  }

  /** Somebody sets the clock: the time of day jumps, monotonic time does not. */
  jump(ms: number): void {
    this.offset += ms;
  }

  /** How many timers wait to fire. */
  get timers(): number {
    return this.pending.size;
  }
}

/** Time that passes only when told to. */
export class ManualClock implements SessionClock {
  private time = 0;
  private readonly waiting = new Set<{ readonly at: number; readonly call: () => void }>();

  constructor(private readonly start = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.start + this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.time + Math.max(0, ms), call };
    this.waiting.add(timer);
    return () => {
      this.waiting.delete(timer);
    };
  }

  /** Lets time pass; what falls due is called in the order of its time. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      let next: { readonly at: number; readonly call: () => void } | undefined;
      for (const timer of this.waiting) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
      if (!next) break;
      this.waiting.delete(next);
      this.time = next.at;
      next.call();
    }
    this.time = end;
  }

  get timers(): number {
    return this.waiting.size;
  }
}
