/** Milliseconds. The first three are RFC 3261's (§17.1.1.1, table 4): all others of its timers follow from them. */
export interface Timers {
  /** The round trip that is reckoned with. */
  readonly t1: number;
  /** The longest pause between two retransmissions of a request that is not INVITE, and of a final response to INVITE. */
  readonly t2: number;
  /** How long a message may be on the way. */
  readonly t4: number;
  /** How long a connection, TLS with it, may take to stand. */
  readonly connectMs: number;
  /** How long the answer to a keepalive may take (RFC 5626 §4.4.1). */
  readonly pongMs: number;
  /** A connection that nobody holds is closed when so long nothing went over it. */
  readonly idleMs: number;
  /** A message that has begun on a stream must be whole by then, and so must the first of an accepted connection. */
  readonly amidMs: number;
  /** A connection whose peer takes nothing of what waits for it is given up. */
  readonly stallMs: number;
}

export const usualTimers: Timers = {
  t1: 500,
  t2: 4_000,
  t4: 5_000,
  connectMs: 10_000,
  pongMs: 10_000,
  idleMs: 600_000,
  amidMs: 32_000,
  stallMs: 30_000,
};

/** Timers B, D, F, H, J, L, M: when the other side has had its time. */
export function patienceOf(timers: Timers): number {
  return 64 * timers.t1;
}

/** When a client's timer E is first set to T2: from then on a request that is not INVITE gets its 100 (RFC 4320 §4.1). */
export function tryingAfter({ t1, t2 }: Timers): number {
  let after = 0;
  for (let pause = t1; pause < t2; pause *= 2) after += pause;
  return after;
}
