import { EventEmitter } from 'node:events';
import type pg from 'pg';

export interface EmbeddedPostgresOptions {
  /**
   * Where everything of this engine lives, made with mode 0700 when missing: `cluster/` (the database) and `lock/`.
   * `memory://` keeps the database in memory instead, without a lock.
   */
  readonly dataDir: string;
  /** How long a connection may sit idle inside a transaction while others wait, in ms. Default 2,000. */
  readonly idleTransactionMs?: number;
  /** How often the worker is asked whether it is alive, in ms. Default 5,000; 0 switches the watchdog off. */
  readonly pingEveryMs?: number;
  /**
   * How long the worker may leave a ping unanswered before it is ended, in ms. A statement holds the worker for as
   * long as it runs, so this is also the longest statement that is let live. Default 30,000.
   */
  readonly pingTimeoutMs?: number;
  /**
   * What a new data directory starts from: an archive made by {@link prepareArchive} or {@link EmbeddedPostgres.dump},
   * as bytes or as a path. Default: the one that the build has left in dist, if it is there.
   */
  readonly archive?: Uint8Array | string;
}

export interface EngineStats {
  /** Open virtual connections. */
  readonly connections: number;
  /** Connections that wait for their turn. */
  readonly waiting: number;
  /** Whether some connection holds the engine with an open transaction. */
  readonly owned: boolean;
  /** Round trips answered since the worker started. */
  readonly batches: number;
  /** How often the settings of the session had to be changed from one connection's to another's. */
  readonly switches: number;
  /** How often the worker has been started again after a crash. */
  readonly restarts: number;
}

/** A connection that sits idle in a transaction while others wait. */
export interface SlowOwner {
  readonly applicationName: string;
  /** The tag of the last command that it ran (`UPDATE 1`): never its text, which may hold somebody's words. */
  readonly lastCommand: string;
  readonly idleMs: number;
  readonly waiting: number;
  /** Whether the connection has been ended for it (25P03), or this is the warning. */
  readonly ended: boolean;
}

interface Events {
  crash: [error: Error];
  restarted: [];
  'slow-owner': [owner: SlowOwner];
}

/** PostgreSQL inside this process. */
export class EmbeddedPostgres extends EventEmitter<Events> implements AsyncDisposable {
  private constructor(readonly options: EmbeddedPostgresOptions) {
    super();
  }

  /** Opens the database, making it first where there is none. Throws {@link DataDirectoryLocked}. */
  static start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    return Promise.resolve(new EmbeddedPostgres(options));
  }

  /** What `pg.Pool`, `pg.Client` or `PrismaPg` need to connect here; `extra` wins. */
  poolConfig(extra: pg.PoolConfig = {}): pg.PoolConfig {
    return { user: 'postgres', database: 'postgres', ...extra };
  }

  stats(): Promise<EngineStats> {
    return Promise.reject(new Error('not built yet'));
  }

  /** A copy of the whole database as it stands, to start another data directory from. */
  dump(): Promise<Uint8Array> {
    return Promise.reject(new Error('not built yet'));
  }

  /** Holds the watchdog off while it is held: for migrations, whose statements may be long. */
  allowLongStatements(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  /** Ends whatever runs, the hard way: the worker dies, connections get ECONNRESET, the engine recovers and goes on. */
  terminate(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends every connection, closes the database and releases the directory. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
