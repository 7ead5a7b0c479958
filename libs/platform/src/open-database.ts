import type { Clock } from './clock.js';
import { Database, type DatabaseOptions } from './database.js';
import { isUnavailable } from './database.errors.js';
import type { Engine } from './engine.js';
import { logger } from './logger.js';
import { migrate, readMigrations, type Migration } from './migrations.js';

const log = logger('platform');

export interface OpenOptions extends DatabaseOptions {
  readonly migrations?: readonly Migration[];
  /** How long to wait for a server that does not answer yet: it may be starting beside us. Default 60 s. */
  readonly patienceMs?: number;
}

/**
 * The database with its tables as the code needs them.
 * @throws MigrationError, or the driver's error when the server did not answer in time; the engine is closed then.
 */
export async function openDatabase(
  engine: Engine,
  clock: Clock,
  { migrations = readMigrations(), patienceMs = 60_000, ...options }: OpenOptions = {},
): Promise<Database> {
  const deadline = clock.monotonic() + patienceMs;
  try {
    for (;;) {
      try {
        const applied = await migrate(engine, migrations);
        if (applied.length > 0) log.info({ applied }, 'the tables are up to date now');
        return new Database(engine, options);
      } catch (err) {
        if (!isUnavailable(err) || clock.monotonic() >= deadline) throw err;
        log.warn({ err }, 'the database does not answer yet');
        await new Promise<void>((again) => clock.after(1_000, again));
      }
    }
  } catch (error) {
    await engine.close();
    throw error;
  }
}
