export { prepareArchive } from './archive.js';
export {
  EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type EngineStats,
  type SlowOwner,
} from './embedded-postgres.js';
export { DataDirectoryLocked, lockDirectory, type DirectoryLock } from './lock.js';
