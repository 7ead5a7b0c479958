import { describe, expect, it } from '@jest/globals';
import type { Bench } from './parity.js';

/** What goes in comes out, of every type that the schema uses and of any size. */
export function values(bench: Bench): void {
  describe('values', () => {
    it('of every type come back as they went', async () => {
      await using one = await bench.client();
      const { client } = one;
      const table = bench.name('types');
      await client.query(`CREATE TABLE ${table} (
        big int8, small int2, yes boolean, real float8, exact numeric, words text, id uuid, at timestamptz, on_day date,
        facts jsonb, raw bytea, bigs int8[], texts text[], ids uuid[], times timestamptz[], nothing text)`);
      const row = {
        big: '9007199254740993',
        small: -32768,
        yes: true,
        real: 0.1,
        exact: '12345678901234567890.000000001',
        words: 'naïve 🙂 \\ \' "quoted" \u0001',
        id: '0190a5c6-0000-7000-8000-000000000001',
        at: new Date('2026-02-03T04:05:06.789Z'),
        facts: { deep: [1, null, { text: 'ü', 'a"b': '\\' }] },
        raw: Buffer.from([0, 1, 255, 92, 39]),
        bigs: ['1', null, '-9223372036854775808'],
        texts: ['a,b', '{"}', '', null, 'NULL', '\\'],
        ids: ['0190a5c6-0000-7000-8000-000000000002'],
        times: [new Date('1999-12-31T23:59:59.999Z')],
        nothing: null,
      };
      const columns = Object.keys(row);
      const places = columns.map((_, index) => `$${String(index + 1)}`).join(', ');
      await client.query(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`,
        Object.values(row),
      );
      const { rows } = await client.query(`SELECT ${columns.join(', ')} FROM ${table}`);
      expect(rows).toEqual([row]);
    });

    it('may be passed in bulk, as arrays and as JSON', async () => {
      const pool = bench.pool();
      const numbers = Array.from({ length: 5_000 }, (_, n) => n);
      const unnested = await pool.query(
        'SELECT sum(n)::int AS sum, count(t)::int AS n FROM unnest($1::int[], $2::text[]) AS x(n, t)',
        [numbers, numbers.map((n) => `text ${String(n)}`)],
      );
      expect(unnested.rows).toEqual([{ sum: 12_497_500, n: 5_000 }]);
      const records = await pool.query('SELECT sum(n)::int AS sum FROM jsonb_to_recordset($1) AS x(n int)', [
        JSON.stringify(numbers.map((n) => ({ n }))),
      ]);
      expect(records.rows).toEqual([{ sum: 12_497_500 }]);
    });

    it('come back whole when there are 60 MB of them', async () => {
      const pool = bench.pool();
      const { rows } = await pool.query<{ n: number; words: string }>(
        `SELECT n, repeat(chr(97 + n % 26), 1000) AS words FROM generate_series(1, 60000) AS n`,
      );
      expect(rows).toHaveLength(60_000);
      expect(rows.every(({ n, words }) => words === String.fromCharCode(97 + (n % 26)).repeat(1_000))).toBe(
        true,
      );
    }, 60_000);

    it('may be one of 20 MB, both ways', async () => {
      const pool = bench.pool();
      const raw = Buffer.alloc(20 * 2 ** 20, 'parley');
      const { rows } = await pool.query<{ raw: Buffer }>('SELECT $1::bytea AS raw', [raw]);
      expect(rows[0]?.raw.equals(raw)).toBe(true);
    }, 60_000);

    it('are found by words and by likeness', async () => {
      const pool = bench.pool();
      await pool.query('CREATE EXTENSION IF NOT EXISTS pg_trgm');
      const { rows } = await pool.query(
        `SELECT to_tsvector('simple', 'Hello there') @@ websearch_to_tsquery('simple', 'there') AS found,
                similarity('parley', 'parlay') > 0.3 AS alike`,
      );
      expect(rows).toEqual([{ found: true, alike: true }]);
    });
  });
}
