/** How fast something may leave: a network gives a burst and then a steady rate. */
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

  /** How many may leave now. */
  available(): number {
    this.#refill();
    // A hair of tolerance: a timer that waited for exactly one token must find it.
    return Math.max(0, Math.floor(this.#tokens + 1e-6));
  }

  /**
   * Counts what leaves. What cannot wait may go below nothing: what comes after it waits longer.
   */
  take(count = 1): void {
    this.#refill();
    const floor = Math.min(this.#tokens, -Math.max(this.#burst, count));
    this.#tokens = Math.max(floor, this.#tokens - count);
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
