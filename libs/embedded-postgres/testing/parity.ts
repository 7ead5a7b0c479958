import { afterAll, beforeAll, describe } from '@jest/globals';
import pg from 'pg';
import { concurrency } from './parity.concurrency.js';
import { protocol } from './parity.protocol.js';
import { sessions } from './parity.sessions.js';
import { values } from './parity.values.js';

/** A database under test; `pool` hands out pools with settings of their own. */
interface Started extends AsyncDisposable {
  poolConfig(extra?: pg.PoolConfig): pg.PoolConfig;
}

type StartPool = () => Promise<Started>;

/** What the tests of the suite use. */
export interface Bench {
  /** A pool that is ended after the test file. */
  pool(extra?: pg.PoolConfig): pg.Pool;
  /** A client of its own, which is ended with its holder. */
  client(extra?: pg.ClientConfig): Promise<BenchClient>;
  /** A name that no other test uses. */
  name(prefix: string): string;
}

interface BenchClient extends AsyncDisposable {
  readonly client: pg.Client;
  /** The error that has ended it, if one has. */
  readonly broken: { error?: Error & { code?: string } };
}

/** One suite, whatever the engine: what programs written for a PostgreSQL server rely on. */
export function describeParity(name: string, start: StartPool): void {
  describe(name, () => {
    let started: Started | undefined;
    let names = 0;
    const pools: pg.Pool[] = [];
    const config = (extra: pg.PoolConfig = {}): pg.PoolConfig => {
      if (started === undefined) throw new Error('not started');
      return started.poolConfig(extra);
    };
    beforeAll(async () => {
      started = await start();
    }, 60_000);
    afterAll(async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await started?.[Symbol.asyncDispose]();
    });
    const bench: Bench = {
      pool(extra) {
        const pool = new pg.Pool(config(extra));
        pool.on('error', () => undefined);
        pools.push(pool);
        return pool;
      },
      async client(extra) {
        const client = new pg.Client(config(extra));
        const broken: BenchClient['broken'] = {};
        client.on('error', (error: Error & { code?: string }) => (broken.error ??= error));
        await client.connect();
        return { client, broken, [Symbol.asyncDispose]: () => client.end() };
      },
      name: (prefix) => `${prefix}_${String(++names)}`,
    };
    concurrency(bench);
    sessions(bench);
    values(bench);
    protocol(bench);
  });
}
