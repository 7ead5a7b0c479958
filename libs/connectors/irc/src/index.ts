export { createIrc, irc } from './irc.connector.js';
export type { IrcTimings } from './timings.js';
