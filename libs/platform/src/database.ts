import { AsyncLocalStorage } from 'node:async_hooks';
import type { OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { CommitInDoubt, isUnavailable, mayRetry, StorageFull } from './database.errors.js';
import type { Engine } from './engine.js';
import { PrismaClient } from './generated/prisma/client.js';
import { isStalePlan, KeptPlans } from './kept-plans.js';
import { logger } from './logger.js';
import { columnTypes, type QueryOptions, type Sql } from './sql.js';

const log = logger('platform');

/** Connections of the main pool. The embedded engine runs one statement at a time, whoever asks. */
const connections = 10;
/** How often a transaction is tried when it loses against others. */
const attempts = 4;

export interface DatabaseOptions {
  /** Says when there is too little room for new work. */
  readonly guard?: { readonly full: boolean };
  /**
   * Throws when a transaction's work asks the database instead of its own `sql`, which on the embedded engine would
   * wait for itself. For tests: following the work costs time.
   */
  readonly watchful?: boolean;
  /** How long a statement may run on a server before it is ended; default 30 s. */
  readonly longestStatementMs?: number;
}

export interface TransactionOptions {
  /** Also when space is short: for what settles or frees, never for what is new. */
  readonly evenWhenFull?: boolean;
}

/** The database: the same code, the same SQL and the same driver on both engines. */
export class Database implements Sql, OnApplicationShutdown {
  readonly engine: Engine['kind'];
  /** The typed client: reads of single tables, and plain changes that need no event. */
  readonly prisma: PrismaClient;
  readonly #engine: Engine;
  readonly #guard: { readonly full: boolean };
  readonly #pools = new Set<pg.Pool>();
  readonly #main: pg.Pool;
  readonly #plans = new KeptPlans();
  readonly #work: AsyncLocalStorage<{ open: boolean }> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    engine: Engine,
    { guard = { full: false }, watchful = false, longestStatementMs = 30_000 }: DatabaseOptions = {},
  ) {
    this.#engine = engine;
    this.engine = engine.kind;
    this.#guard = guard;
    this.#main = this.pool({
      max: connections,
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 2_000,
      types: columnTypes,
      // The embedded engine has a watchdog of its own. A server ends the statement; where it has fallen silent, we do.
      ...(engine.kind === 'postgres' && {
        statement_timeout: longestStatementMs,
        query_timeout: longestStatementMs + 500,
      }),
    });
    if (watchful) {
      this.#work = new AsyncLocalStorage();
      forbid(this.#main, () => this.#work?.getStore()?.open === true);
    }
    this.prisma = new PrismaClient({ adapter: new PrismaPg(this.#main) });
  }

  async query<Row extends object>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<Row[]> {
    const ask = () => this.#borrow((client) => this.#ask<Row>(client, text, params, options));
    try {
      return await ask();
    } catch (error) {
      if (!isStalePlan(error)) throw error;
      return await ask();
    }
  }

  /**
   * BEGIN, the work, COMMIT, on one connection. The work must use the `sql` it is given and never the database itself:
   * on the embedded engine that waits for itself. Locks are waited for 2 s, and so long may the work sit idle. It runs
   * again, up to three times, after a serialization failure or a deadlock, so it does nothing outside the database.
   * @throws StorageFull before anything is done, when there is too little room.
   * @throws CommitInDoubt when the connection is lost during COMMIT; otherwise what the work or the database threw.
   */
  async transaction<T>(work: (sql: Sql) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    if (this.#guard.full && options.evenWhenFull !== true) throw new StorageFull();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (attempt >= attempts || !(mayRetry(error) || isStalePlan(error))) throw error;
        log.debug({ err: error, attempt }, 'a transaction could not be kept and runs again');
        await new Promise((again) => setTimeout(again, Math.random() * 10 * 2 ** attempt));
      }
    }
  }

  async #once<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const state = { open: true };
    return await this.#borrow(async (client, breaks) => {
      const sql: Sql = {
        query: async <Row extends object>(
          text: string,
          params: readonly unknown[] = [],
          options: QueryOptions = {},
        ) => {
          if (!state.open) throw new Error('this transaction is over');
          return await this.#ask<Row>(client, text, params, options);
        },
      };
      try {
        await client.query('BEGIN');
        // `async` inside: a Prisma query begins only when it is awaited.
        const result = await (this.#work ? this.#work.run(state, async () => await work(sql)) : work(sql));
        state.open = false;
        await commit(client);
        return result;
      } catch (error) {
        state.open = false;
        // Where the connection is gone, so is the transaction.
        if (!isUnavailable(error)) await client.query('ROLLBACK').catch(breaks);
        throw error;
      }
    });
  }

  /**
   * Lends a connection. Afterwards it goes back to the pool unless it may be broken, or in the middle of something.
   * (`pool.query` would throw it away after any error, a refused row among them.)
   */
  async #borrow<T>(use: (client: pg.PoolClient, breaks: (why: Error) => void) => Promise<T>): Promise<T> {
    const client = await this.#main.connect();
    let broken: Error | undefined;
    // A checked-out client without a listener takes the process down when its connection breaks.
    const breaks = (error: Error): void => {
      broken = error;
    };
    client.on('error', breaks);
    try {
      return await use(client, breaks);
    } catch (error) {
      if (isUnavailable(error)) broken ??= error as Error;
      throw error;
    } finally {
      client.off('error', breaks);
      client.release(broken);
    }
  }

  async #ask<Row extends object>(
    client: pg.ClientBase,
    text: string,
    params: readonly unknown[],
    { keepPlan = false }: QueryOptions,
  ): Promise<Row[]> {
    const name = keepPlan ? this.#plans.nameOf(text) : undefined;
    try {
      const { rows } = await client.query<Row>({
        text,
        values: [...params],
        ...(name !== undefined && { name }),
      });
      return rows;
    } catch (error) {
      if (isStalePlan(error)) this.#plans.forget(text);
      throw error;
    }
  }

  /** A further pool with settings of its own; closed with the database at the latest. */
  pool(extra: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool(this.#engine.poolConfig(extra));
    pool.on('error', (err) => {
      log.warn({ err }, 'an idle connection to the database was lost');
    });
    this.#pools.add(pool);
    return pool;
  }

  /** Whether an error means that the database could not be asked, or had no room: callers answer 503 or 507. */
  isUnavailable(error: unknown): boolean {
    return isUnavailable(error);
  }

  /** Whether there is too little room for new work. */
  get full(): boolean {
    return this.#guard.full;
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /** Ends all connections and the engine. May be called again. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.prisma.$disconnect();
      await Promise.all([...this.#pools].filter((pool) => !pool.ending).map((pool) => pool.end()));
      await this.#engine.close();
    })();
    return this.#closing;
  }
}

async function commit(client: pg.ClientBase): Promise<void> {
  let command: string;
  try {
    ({ command } = await client.query('COMMIT'));
  } catch (error) {
    throw isUnavailable(error) ? new CommitInDoubt({ cause: error }) : error;
  }
  // PostgreSQL answers ROLLBACK when a statement had failed and the work went on as if nothing had happened.
  if (command !== 'COMMIT')
    throw new Error('a failed statement of the transaction was swallowed by its work');
}

function forbid(pool: pg.Pool, busy: () => boolean): void {
  const connect = pool.connect.bind(pool) as (...args: unknown[]) => Promise<pg.PoolClient>;
  const guarded = (...args: unknown[]): Promise<pg.PoolClient> => {
    if (busy()) {
      throw new Error(
        'a transaction asks the database instead of its own sql: on the embedded engine it would wait for itself',
      );
    }
    return connect(...args);
  };
  pool.connect = guarded as typeof pool.connect;
}
