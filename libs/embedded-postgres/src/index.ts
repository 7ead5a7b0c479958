export { prepareArchive } from './archive.js';
export { EmbeddedPostgres } from './embedded-postgres.js';
export { DataDirectoryLocked, lockDirectory } from './lock.js';
export type { SlowOwner } from './messages.js';
export { EngineUnavailable, type EmbeddedPostgresOptions } from './options.js';
