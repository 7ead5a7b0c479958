export { loopback } from './loopback.connector.js';
export { signatureHeader, signatureOf, type WebhookCall } from './loopback.webhooks.js';
export { LoopbackServer } from './server/loopback-server.js';
