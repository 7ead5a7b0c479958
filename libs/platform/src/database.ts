import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { CommitInDoubt, isUnavailable, mayRetry } from './database.errors.js';
import { PrismaClient } from './generated/prisma/client.js';
import { columnTypes, type Sql } from './sql.js';

/** Where the tables are: something that hands out connections. */
export interface Engine {
  readonly kind: 'embedded' | 'postgres';
  poolConfig(extra?: pg.PoolConfig): pg.PoolConfig;
  close(): Promise<void>;
}

/** A PostgreSQL server. */
export function postgresEngine(url: string): Engine {
  return {
    kind: 'postgres',
    poolConfig: (extra) => ({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...extra,
    }),
    close: () => Promise.resolve(),
  };
}

const attempts = 4;

/** The database: the same code, the same SQL and the same driver on both engines. */
export class Database implements Sql {
  readonly engine: 'embedded' | 'postgres';
  /** The typed client: reads of single tables, and plain changes that need no event. */
  readonly prisma: PrismaClient;
  readonly #engine: Engine;
  readonly #pools = new Set<pg.Pool>();
  readonly #main: pg.Pool;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.engine = engine.kind;
    this.#main = this.pool({
      max: 10,
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 2_000,
      types: columnTypes,
    });
    this.prisma = new PrismaClient({ adapter: new PrismaPg(this.#main) });
  }

  async query<Row extends object>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    const result = await this.#main.query<Row>(text, [...params]);
    return result.rows;
  }

  /**
   * BEGIN, the work, COMMIT, on one connection. The work must use the `sql` it is given and never the database itself:
   * on the embedded engine that waits for itself. It runs again, up to three times, after a serialization failure or
   * a deadlock, so it does nothing outside the database.
   * @throws CommitInDoubt when the connection is lost during COMMIT; otherwise what the work or the database threw.
   */
  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (attempt >= attempts || !mayRetry(error)) throw error;
        await new Promise((again) => setTimeout(again, Math.random() * 20 * 2 ** attempt));
      }
    }
  }

  async #once<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#main.connect();
    let broken: Error | undefined;
    // A checked-out client without a listener takes the process down when its connection breaks.
    const breaks = (error: Error): void => {
      broken = error;
    };
    client.on('error', breaks);
    const sql: Sql = {
      query: async <Row extends object>(text: string, params: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...params])).rows,
    };
    try {
      await client.query('BEGIN');
      const result = await work(sql);
      try {
        await client.query('COMMIT');
      } catch (error) {
        throw isUnavailable(error) ? new CommitInDoubt({ cause: error }) : error;
      }
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failed: unknown) => {
        broken ??= failed as Error;
      });
      throw error;
    } finally {
      client.off('error', breaks);
      client.release(broken);
    }
  }

  /** A further pool with settings of its own; closed with the database. */
  pool(extra: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool(this.#engine.poolConfig(extra));
    pool.on('error', () => undefined);
    this.#pools.add(pool);
    return pool;
  }

  isUnavailable(error: unknown): boolean {
    return isUnavailable(error);
  }

  async close(): Promise<void> {
    await this.prisma.$disconnect();
    await Promise.all([...this.#pools].filter((pool) => !pool.ended).map((pool) => pool.end()));
    await this.#engine.close();
  }
}
