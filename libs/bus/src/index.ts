export { beside } from './alongside.js';
export { BusModule } from './bus.module.js';
export { decodeCursor, encodeCursor } from './cursor.js';
export { DueSweep, type Sweep } from './due-sweep.js';
export { Ephemerals } from './ephemerals.js';
export { createHead, EventLog, type Alongside, type Appended, type ReaderScope } from './event-log.js';
/** @public The first jobs come with files and webhooks. */
export { Jobs, JobsUnavailable, UnknownJob, type JobHandler, type JobOptions } from './jobs.js';
export type { JsonLike } from './json.js';
export type { LogItem, LogReader, ReaderOptions, ResetReason } from './log-reader.js';
export { LogReaders } from './log-readers.js';
export { NoResponder, RequestRefused, Requests, RequestTimeout, type RequestHandler } from './requests.js';
export { Signals, type SignalHandler } from './signals.js';
