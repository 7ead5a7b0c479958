import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { Database } from './database.js';
import { isStorageFull, isUnavailable, StorageFull } from './database.errors.js';
import type { Sql } from './sql.js';

let test: TestDatabase;
let database: Database;
const thing = (sql: Sql, name: string) => sql.query('INSERT INTO thing (name) VALUES ($1)', [name]);
const things = async (): Promise<string[]> =>
  (await database.query<{ name: string }>('SELECT name FROM thing ORDER BY name')).map(({ name }) => name);

describeEngines('the database', (open) => {
  beforeEach(async () => {
    test = await open();
    database = test.database;
    await database.query('CREATE TABLE thing (name text PRIMARY KEY, size int8 NOT NULL DEFAULT 0)');
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
