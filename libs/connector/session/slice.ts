/**
 * What one turn of the event loop does for one connection, so that a flooding peer holds nobody else up. A turn may bring
 * tens of chunks: they share one slice, for a slice of its own for each of them would be seconds. What is left over is gone
 * on with in the next turn, and until then nothing more should be read: it would only be kept.
 */
export class Slice {
  readonly #ms: number;
  readonly #goOn: () => void;
  #began: number | undefined;
  #postponed = false;

  /**
   * @param ms how long others wait for it, in milliseconds.
   * @param goOn called in the next turn where this one's has been used up.
   */
  constructor(ms: number, goOn: () => void) {
    this.#ms = ms;
    this.#goOn = goOn;
  }

  /** Work begins; the first in a turn starts its time. */
  begin(): void {
    if (this.#began !== undefined) return;
    this.#began = performance.now();
    setImmediate(() => {
      this.#began = undefined;
      if (!this.#postponed) return;
      this.#postponed = false;
      this.#goOn();
    });
  }

  /** Whether this turn has done what it may: whoever is told so leaves the rest to the next. */
  isUsedUp(): boolean {
    if (this.#began !== undefined && performance.now() - this.#began > this.#ms) this.#postponed = true;
    return this.#postponed;
  }

  /** Leaves the rest to the next turn, though there was time. */
  postpone(): void {
    this.begin();
    this.#postponed = true;
  }

  /** Whether work is left over for the next turn. */
  get isPostponed(): boolean {
    return this.#postponed;
  }
}
