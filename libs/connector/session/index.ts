/*
 * What a session of every protocol needs and none should write again: the way of events into the house, timers, TLS as
 * the person's settings want it, and the words for what goes wrong underneath.
 */
export { Backoff, type BackoffTimings } from './backoff.js';
export { remember, trim } from './bounded.js';
export { inTime } from './in-time.js';
export { Inlet, type InletHandler } from './inlet.js';
export { comeAgain, Keeper, type Kept, type KeeperHandler, type KeeperTimings } from './keeper.js';
export { Life, type Entry } from './life.js';
export { lookupAmong, whereTo } from './lookup.js';
export { fieldsOf, readNote, type Notes } from './notes.js';
export { Occupancy } from './occupancy.js';
export { Scram, ScramError, type ScramBinding, type ScramHash } from './scram.js';
export { quoteOf } from './quotation.js';
export { Retries } from './retries.js';
export {
  clientKeyProperty,
  hostIn,
  numberIn,
  serverProperties,
  textIn,
  tlsChoicesIn,
  tlsProperties,
  type TlsChoices,
} from './settings.js';
export { Slice } from './slice.js';
export { SoleAccount, type SoleAccountActs } from './sole-account.js';
export { certificateFailure, socketFailure } from './socket-failures.js';
export { Timers } from './timers.js';
export { distrust, showsCertificate, tlsOptions, type TlsSettings } from './tls.js';
export { TokenBucket } from './token-bucket.js';
export { words } from './words.js';
export { Writers, type WritersOptions } from './writers.js';
