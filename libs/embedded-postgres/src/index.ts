export { prepareArchive } from './archive.js';
export { EmbeddedPostgres, type EngineStats } from './embedded-postgres.js';
export { DataDirectoryLocked, lockDirectory, type DirectoryLock } from './lock.js';
export type { SlowOwner } from './messages.js';
export { EngineUnavailable, type EmbeddedPostgresOptions } from './options.js';
