import { afterAll, describe } from '@jest/globals';
import pg from 'pg';
import { describeWithPeers, postgresPeer, startPostgres, type RunningPostgres } from '#peers';
import { Database, migrate, postgresEngine, type Engine } from '#platform';

export type EngineKind = 'embedded' | 'postgres';

export interface TestDatabase extends AsyncDisposable {
  /** Migrated and empty. */
  readonly database: Database;
  /** Its engine, to open it once more. */
  readonly engine: Engine;
  /** Of the same database, for another process; undefined on the embedded engine, which belongs to one. */
  readonly url: string | undefined;
}

/** A database of one's own, until its holder goes. */
export async function openTestDatabase(kind: EngineKind): Promise<TestDatabase> {
  if (kind === 'embedded') throw new Error('not built yet');
  const url = await emptyDatabase();
  const engine = postgresEngine(url);
  const database = new Database(engine, { watchful: true });
  return {
    database,
    engine,
    url,
    async [Symbol.asyncDispose]() {
      await database.close();
    },
  };
}

/** One suite on both engines; the one on PostgreSQL needs the server, as peers do. */
export function describeEngines(
  name: string,
  suite: (open: () => Promise<TestDatabase>, engine: EngineKind) => void,
): void {
  describe.skip(`${name} on the embedded engine`, () => {
    suite(() => openTestDatabase('embedded'), 'embedded');
  });
  describeWithPeers(`${name} on PostgreSQL`, [postgresPeer], () => {
    suite(() => openTestDatabase('postgres'), 'postgres');
  });
}

/** One server for all tests of a file, begun by the first that asks; each has a database of its own on it. */
let server: Promise<RunningPostgres> | undefined;
let count = 0;

afterAll(async () => {
  await (await server)?.[Symbol.asyncDispose]();
});

async function emptyDatabase(): Promise<string> {
  server ??= begin();
  const { url } = await server;
  const name = `test_${String(++count)}`;
  await ask(url, `CREATE DATABASE ${name} TEMPLATE migrated`);
  return inDatabase(url, name);
}

async function begin(): Promise<RunningPostgres> {
  const running = await startPostgres();
  await ask(running.url, 'CREATE DATABASE migrated');
  await migrate(postgresEngine(inDatabase(running.url, 'migrated')));
  return running;
}

async function ask(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

function inDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
