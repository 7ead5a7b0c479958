import type { SessionClock } from '#connector';

/** Timers by name: setting one anew replaces it, and all end together. */
export class Timers {
  readonly #clock: SessionClock;
  readonly #running = new Map<string, () => void>();

  constructor(clock: SessionClock) {
    this.#clock = clock;
  }

  set(name: string, ms: number, call: () => void): void {
    this.cancel(name);
    this.#running.set(
      name,
      this.#clock.after(ms, () => {
        this.#running.delete(name);
        call();
      }),
    );
  }

  has(name: string): boolean {
    return this.#running.has(name);
  }

  cancel(name: string): void {
    this.#running.get(name)?.();
    this.#running.delete(name);
  }

  clear(): void {
    for (const cancel of this.#running.values()) cancel();
    this.#running.clear();
  }
}
