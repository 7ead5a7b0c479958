import { afterAll } from '@jest/globals';
import pg from 'pg';
import { EmbeddedPostgres } from '#embedded-postgres';
import { engineOver, type Engine } from '#platform';
import { migratedArchive } from './migrated-archive.js';

/** An embedded engine in memory, migrated and empty; given back by its `close`. */
export interface LentEngine extends Engine {
  /** Ends the worker as a crash would. What it held in memory is lost. */
  crash(): Promise<void>;
}

interface Started {
  readonly postgres: EmbeddedPostgres;
  /** What it is made of: tables, columns, functions, triggers. */
  readonly shape: string;
}

/**
 * Engines of this test file that nobody uses. Starting one costs a second, emptying its tables some milliseconds; but
 * one whose tables a test changed, or that crashed, is not used again.
 */
const idle: Started[] = [];
const all = new Set<EmbeddedPostgres>();

afterAll(async () => {
  await Promise.all([...all].map((postgres) => postgres.close()));
});

export async function borrowEngine(): Promise<LentEngine> {
  const started = idle.pop() ?? (await start());
  let crashed = false;
  let closing: Promise<void> | undefined;
  return {
    ...engineOver(started.postgres),
    crash: async () => {
      crashed = true;
      await started.postgres.terminate();
    },
    close: () => {
      closing ??= giveBack(started, crashed);
      return closing;
    },
  };
}

async function start(): Promise<Started> {
  const postgres = await EmbeddedPostgres.start({ dataDir: 'memory://', archive: await migratedArchive() });
  all.add(postgres);
  return { postgres, shape: await ask(postgres, shapeOf) };
}

async function giveBack(started: Started, crashed: boolean): Promise<void> {
  const { postgres, shape } = started;
  postgres.removeAllListeners();
  if (!crashed && (await ask(postgres, shapeOf)) === shape) {
    await ask(postgres, empty);
    idle.push(started);
    return;
  }
  all.delete(postgres);
  await postgres.close();
}

const own = `IN (SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%')`;

async function shapeOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ shape: string }>(`
    SELECT concat_ws(' ',
      (SELECT string_agg(relname || relnatts || relhastriggers, ',' ORDER BY oid) FROM pg_class WHERE relnamespace ${own}),
      (SELECT count(*) FROM pg_proc WHERE pronamespace ${own}),
      (SELECT count(*) FROM pg_constraint WHERE connamespace ${own}),
      (SELECT string_agg(migration_name || checksum, ',' ORDER BY migration_name) FROM _prisma_migrations)) AS shape`);
  return rows[0]?.shape ?? '';
}

async function empty(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(`
    SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> '_prisma_migrations'`);
  await pool.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')} RESTART IDENTITY`);
}

async function ask<T>(postgres: EmbeddedPostgres, question: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool(postgres.poolConfig({ max: 1 }));
  // `end` does not wait for the goodbye to arrive: an engine that closes at once still tells the connection that it ends.
  pool.on('error', () => undefined);
  try {
    return await question(pool);
  } finally {
    await pool.end();
  }
}
