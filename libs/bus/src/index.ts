export { beside } from './alongside.js';
export { BusModule } from './bus.module.js';
export { decodeCursor, encodeCursor } from './cursor.js';
export { DueSweep, type Sweep } from './due-sweep.js';
export { Ephemerals } from './ephemerals.js';
export {
  createHead,
  EventLog,
  UnknownWorkspace,
  type Alongside,
  type Appended,
  type ReaderScope,
} from './event-log.js';
export { Jobs, UnknownJob, type JobOptions } from './jobs.js';
export type { JsonLike } from './json.js';
export {
  LogReaders,
  type LogItem,
  type LogReader,
  type ReaderOptions,
  type ResetReason,
} from './log-reader.js';
export { NoResponder, RequestRefused, Requests, RequestTimeout, type RequestHandler } from './requests.js';
export { Signals } from './signals.js';
