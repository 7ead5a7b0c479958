/** How long others wait for what one turn of the event loop does here, in milliseconds. */
const sliceMs = 10;

/**
 * What one turn of the event loop does for all transports of a stack, so that a burst holds nobody up. Who is told to wait
 * is called in a later turn, in the order of asking, and does only a little before asking again: so nobody starves.
 */
export class Turn {
  #began: number | undefined;
  readonly #waiting = new Set<() => void>();

  /** Whether there is time now. If not, or if others wait, `goOn` is called when there is. */
  may(goOn: () => void): boolean {
    if (this.#began === undefined) this.#begin();
    if (this.#waiting.size === 0 && !this.#isUsedUp()) return true;
    this.#waiting.add(goOn);
    return false;
  }

  /** `goOn` is called after all who wait now. */
  later(goOn: () => void): void {
    if (this.#began === undefined) this.#begin();
    this.#waiting.delete(goOn);
    this.#waiting.add(goOn);
  }

  /** Who waits is not called. */
  forget(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }

  #begin(): void {
    this.#began = performance.now();
    setImmediate(() => {
      this.#began = undefined;
      if (this.#waiting.size > 0) this.#next();
    });
  }

  #next(): void {
    this.#begin();
    for (const goOn of [...this.#waiting]) {
      if (this.#isUsedUp()) return;
      this.#waiting.delete(goOn);
      goOn();
    }
  }

  #isUsedUp(): boolean {
    return this.#began !== undefined && performance.now() - this.#began > sliceMs;
  }
}
