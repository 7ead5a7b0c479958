import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually } from '#peers';
import type { Bench } from './parity.js';

/** The corners of the protocol that drivers use. */
export function protocol(bench: Bench): void {
  describe('the protocol', () => {
    it('tells what kind of server it is, and when that changes', async () => {
      await using one = await bench.client();
      const parameters = new Map<string, string>();
      const { connection } = one.client as unknown as { connection: NodeJS.EventEmitter };
      connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
        parameters.set(status.parameterName, status.parameterValue);
      });
      await one.client.query("SET TIME ZONE 'Asia/Tokyo'");
      await eventually('it is told', () => parameters.has('TimeZone'));
      expect(parameters.get('TimeZone')).toBe('Asia/Tokyo');
      const { rows } = await one.client.query<{ version: string }>('SHOW server_version_num');
      expect(Number(Object.values(rows[0] ?? {})[0])).toBeGreaterThanOrEqual(150_000);
    });

    it('tells all about an error', async () => {
      await using one = await bench.client();
      const table = bench.name('unique');
      await one.client.query(`CREATE TABLE ${table} (id int CONSTRAINT ${table}_only UNIQUE)`);
      await one.client.query(`INSERT INTO ${table} VALUES ($1)`, [1]);
      await expect(one.client.query(`INSERT INTO ${table} VALUES ($1)`, [1])).rejects.toMatchObject({
        code: '23505',
        severity: 'ERROR',
        table,
        constraint: `${table}_only`,
        detail: 'Key (id)=(1) already exists.',
      });
      await expect(one.client.query('SELECT nothing_like_it')).rejects.toMatchObject({
        code: '42703',
        position: '8',
      });
    });

    it('carries notices', async () => {
      await using one = await bench.client();
      const notices: (string | undefined)[] = [];
      one.client.on('notice', ({ message }) => notices.push(message));
      await one.client.query("DO $$ BEGIN RAISE NOTICE 'mind the gap'; END $$");
      expect(notices).toEqual(['mind the gap']);
    });

    it('answers an empty query, and several in one', async () => {
      await using one = await bench.client();
      expect((await one.client.query('')).rows).toEqual([]);
      const results = (await one.client.query(
        'SELECT 1 AS a; ; SELECT 2 AS b',
      )) as unknown as pg.QueryResult[];
      expect(results.map(({ rows }) => rows as unknown)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    });

    it('hands out a result in portions, while others want something too', async () => {
      await using one = await bench.client();
      const pool = bench.pool();
      const portions: number[] = [];
      const query = new pg.Query({
        text: 'SELECT n FROM generate_series(1, 95) AS n',
        rows: 10,
      } as pg.QueryConfig);
      const { connection } = one.client as unknown as { connection: NodeJS.EventEmitter };
      let rows = 0;
      connection.on('dataRow', () => rows++);
      connection.on('portalSuspended', () => portions.push(rows));
      const ended = new Promise((resolve, reject) => query.on('end', resolve).on('error', reject));
      one.client.query(query);
      const others = Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')));
      await ended;
      await others;
      expect(rows).toBe(95);
      expect(portions).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90]);
    });

    it('lets a hundred clients in', async () => {
      const pool = bench.pool({ max: 100 });
      const clients = await Promise.all(Array.from({ length: 100 }, () => pool.connect()));
      const pids = new Set(clients.map((client) => (client as unknown as { processID: number }).processID));
      for (const client of clients) client.release();
      expect(pids.size).toBe(100);
    });

    it('copies out', async () => {
      await using one = await bench.client();
      const { connection } = one.client as unknown as { connection: NodeJS.EventEmitter };
      const lines: string[] = [];
      connection.on('copyData', ({ chunk }: { chunk: Buffer }) => lines.push(chunk.toString()));
      await one.client.query('COPY (SELECT n FROM generate_series(1, 3) AS n) TO STDOUT');
      expect(lines.join('')).toBe('1\n2\n3\n');
    });
  });
}
