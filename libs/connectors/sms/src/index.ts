export { createSms } from './sms.connector.js';
export type { SmsTimings } from './timings.js';
