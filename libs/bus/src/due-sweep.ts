import { Clock, logger } from '#platform';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';

const log = logger('bus');

export interface Sweep {
  /** Runs it now, or at that time if it would run later. */
  wake(at?: Date): void;
}

/** The longest that due work goes unnoticed, whatever was lost. */
const everyMs = 5_000;
const retryMs = { first: 250, most: everyMs };

/**
 * Everything timed has its time in its own row; a sweep looks for rows that are due, does what they ask and says when
 * the next one is. This calls the sweeps: at start, when a sweep said, when somebody wakes it, and every 5 s anyway.
 */
@Injectable()
export class DueSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeps = new Map<string, RunningSweep>();
  #started = false;
  #closed = false;

  constructor(private readonly clock: Clock) {}

  /**
   * From start on, runs the sweep: never twice at once, and again after a failure. It works in slices of its own and
   * gives the time of the next row that will be due, if it knows one.
   */
  add(name: string, sweep: () => Promise<Date | undefined>): Sweep {
    if (this.#sweeps.has(name)) throw new Error(`a sweep is already called ${name}`);
    const running = new RunningSweep(name, sweep, this.clock);
    this.#sweeps.set(name, running);
    if (this.#started && !this.#closed) running.start();
    return running;
  }

  onApplicationBootstrap(): void {
    this.#started = true;
    for (const sweep of this.#sweeps.values()) sweep.start();
  }

  /** Waits for the sweeps that run. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sweeps.values()].map((sweep) => sweep.close()));
  }
}

class RunningSweep implements Sweep {
  #state: 'new' | 'started' | 'closed' = 'new';
  #run: Promise<void> | undefined;
  /** On the monotonic clock: when it runs next, as far as anybody asked while it ran. */
  #asked = Infinity;
  #due = Infinity;
  #cancel: () => void = () => undefined;
  #failures = 0;

  constructor(
    private readonly name: string,
    private readonly sweep: () => Promise<Date | undefined>,
    private readonly clock: Clock,
  ) {}

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#at(0);
  }

  wake(at?: Date): void {
    // After a failure it waits its time, or everybody who wakes it would fail too.
    if (this.#failures > 0 && !this.#run) return;
    this.#at(at === undefined ? 0 : at.getTime() - this.clock.now());
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancel();
    await this.#run;
  }

  #at(ms: number): void {
    const due = this.clock.monotonic() + Math.max(0, Math.min(ms, everyMs));
    if (this.#run) this.#asked = Math.min(this.#asked, due);
    else if (this.#state === 'started' && due < this.#due) {
      this.#cancel();
      this.#due = due;
      this.#cancel = this.clock.after(due - this.clock.monotonic(), () => {
        this.#run = this.#once();
      });
    }
  }

  async #once(): Promise<void> {
    this.#asked = this.#due = Infinity;
    let next = everyMs;
    try {
      const at = await this.sweep();
      this.#failures = 0;
      if (at) next = at.getTime() - this.clock.now();
    } catch (err) {
      next = Math.min(retryMs.most, retryMs.first * 2 ** this.#failures++);
      log.error({ err, sweep: this.name, retryInMs: next }, 'a sweep failed');
      this.#asked = Infinity;
    }
    this.#run = undefined;
    this.#at(Math.min(next, this.#asked - this.clock.monotonic()));
  }
}
