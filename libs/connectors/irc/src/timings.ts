/** How long a session waits for what; milliseconds. Tests shorten them through `createIrc`. */
export interface IrcTimings {
  /** TCP and TLS. */
  readonly connect: number;
  /** From the open socket to the welcome. */
  readonly register: number;
  /** From the welcome to the end of the message of the day; past it the session is online anyway. */
  readonly welcome: number;
  /** Silence after which we ask whether the server is still there, and how long it may take to answer. */
  readonly idle: number;
  readonly answer: number;
  /** Pause before the second try, doubled at each further one up to the longest; both with jitter. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** The least pause after the network told us to slow down. */
  readonly throttled: number;
  /** Online for so long, the next failure counts as the first. */
  readonly stable: number;
  /** Between two tries to get our nick back. */
  readonly reclaim: number;
  /** Before a room that was full or out of reach is tried again. */
  readonly rejoin: number;
  /** Without an answer for so long, the fate of a line is unknown. */
  readonly pending: number;
  /** How long the house may take to store before we give up the connection. */
  readonly stalled: number;
  /** Between two rounds of questions about people whom the server watches not by itself. */
  readonly presence: number;
  /** How long comings and goings are gathered into one delta. */
  readonly occupancy: number;
  /** Between two notes of when we last heard the network, when nothing is said. */
  readonly heard: number;
  /** How long the server may take to begin with what was said before, or to go on with it. */
  readonly history: number;
  /** How long whoever sends a file may say nothing, and how long all of it may take. */
  readonly transferIdle: number;
  readonly transfer: number;
  /** For the farewell. */
  readonly close: number;
}

export const usualTimings: IrcTimings = {
  connect: 20_000,
  register: 30_000,
  welcome: 10_000,
  idle: 30_000,
  answer: 15_000,
  firstRetry: 2_000,
  longestRetry: 300_000,
  throttled: 60_000,
  stable: 60_000,
  reclaim: 60_000,
  rejoin: 60_000,
  pending: 60_000,
  stalled: 60_000,
  presence: 60_000,
  occupancy: 200,
  heard: 60_000,
  history: 20_000,
  transferIdle: 30_000,
  transfer: 3_600_000,
  close: 4_500,
};
