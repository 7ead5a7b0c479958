/*
 * Brings the tables to where the code expects them, at every start. The bookkeeping is Prisma's own table, so that its
 * tools agree with us; the runner is ours, because Prisma's needs an engine that is downloaded.
 *
 * One session-level advisory lock over all of it: several processes may start at once against one server, the first
 * migrates and the others find nothing left to do. Each migration and its row are one transaction: a process that dies
 * in the middle leaves nothing behind, and the next start tries again. So a migration holds no statement that refuses
 * to run inside a transaction (CREATE INDEX CONCURRENTLY, VACUUM).
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { isUnavailable } from './database.errors.js';
import type { Engine } from './engine.js';
import { packageRoot } from './package-root.js';
import type { Sql } from './sql.js';

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, as Prisma writes it. */
  readonly checksum: string;
}

/** The tables are not as the code needs them and cannot be brought there: somebody has to look. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** All migrations of this code, in order. */
export function readMigrations(folder: string = join(packageRoot(), 'prisma/migrations')): Migration[] {
  if (!existsSync(folder)) throw new MigrationError(`there are no migrations in ${folder}`);
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, file: join(folder, name, 'migration.sql') }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => {
      // Line ends are the checkout's, not the migration's.
      const sql = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/** Any number that nothing else in this database locks by. */
const lockKey = 5_207_061_187;
/** How long another process may take for its migrations, before this one gives up. */
const lockPatienceMs = 120_000;

const bookkeeping = `
  CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
  )`;

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/**
 * Applies what is missing.
 * @returns the names of the migrations that were applied now.
 * @throws MigrationError when a migration fails, was edited after it was applied, or is unknown to this code; the
 * driver's own error when the database cannot be reached.
 */
export async function migrate(
  engine: Engine,
  migrations: readonly Migration[] = readMigrations(),
): Promise<readonly string[]> {
  using _held = engine.longStatements();
  const pool = new pg.Pool(engine.poolConfig({ max: 1, lock_timeout: lockPatienceMs }));
  pool.on('error', () => undefined);
  try {
    const client = await pool.connect();
    client.on('error', () => undefined);
    try {
      await lock(client);
      await client.query(bookkeeping);
      const sql: Sql = {
        query: async <Row extends object>(text: string) => (await client.query<Row>(text)).rows,
      };
      const missing = await missingMigrations(sql, migrations);
      for (const migration of missing) await apply(client, migration);
      return missing.map(({ name }) => name);
    } finally {
      // Its end releases the lock, whatever state it is in.
      client.release(true);
    }
  } finally {
    await pool.end();
  }
}

/** Those that this database has not had. @throws MigrationError when it has had others, or these otherwise. */
export async function missingMigrations(
  sql: Sql,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const applied = await sql.query<Applied>(
    'SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL',
  );
  return compare(migrations, applied);
}

async function lock(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '55P03') throw error;
    const minutes = String(lockPatienceMs / 60_000);
    throw new MigrationError(`another process has been migrating this database for ${minutes} minutes`, {
      cause: error,
    });
  }
}

function compare(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const newer = applied.map(({ migration_name }) => migration_name).filter((name) => !known.has(name));
  if (newer.length > 0) {
    throw new MigrationError(
      `the database is newer than this program: it has had ${newer.sort().join(', ')}, which this version does not know. ` +
        'Start the newer version, or restore a backup made before it.',
    );
  }
  for (const { migration_name: name, checksum, finished_at } of applied) {
    if (finished_at === null) {
      throw new MigrationError(
        `the migration ${name} was begun by another tool and never finished. Look at the tables it touches, then delete ` +
          'its row from _prisma_migrations (it will be applied anew) or set finished_at there (it counts as done).',
      );
    }
    if (known.get(name)?.checksum !== checksum) {
      throw new MigrationError(
        `the migration ${name} was edited after it had been applied to this database. ` +
          'Put its file back as it was, and say what should change in a new migration.',
      );
    }
  }
  const done = new Set(applied.map(({ migration_name }) => migration_name));
  return migrations.filter(({ name }) => !done.has(name));
}

async function apply(client: pg.ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, finished_at, migration_name, applied_steps_count)
       VALUES ($1, $2, now(), $3, 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    if (isUnavailable(error)) throw error;
    await client.query('ROLLBACK').catch(() => undefined);
    throw new MigrationError(
      `the migration ${name} failed${whereIn(sql, error)}: ${(error as Error).message}. Nothing of it was kept.`,
      { cause: error },
    );
  }
}

function whereIn(sql: string, error: unknown): string {
  const position = error instanceof pg.DatabaseError ? Number(error.position) : NaN;
  return Number.isNaN(position) ? '' : ` at line ${String(sql.slice(0, position).split('\n').length)}`;
}
