export { loopback } from './loopback.connector.js';
export { LoopbackServer } from './server/loopback-server.js';
