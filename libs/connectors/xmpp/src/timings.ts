/** How long a session waits for what; milliseconds. Tests shorten them through `createXmpp`. */
export interface XmppTimings {
  /** Finding out where the server is. */
  readonly find: number;
  /** TCP and TLS, for each place that is tried. */
  readonly connect: number;
  /** From the open socket to the bound resource. */
  readonly negotiate: number;
  /** Silence after which we ask whether the server is still there, and how long it may take to answer. */
  readonly idle: number;
  readonly answer: number;
  /** For the answer to a question of ours, unless it says otherwise. */
  readonly iq: number;
  /** Pause before the second try, doubled at each further one up to the longest; both with jitter. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** The least pause after a server has asked for patience. */
  readonly throttled: number;
  /** After so long online, the next failure starts with the first pause again. */
  readonly stable: number;
  /** How long what left over a broken stream waits for its resumption before it is of unknown fate. */
  readonly resume: number;
  /** How long the house may not take what was read before the connection is given up. */
  readonly stalled: number;
  /** After the roster, until whoever has not been heard of counts as offline. */
  readonly presences: number;
  /** Between two questions to a room whether we are still in it, when it is silent (XEP-0410). */
  readonly selfPing: number;
  /** Before a room that could not be entered is tried again. */
  readonly rejoin: number;
  /** Changes of room occupancy are told so often. */
  readonly occupancy: number;
  /** Between two notes of when we last heard the network, when nothing is said. */
  readonly heard: number;
  /** For one page of an archive. */
  readonly history: number;
  /** After coming online, until a server has surely worked through what a broken link still held. */
  readonly settle: number;
  /** For the farewell. */
  readonly close: number;
}

export const usualTimings: XmppTimings = {
  find: 5_000,
  connect: 15_000,
  negotiate: 30_000,
  idle: 60_000,
  answer: 20_000,
  iq: 30_000,
  firstRetry: 2_000,
  longestRetry: 300_000,
  throttled: 60_000,
  stable: 60_000,
  resume: 30_000,
  stalled: 60_000,
  presences: 10_000,
  selfPing: 600_000,
  rejoin: 60_000,
  occupancy: 200,
  heard: 60_000,
  history: 30_000,
  settle: 3_000,
  close: 4_500,
};
