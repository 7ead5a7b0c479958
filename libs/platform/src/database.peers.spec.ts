import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describeWithPeers, eventually, freePort, postgresPeer, startPostgres } from '#peers';
import { describeEngines, openTestDatabase, type TestDatabase } from '#platform/testing';
import { Database } from './database.js';
import { CommitInDoubt, isStorageFull, isUnavailable, StorageFull } from './database.errors.js';
import { postgresEngine } from './engine.js';
import type { Sql } from './sql.js';

let test: TestDatabase;
let database: Database;
const thing = (sql: Sql, name: string) => sql.query('INSERT INTO thing (name) VALUES ($1)', [name]);
const things = async (): Promise<string[]> =>
  (await database.query<{ name: string }>('SELECT name FROM thing ORDER BY name')).map(({ name }) => name);

async function begin(opened: TestDatabase): Promise<void> {
  test = opened;
  database = test.database;
  await database.query('CREATE TABLE thing (name text PRIMARY KEY, size int8 NOT NULL DEFAULT 0)');
}

describeEngines('the database', (open) => {
  beforeEach(async () => {
    await begin(await open());
  });
  afterEach(async () => {
    // An engine whose tables are as they were is lent again, which is faster than another.
    await database.query('DROP TABLE thing');
    await test[Symbol.asyncDispose]();
  });

  it('never rounds an int8, and gives other types as JavaScript has them', async () => {
    const [row] = await database.query(`
      SELECT 9007199254740993::int8 AS big, ARRAY[1, NULL, -9007199254740993]::int8[] AS bigs, NULL::int8 AS none,
        '2026-01-02T03:04:05.678Z'::timestamptz AS at, '{"a": [1]}'::jsonb AS json, '\\x00ff'::bytea AS bytes, 1.10::numeric AS price,
        ARRAY['00000000-0000-7000-8000-000000000001']::uuid[] AS ids`);
    expect(row).toEqual({
      big: 9007199254740993n,
      bigs: [1n, null, -9007199254740993n],
      none: null,
      at: new Date('2026-01-02T03:04:05.678Z'),
      json: { a: [1] },
      bytes: Buffer.from([0, 255]),
      price: '1.10',
      ids: ['00000000-0000-7000-8000-000000000001'],
    });
  });

  it('takes the same types as parameters, arrays of them too', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const rows = await database.query(
      'SELECT * FROM unnest($1::int8[], $2::bytea[], $3::timestamptz[], $4::jsonb[]) AS t(big, bytes, at, json)',
      [
        [9007199254740993n, null],
        [Buffer.from([0, 255]), null],
        [at, null],
        [JSON.stringify({ a: '"' }), null],
      ],
    );
    expect(rows).toEqual([
      { big: 9007199254740993n, bytes: Buffer.from([0, 255]), at, json: { a: '"' } },
      { big: null, bytes: null, at: null, json: null },
    ]);
  });

  it('keeps the whole of a transaction', async () => {
    const answer = await database.transaction(async (sql) => {
      await thing(sql, 'a');
      await thing(sql, 'b');
      return 'done';
    });
    expect(answer).toBe('done');
    expect(await things()).toEqual(['a', 'b']);
  });

  it('keeps nothing of a transaction whose work throws, and throws the same', async () => {
    const why = new Error('changed my mind');
    await expect(
      database.transaction(async (sql) => {
        await thing(sql, 'a');
        throw why;
      }),
    ).rejects.toBe(why);
    expect(await things()).toEqual([]);
  });

  it('does not call it a success when the work swallowed a failed statement', async () => {
    await expect(
      database.transaction(async (sql) => {
        await thing(sql, 'a');
        await thing(sql, 'a').catch(() => undefined);
      }),
    ).rejects.toThrow('swallowed');
    expect(await things()).toEqual([]);
  });

  it('refuses statements of a transaction that is over', async () => {
    const kept = await database.transaction((sql) => Promise.resolve(sql));
    await expect(kept.query('SELECT 1')).rejects.toThrow('over');
  });

  it('tells a test whose transaction asks the database itself', async () => {
    await expect(database.transaction(() => database.query('SELECT 1'))).rejects.toThrow(
      'instead of its own sql',
    );
    await expect(database.transaction(() => database.prisma.setup.count())).rejects.toThrow(
      'instead of its own sql',
    );
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('shows the typed client the same tables', async () => {
    await database.prisma.setup.create({ data: { codeHash: Buffer.from([1]) } });
    expect(await database.query('SELECT code_hash FROM setup')).toEqual([{ code_hash: Buffer.from([1]) }]);
  });

  it('runs a transaction again when it loses against others, and not for ever', async () => {
    let runs = 0;
    const losing = (times: number) =>
      database.transaction(async (sql) => {
        runs++;
        await thing(sql, `run ${String(runs)}`);
        if (runs <= times) await sql.query(`DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`);
      });
    await losing(3);
    expect(await things()).toEqual(['run 4']);
    runs = 0;
    await database.query('DELETE FROM thing');
    await expect(losing(4)).rejects.toMatchObject({ code: '40001' });
    expect(runs).toBe(4);
  });

  it('keeps plans where it is told to, and makes them anew when the tables change', async () => {
    const keep = { keepPlan: true };
    const [text, params] = ['SELECT * FROM thing WHERE name = $1', ['a']] as const;
    await thing(database, 'a');
    for (let i = 0; i < 10; i++) await database.query(text, params, keep);
    expect(
      await database.query(`SELECT FROM pg_prepared_statements WHERE statement = $1`, [text]),
    ).toHaveLength(1);
    await database.query('ALTER TABLE thing ADD COLUMN colour text');
    expect(await database.query(text, params, keep)).toEqual([{ name: 'a', size: 0n, colour: null }]);
    await database.query('ALTER TABLE thing DROP COLUMN colour');
    const inside = database.transaction((sql) => sql.query(text, params, keep));
    expect(await inside).toEqual([{ name: 'a', size: 0n }]);
  });

  it('answers many at once over few connections', async () => {
    const wide = Array.from({ length: 200 }, (_, at) => `thing ${String(at).padStart(3, '0')}`);
    await Promise.all(wide.map((name) => database.transaction((sql) => thing(sql, name))));
    expect(await things()).toEqual(wide);
  });
});

describeEngines('a database without room', (open) => {
  it('refuses transactions before they begin, unless they settle what is there, and goes on reading', async () => {
    await using opened = await open();
    const guard = { full: true };
    const full = new Database(opened.engine, { guard });
    await expect(full.transaction(() => Promise.reject(new Error('was begun')))).rejects.toThrow(StorageFull);
    expect(await full.transaction((sql) => sql.query('SELECT 1 AS one'), { evenWhenFull: true })).toEqual([
      { one: 1 },
    ]);
    expect(await full.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    guard.full = false;
    expect(await full.transaction((sql) => sql.query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
    await full.prisma.$disconnect();
  });

  it('knows a full disk by its SQLSTATE', async () => {
    await using opened = await open();
    const error: unknown = await opened.database
      .query(`DO $$ BEGIN RAISE SQLSTATE '53100'; END $$`)
      .catch((caught: unknown) => caught);
    expect([isStorageFull(error), isUnavailable(error)]).toEqual([true, true]);
  });
});

describeWithPeers('the database on a PostgreSQL server', [postgresPeer], () => {
  /** Somebody else's connections to the same tables. */
  let others: Database;

  beforeEach(async () => {
    await begin(await openTestDatabase('postgres'));
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

describe('an error that is not the database’s state', () => {
  it.each([
    new Error('boom'),
    Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' }),
    Object.assign(new Error('duplicate'), { code: '23505' }),
    undefined,
    'text',
    null,
  ])('is not unavailable: %p', (error) => {
    expect(isUnavailable(error)).toBe(false);
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
