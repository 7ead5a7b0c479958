export { loopback } from './loopback.connector.js';
export type { LoopbackEvent, LoopbackParty } from './loopback.frames.js';
export { LoopbackServer, type LoopbackServerOptions } from './server/loopback-server.js';
export type { Change, Words } from './server/network.js';
export type { Received } from './server/script.js';
