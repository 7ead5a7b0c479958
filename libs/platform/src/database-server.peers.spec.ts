import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, freePort, postgresPeer, startPostgres } from '#peers';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { Database } from './database.js';
import { CommitInDoubt, isUnavailable } from './database.errors.js';
import { postgresEngine } from './engine.js';
import type { Sql } from './sql.js';

let test: TestDatabase;
let database: Database;
const thing = (sql: Sql, name: string) => sql.query('INSERT INTO thing (name) VALUES ($1)', [name]);
const things = async (): Promise<string[]> =>
  (await database.query<{ name: string }>('SELECT name FROM thing ORDER BY name')).map(({ name }) => name);

describeWithPeers('the database on a PostgreSQL server', [postgresPeer], () => {
  /** Somebody else's connections to the same tables. */
  let others: Database;

  beforeEach(async () => {
    test = await openTestDatabase('postgres');
    database = test.database;
    await database.query('CREATE TABLE thing (name text PRIMARY KEY, size int8 NOT NULL DEFAULT 0)');
    await database.query(`INSERT INTO thing (name) VALUES ('a'), ('b')`);
    others = new Database(test.engine);
  });
  afterEach(async () => {
    await others.close();
    await test[Symbol.asyncDispose]();
  });

  const lock = (sql: Sql, name: string) => sql.query('SELECT FROM thing WHERE name = $1 FOR UPDATE', [name]);

  it('keeps its connection when a row is refused', async () => {
    const pid = () => database.query('SELECT pg_backend_pid() AS pid');
    const before = await pid();
    await expect(thing(database, 'a')).rejects.toMatchObject({ code: '23505' });
    await expect(database.transaction((sql) => thing(sql, 'a'))).rejects.toMatchObject({ code: '23505' });
    expect(await pid()).toEqual(before);
  });

  it('gives up waiting for a lock after 2 s', async () => {
    await database.transaction(async (sql) => {
      await lock(sql, 'a');
      const waiter = others.transaction((other) => lock(other, 'a'));
      await Promise.all([
        sql.query('SELECT pg_sleep(2.5)'),
        expect(waiter).rejects.toMatchObject({ code: '55P03' }),
      ]);
    });
  });

  it('ends a transaction that idles for 2 s with a lock in its hands', async () => {
    const started = performance.now();
    const holder = database.transaction(async (sql) => {
      await lock(sql, 'a');
      await eventually('the lock is free', () =>
        others.query('SELECT FROM thing WHERE name = $1 FOR UPDATE NOWAIT', ['a']).then(
          () => true,
          () => false,
        ),
      );
      expect(performance.now() - started).toBeLessThan(3_500);
      await thing(sql, 'too late');
    });
    const error: unknown = await holder.catch((caught: unknown) => caught);
    expect(error).not.toBeInstanceOf(CommitInDoubt);
    expect({ error, unavailable: isUnavailable(error) }).toMatchObject({ unavailable: true });
    expect(await things()).toEqual(['a', 'b']);
  });

  it('lets both of two transactions through that lock in opposite orders', async () => {
    const locked = new Set<string>();
    const both = ['a', 'b'].map((first) =>
      others.transaction(async (sql) => {
        await lock(sql, first);
        locked.add(first);
        await eventually('both hold one', () => locked.size === 2);
        await lock(sql, first === 'a' ? 'b' : 'a');
        await sql.query('UPDATE thing SET size = size + 1');
      }),
    );
    await Promise.all(both);
    expect(await database.query('SELECT DISTINCT size FROM thing')).toEqual([{ size: 2n }]);
  });

  it('says that a commit is in doubt when the connection goes while it is under way', async () => {
    await using wire = await through(test.url ?? '', (chunk) => (chunk.includes('COMMIT') ? 'end' : 'pass'));
    const cut = new Database(postgresEngine(wire.url));
    const error: unknown = await cut
      .transaction((sql) => thing(sql, 'perhaps'))
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CommitInDoubt);
    expect(isUnavailable(error)).toBe(true);
    await cut.close();
  });
});

describeWithPeers('a PostgreSQL server that goes away', [postgresPeer], () => {
  it('is seen as unavailable by every door, and found again when it is back', async () => {
    await using server = await startPostgres();
    const database = new Database(postgresEngine(server.url));
    const doors = [
      () => database.query('SELECT 1'),
      () => database.transaction((sql) => sql.query('SELECT 1')),
      async () => await database.prisma.$queryRaw`SELECT 1`,
    ];
    for (const door of doors) await door();
    const caught = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: unknown) => error);
    const midway = [
      database.query('SELECT pg_sleep(60)'),
      database.transaction((sql) => sql.query('SELECT pg_sleep(60)')),
      database.prisma.$queryRaw`SELECT pg_sleep(60)`,
    ].map(caught);
    await eventually('all three are under way', async () => {
      const rows = await database.query(
        `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'`,
      );
      return rows.length === 3;
    });
    await server.kill();
    const errors = [
      ...(await Promise.all(midway)),
      ...(await Promise.all(doors.map((door) => caught(door())))),
    ];
    expect(errors.map((error) => ({ error, unavailable: isUnavailable(error) }))).toEqual(
      errors.map((error) => ({ error, unavailable: true })),
    );
    await server.start();
    for (const door of doors)
      await eventually('it answers again', () =>
        door().then(
          () => true,
          () => false,
        ),
      );
    await database.close();
  });

  it('is given up when it falls silent in the middle of a statement', async () => {
    await using server = await startPostgres();
    await using wire = await through(server.url, (chunk) =>
      chunk.includes('pg_sleep') ? 'silence' : 'pass',
    );
    const database = new Database(postgresEngine(wire.url), { longestStatementMs: 500 });
    const error: unknown = await database.query('SELECT pg_sleep(0)').catch((caught: unknown) => caught);
    expect({ error, unavailable: isUnavailable(error) }).toMatchObject({ unavailable: true });
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(
      new Database(postgresEngine(server.url), { longestStatementMs: 500 }).query('SELECT pg_sleep(30)'),
    ).rejects.toMatchObject({ code: '57014' });
    await database.close();
  });

  it('is unavailable where nothing listens, or the name is unknown', async () => {
    for (const host of [`127.0.0.1:${String(await freePort())}`, 'nobody.invalid:5432']) {
      const database = new Database(postgresEngine(`postgresql://alice@${host}/x`));
      const error: unknown = await database.query('SELECT 1').catch((caught: unknown) => caught);
      expect({ error, unavailable: isUnavailable(error) }).toMatchObject({ unavailable: true });
      await database.close();
    }
  });
});

/** A way to a server, on which the client's words may be followed by silence or by the end. */
async function through(
  to: string,
  judge: (chunk: Buffer) => 'pass' | 'silence' | 'end',
): Promise<AsyncDisposable & { readonly url: string }> {
  const { hostname, port } = new URL(to);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    client.on('error', end).on('close', end);
    server.on('error', end).on('close', end);
    server.pipe(client);
    let silent = false;
    client.on('data', (chunk) => {
      const verdict = judge(chunk);
      if (verdict === 'end') end();
      silent ||= verdict === 'silence';
      if (!silent) server.write(chunk);
    });
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const url = new URL(to);
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await new Promise((closed) => proxy.close(closed));
    },
  };
}
