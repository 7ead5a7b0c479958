/** How long a session waits for what; milliseconds. Tests shorten them through `createSms`. */
export interface SmsTimings {
  /** TCP and TLS. */
  readonly connect: number;
  /** For the answer to a request of ours. */
  readonly answer: number;
  /** Silence after which we ask whether the other side is still there. */
  readonly idle: number;
  /** How long the other side waits for our answer at least; what is not being stored by then is refused for now. */
  readonly deadline: number;
  /** Pause before the second try, doubled at each further one up to the longest; both with jitter. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** The least pause after the network has asked for patience. */
  readonly throttled: number;
  /** After so long online, the next failure starts with the first pause again. */
  readonly stable: number;
  /** How long the house may not take what came before the line is given up. */
  readonly stalled: number;
  /** How long parts of a text wait for those that are missing. */
  readonly parts: number;
  /** Between two looks into a modem's directories. */
  readonly spool: number;
  /** For the farewell. */
  readonly close: number;
}

export const usualTimings: SmsTimings = {
  connect: 15_000,
  answer: 30_000,
  idle: 30_000,
  deadline: 5_000,
  firstRetry: 2_000,
  longestRetry: 300_000,
  throttled: 10_000,
  stable: 60_000,
  stalled: 60_000,
  parts: 600_000,
  spool: 2_000,
  close: 4_500,
};
