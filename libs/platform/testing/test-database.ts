import { describe } from '@jest/globals';
import { describeWithPeers, postgresPeer } from '#peers';
import { Database, postgresEngine, type DatabaseOptions, type Engine } from '#platform';
import { borrowEngine } from './test-engine.js';
import { emptyDatabase } from './test-server.js';

export type EngineKind = Engine['kind'];

export interface TestDatabase extends AsyncDisposable {
  /** Migrated and empty. Its transactions throw when their work asks the database itself. */
  readonly database: Database;
  /** Its engine, to open it once more. */
  readonly engine: Engine;
  /** Of the same database, for another process; undefined on the embedded engine, which belongs to one. */
  readonly url: string | undefined;
  /** Ends the embedded engine's worker as a crash would, with all that it had in memory; undefined on PostgreSQL. */
  readonly crash: (() => Promise<void>) | undefined;
}

/** A database of one's own, until its holder goes. The embedded one is in memory. */
export async function openTestDatabase(
  kind: EngineKind,
  options: DatabaseOptions = {},
): Promise<TestDatabase> {
  switch (kind) {
    case 'embedded': {
      const engine = await borrowEngine();
      return held(engine, options, { url: undefined, crash: () => engine.crash() });
    }
    case 'postgres': {
      const url = await emptyDatabase();
      return held(postgresEngine(url), options, { url, crash: undefined });
    }
  }
}

function held(
  engine: Engine,
  options: DatabaseOptions,
  more: Pick<TestDatabase, 'url' | 'crash'>,
): TestDatabase {
  const database = new Database(engine, { watchful: true, ...options });
  return {
    database,
    engine,
    ...more,
    async [Symbol.asyncDispose]() {
      await database.close();
    },
  };
}

/**
 * One suite on both engines; the one on PostgreSQL needs the server, as peers do.
 */
export function describeEngines(
  name: string,
  suite: (open: (options?: DatabaseOptions) => Promise<TestDatabase>, engine: EngineKind) => void,
): void {
  describe(`${name} on the embedded engine`, () => {
    suite((options) => openTestDatabase('embedded', options), 'embedded');
  });
  describeWithPeers(`${name} on PostgreSQL`, [postgresPeer], () => {
    suite((options) => openTestDatabase('postgres', options), 'postgres');
  });
}
