import type { LoopbackEvent } from '../loopback.frames.js';

/** One numbered delivery to one name. */
export interface Delivery {
  readonly n: number;
  readonly event: LoopbackEvent;
  /** Whether it came while nobody was attached. */
  readonly late: boolean;
}

/** What a name was sent and has not acknowledged: numbered, in order, delivered again after every attach. */
export class Mailbox {
  private held: Delivery[] = [];
  private start = 0;
  private last = 0;

  /** The number of the last delivery that was acknowledged. */
  get acknowledged(): number {
    return this.last - (this.held.length - this.start);
  }

  get waiting(): number {
    return this.held.length - this.start;
  }

  put(event: LoopbackEvent, late: boolean): Delivery {
    const delivery = { n: ++this.last, event, late };
    this.held.push(delivery);
    return delivery;
  }

  /** The deliveries after a number, at most so many. */
  after(n: number, limit: number): readonly Delivery[] {
    const from = Math.max(this.start, this.start + (n - this.acknowledged));
    return this.held.slice(from, from + limit);
  }

  acknowledge(n: number): void {
    const up = Math.min(n, this.last);
    if (up <= this.acknowledged) return;
    this.start += up - this.acknowledged;
    // Cut off in large pieces: cutting one by one would move the rest every time.
    if (this.start > 1_024 && this.start > this.held.length / 2) {
      this.held = this.held.slice(this.start);
      this.start = 0;
    }
  }

  all(): readonly LoopbackEvent[] {
    return this.held.slice(this.start).map(({ event }) => event);
  }

  /** Loses everything that waits; the numbers go on. */
  lose(): void {
    this.held = [];
    this.start = 0;
  }
}
