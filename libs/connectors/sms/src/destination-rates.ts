/*
 * How fast texts go to where a network bears less than the line does. A text that would come too soon waits with the house,
 * where it can still be withdrawn; texts to elsewhere pass it.
 */
import type { SessionClock } from '#connector';
import { TokenBucket } from '#connector/session';
import type { DestinationRate } from './courtesy.settings.js';
import { isWithin } from './recipients.js';

export class DestinationRates {
  readonly #rates: readonly { readonly to: string; readonly bucket: TokenBucket }[];
  readonly #random: () => number;

  /** @param random uniform in [0, 1). */
  constructor(rates: readonly DestinationRate[], clock: SessionClock, random: () => number) {
    this.#rates = rates.map(({ to, perSecond }) => ({
      to,
      bucket: new TokenBucket(perSecond, perSecond, () => clock.monotonic()),
    }));
    this.#random = random;
  }

  /**
   * Counts a text to these numbers where every rate that bounds them has room for it.
   * @returns 0 where it may go; else after how many milliseconds to ask again, spread so that not all who wait ask at once.
   */
  take(peers: readonly string[]): number {
    const bounding = this.#rates.filter(({ to }) => peers.some((peer) => isWithin(peer, to)));
    const wait = Math.max(0, ...bounding.map(({ bucket }) => bucket.wait(1)));
    if (wait > 0) return Math.ceil(wait * (1 + this.#random() * 4));
    for (const { bucket } of bounding) bucket.take();
    return 0;
  }
}
