import { join } from 'node:path';
import type pg from 'pg';
import { EmbeddedPostgres } from '#embedded-postgres';
import { logger } from './logger.js';

const log = logger('platform');

/** Where the tables are: something that hands out connections. */
export interface Engine {
  readonly kind: 'embedded' | 'postgres';
  poolConfig(extra?: pg.PoolConfig): pg.PoolConfig;
  /** While it is held, a statement may take as long as it takes. */
  longStatements(): Disposable;
  close(): Promise<void>;
}

/** A PostgreSQL server. */
export function postgresEngine(url: string): Engine {
  return {
    kind: 'postgres',
    poolConfig: (extra) => ({
      connectionString: url,
      // Waiting for a connection is bounded, so that a server that is gone is noticed and overload is answered.
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...extra,
    }),
    longStatements: () => ({ [Symbol.dispose]: () => undefined }),
    close: () => Promise.resolve(),
  };
}

/**
 * PostgreSQL in this process, its files under `directory`.
 * @throws DataDirectoryLocked when another process has them.
 */
export async function embeddedEngine(directory: string): Promise<Engine> {
  return engineOver(await EmbeddedPostgres.start({ dataDir: directory }));
}

export function engineOver(postgres: EmbeddedPostgres): Engine {
  postgres.on('crash', (err) => {
    log.error({ err }, 'the embedded database crashed and is starting again');
  });
  postgres.on('restarted', () => {
    log.warn({}, 'the embedded database is back');
  });
  postgres.on('slow-owner', (facts) => {
    log.warn({ ...facts }, 'a transaction sat idle while others waited for the embedded database');
  });
  return {
    kind: 'embedded',
    // Connections wait for their turn on one engine, and while it starts again.
    poolConfig: (extra) => postgres.poolConfig({ connectionTimeoutMillis: 15_000, ...extra }),
    longStatements: () => postgres.allowLongStatements(),
    close: () => postgres.close(),
  };
}

/** The engine that the configuration asks for: absence of an address means embedded. */
export async function startEngine(config: {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}): Promise<Engine> {
  return config.databaseUrl === undefined
    ? await embeddedEngine(join(config.dataDir, 'postgres'))
    : postgresEngine(config.databaseUrl);
}
