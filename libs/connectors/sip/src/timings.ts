/** How long a session waits for what; milliseconds. Tests shorten them through `createSip`. */
export interface SipTimings {
  /** For DNS to say where the servers of a domain are. */
  readonly find: number;
  /** For TCP and TLS. */
  readonly connect: number;
  /** For a registration, with all that is asked between. */
  readonly register: number;
  /** What has not begun to be stored by then is refused for now: well below timer F, 32 s (RFC 3261 §17.1.2.2). */
  readonly deadline: number;
  /** How long the house may not take what came before the account is taken off the network. */
  readonly stalled: number;
  /** Between two signs of life on a connection (RFC 5626 §4.4.1); less than the bindings of address translators last. */
  readonly keepAlive: number;
  /** Between two questions to a trunk's peer whether it is there. */
  readonly probe: number;
  /** Pause before the second try, doubled at each further one up to the longest; both with jitter. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** The least pause after the network has asked for patience. */
  readonly throttled: number;
  /** After so long online, the next failure starts with the first pause again. */
  readonly stable: number;
  /** How long a call rings with us before we say that nobody is there. */
  readonly ringing: number;
  /** How long our person's phone may ring of a call that we place. */
  readonly mineRings: number;
  /** And theirs: theirs is awaited with the ACK of ours, which gives up after 64*T1, 32 s (RFC 3725 §4.1). */
  readonly theirsRings: number;
  /** For the farewell. */
  readonly close: number;
}

export const usualTimings: SipTimings = {
  find: 5_000,
  connect: 10_000,
  register: 32_000,
  deadline: 5_000,
  stalled: 60_000,
  keepAlive: 25_000,
  probe: 30_000,
  firstRetry: 2_000,
  longestRetry: 300_000,
  throttled: 10_000,
  stable: 60_000,
  ringing: 180_000,
  mineRings: 60_000,
  theirsRings: 28_000,
  close: 4_500,
};
