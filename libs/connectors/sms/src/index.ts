export { createSms, sms } from './sms.connector.js';
export type { SmsTimings } from './timings.js';
