import type { Clock } from '../clock.js';

/** A response as it went out, and how it goes out again. */
interface Held {
  /** Octet by octet as text: a buffer would hold the piece of memory that it shares with others. */
  readonly bytes: string | undefined;
  readonly send: ((bytes: Buffer) => void) | undefined;
  readonly until: number;
}

/** What one of them costs besides the octets of its key and its response. */
const overhead = 200;

/**
 * Server transactions that are over, while retransmissions of their requests may still come (timers I and J): a key and the
 * bytes of the response each. All are held for the same time, so that the first in is the first out and one timer does.
 */
export class Finished {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #most: number;
  readonly #held = new Map<string, Held>();
  #octets = 0;
  #cancel: (() => void) | undefined;

  /**
   * @param ms how long one is held.
   * @param most octets held at once; past it the oldest go before their time.
   */
  constructor(clock: Clock, ms: number, most: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#most = most;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Without bytes: what comes again is swallowed. */
  add(key: string, bytes?: Buffer, send?: (bytes: Buffer) => void): void {
    const until = this.#clock.monotonic() + this.#ms;
    this.#held.set(key, { bytes: bytes?.toString('latin1'), send, until });
    this.#octets += costOf(key, bytes);
    for (const [oldest, held] of this.#held) {
      if (this.#octets <= this.#most) break;
      this.#drop(oldest, held);
    }
    this.#arm();
  }

  /** @returns whether there is such a one; its response has gone out again. */
  repeat(key: string): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    if (held.bytes !== undefined) held.send?.(Buffer.from(held.bytes, 'latin1'));
    return true;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#held.clear();
    this.#octets = 0;
  }

  #arm(): void {
    if (this.#cancel !== undefined) return;
    const [first] = this.#held.values();
    if (first === undefined) return;
    // Many end within a second: they share a wake-up.
    this.#cancel = this.#clock.after(Math.max(first.until - this.#clock.monotonic(), this.#ms / 32), () => {
      this.#cancel = undefined;
      this.#sweep();
      this.#arm();
    });
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [key, held] of this.#held) {
      if (held.until > now) break;
      this.#drop(key, held);
    }
  }

  #drop(key: string, held: Held): void {
    this.#held.delete(key);
    this.#octets -= costOf(key, held.bytes);
  }
}

function costOf(key: string, bytes: Buffer | string | undefined): number {
  return overhead + key.length + (bytes?.length ?? 0);
}
