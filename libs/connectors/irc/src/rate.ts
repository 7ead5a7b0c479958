/**
 * How fast lines may leave. A network gives a burst and then a steady rate; whoever goes faster is thrown out for
 * "Excess Flood" (60 lines at once: 11 arrived, then the connection was ended). Every line counts, whoever asked for it.
 * Only PONG is outside: not to answer is worse.
 */
export class TokenBucket {
  #burst: number;
  #perMs: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  /** @param now milliseconds that only grow. */
  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = Math.max(1, burst);
    this.#perMs = perSecond / 1000;
    this.#now = now;
    this.#tokens = this.#burst;
    this.#at = now();
  }

  /** Goes on at another rate: a greater burst is there at once, a smaller one too. */
  adopt({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }): void {
    this.#refill();
    const next = Math.max(1, burst);
    this.#tokens = Math.min(next, this.#tokens + Math.max(0, next - this.#burst));
    this.#burst = next;
    this.#perMs = perSecond / 1000;
  }

  /** Whole lines that may leave now. */
  available(): number {
    this.#refill();
    // A hair of tolerance: a timer that waited for exactly one token must find it.
    return Math.max(0, Math.floor(this.#tokens + 1e-6));
  }

  /**
   * Counts lines. Those that cannot wait (registration, the lines of a batch) may go below nothing: what comes after them
   * waits longer.
   */
  take(lines = 1): void {
    this.#refill();
    const floor = Math.min(this.#tokens, -Math.max(this.#burst, lines));
    this.#tokens = Math.max(floor, this.#tokens - lines);
  }

  /** Milliseconds until so many tokens are there; 0 when they are. */
  wait(tokens: number): number {
    this.#refill();
    const missing = Math.min(tokens, this.#burst) - this.#tokens;
    // A hair of tolerance: a timer that waited for exactly so many must find them.
    return missing <= 1e-6 ? 0 : Math.ceil(missing / this.#perMs);
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
