import type { X509Certificate } from 'node:crypto';
import type { Pulse } from './pulse.js';

export type Transport = 'udp' | 'tcp' | 'tls';

export interface Place {
  /** Numeric; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/**
 * Where messages go and come between two places: a connection, or two UDP ports (RFC 5626 §2). Made by the stack.
 */
export abstract class Flow {
  abstract readonly transport: Transport;
  /** Equal for equal flows: two UDP ports, or one connection. */
  abstract readonly id: string;
  abstract readonly local: Place;
  abstract readonly remote: Place;
  /** What the peer showed in the TLS handshake. */
  readonly certificate: X509Certificate | undefined = undefined;
  /** Whether an authority that we trust vouches for the certificate. */
  readonly isAuthorised: boolean = false;
  #listeners: Set<(why: string) => void> | undefined;
  #end: string | undefined;

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Whether somebody needs it though nothing goes over it. */
  protected get isHeld(): boolean {
    return (this.#listeners?.size ?? 0) > 0;
  }

  /**
   * Sends again and again what keeps the flow open and shows whether it still is (RFC 5626 §4.4), each time after 80 to 100 %
   * of `everyMs`: CRLFCRLF on a stream, on UDP a STUN binding request where the peer supports outbound, else CRLF.
   *
   * @param onDead called once, when a peer that supports outbound, or one on a stream that has answered before, does not
   *   answer; when the address under which a peer sees us changes; and when the flow ends.
   * @returns what ends it.
   */
  keepAlive(
    options: { readonly everyMs: number; readonly outbound: boolean },
    onDead: (why: string) => void,
  ): () => void {
    let isOver = false;
    let unwatch = (): void => undefined;
    let ease = (): void => undefined;
    const stop = (): void => {
      isOver = true;
      unwatch();
      ease();
    };
    const dead = (why: string): void => {
      if (isOver) return;
      stop();
      onDead(why);
    };
    unwatch = this.ended(dead);
    if (this.isOpen) ease = this.pulse().add(options, dead);
    return stop;
  }

  /** Tells once that nothing goes over it any more; at once, where that is so already. The answer takes it back. */
  ended(listener: (why: string) => void): () => void {
    if (this.#end !== undefined) {
      listener(this.#end);
      return () => undefined;
    }
    const listeners = (this.#listeners ??= new Set());
    if (listeners.size === 0) this.watched(true);
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.watched(false);
    };
  }

  /**
   * For the stack.
   * @param failed called where it turns out later that nothing has left.
   * @returns whether it was taken; if not, nothing has left.
   */
  abstract send(bytes: Buffer, failed?: (why: string) => void): boolean;

  /**
   * For the stack: nobody answered what was sent at a time of the clock. A connection on which nothing at all was heard since
   * is given up, for whoever uses it next would wait as long.
   */
  abstract unanswered(since: number): void;

  protected abstract pulse(): Pulse;

  /** The first listener came, or the last went. */
  protected abstract watched(isWatched: boolean): void;

  /** @param why what it ended by. */
  protected over(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = why;
    const listeners = [...(this.#listeners ?? [])];
    this.#listeners = undefined;
    for (const listener of listeners) listener(why);
  }
}
