export { createSip, sip } from './sip.connector.js';
export type { SipTimings } from './timings.js';
