import type { MalformedPdu } from './errors.js';

/** How a session came to its end. */
export interface SessionEnd {
  /**
   * - `closed`: we closed it at once. `unbound`: we unbound, in order.
   * - `unbound-by-peer`: in order. `ended-by-peer`: the connection was ended without it.
   * - `network`: the connection broke; `cause` has the system's error.
   * - `dead`: no sign of life, or nothing is taken from us any more.
   * - `protocol`: what came cannot be read on; `cause` is the `MalformedPdu`.
   */
  readonly reason:
    'closed' | 'unbound' | 'unbound-by-peer' | 'ended-by-peer' | 'network' | 'dead' | 'protocol';
  readonly cause?: Error | MalformedPdu;
}

/** A request came to no answer. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  /**
   * `not-left`: nothing of it was given to the connection; it may be sent again. `left`: it was, and nobody knows whether
   * the other side has it.
   */
  readonly fate: 'left' | 'not-left';
  /** `unreadable`: an answer came, and it is malformed; `cause` tells how. */
  readonly reason: 'timeout' | 'ended' | 'aborted' | 'unreadable';
  /** How the session ended, where that is the reason. */
  readonly end?: SessionEnd;
  /** Of what left: `onStray` tells an answer that comes too late by it. */
  readonly sequence?: number;

  constructor(
    fate: 'left' | 'not-left',
    reason: 'timeout' | 'ended' | 'aborted' | 'unreadable',
    more: { readonly end?: SessionEnd; readonly sequence?: number; readonly cause?: unknown } = {},
  ) {
    const why = {
      timeout: 'was not answered in time',
      ended: `was cut off: the session is over (${more.end?.reason ?? 'closed'})`,
      aborted: 'was given up before it left',
      unreadable: 'was answered with what cannot be read',
    }[reason];
    super(`the request ${why}`, more.cause === undefined ? undefined : { cause: more.cause });
    this.fate = fate;
    this.reason = reason;
    if (more.end !== undefined) this.end = more.end;
    if (more.sequence !== undefined) this.sequence = more.sequence;
  }
}
