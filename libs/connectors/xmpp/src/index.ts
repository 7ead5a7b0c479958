export { createXmpp, xmpp } from './xmpp.connector.js';
export type { XmppTimings } from './timings.js';
