/*
 * How often those are answered whom a trunk does not know: each so often in a second, then not at all. So nobody's flood
 * keeps another from the challenge that they need to show who they are, and nobody is flooded with what others ask in
 * their name.
 */
import { isIPv6 } from 'node:net';
import { TokenBucket } from '#connector/session';

const perSecond = 20;
/** Addresses told apart that were heard from within a second; those beyond them are answered as if they were one. */
const mostApart = 1_000;

export class Strangers {
  readonly #now: () => number;
  /** The one that was heard from last at the end. */
  readonly #apart = new Map<string, TokenBucket>();
  readonly #others: TokenBucket;

  /** @param now milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
    this.#others = this.#newBucket();
  }

  /** Whether one more answer goes to an address; it counts. */
  mayAnswer(address: string): boolean {
    const bucket = this.#bucketOf(placeOf(address));
    if (bucket.available() < 1) return false;
    bucket.take();
    return true;
  }

  #bucketOf(place: string): TokenBucket {
    const known = this.#apart.get(place);
    this.#apart.delete(place);
    for (const [oldest, bucket] of this.#apart) {
      // Whoever may say as much as somebody new need not be remembered.
      if (bucket.available() < perSecond) break;
      this.#apart.delete(oldest);
    }
    if (known === undefined && this.#apart.size >= mostApart) return this.#others;
    const bucket = known ?? this.#newBucket();
    this.#apart.set(place, bucket);
    return bucket;
  }

  #newBucket(): TokenBucket {
    return new TokenBucket(perSecond, perSecond, this.#now);
  }
}

/** Of IPv6 the net: whoever has one address has all of its 2^64. */
function placeOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
