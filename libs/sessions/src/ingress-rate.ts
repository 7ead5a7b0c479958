import type { Clock } from '#platform';

/** What one account's provider may call: a burst, then so many a second. */
const burst = 2_000;
const perSecond = 500;
/** Accounts whose rate is remembered; one that is full again is as good as new. */
const most = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/** Keeps a provider that has gone wild, or whoever has learnt an address, from taking the tables from all others. */
export class IngressRate {
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock) {}

  /** Whether one more call of this account may be served now. */
  take(account: string): boolean {
    const now = this.clock.monotonic();
    const before = this.#buckets.get(account);
    const left = before ? Math.min(burst, before.left + ((now - before.at) / 1_000) * perSecond) : burst;
    if (left < 1) return false;
    if (!before && this.#buckets.size >= most) this.#dropOldest();
    // The map keeps the order of insertion: the first is the one that was not called for the longest time.
    this.#buckets.delete(account);
    this.#buckets.set(account, { left: left - 1, at: now });
    return true;
  }

  #dropOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
