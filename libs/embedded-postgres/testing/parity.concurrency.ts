import { describe, expect, it } from '@jest/globals';
import { eventually } from '#peers';
import type { Bench } from './parity.js';

/** Many clients at once, and transactions between them. */
export function concurrency(bench: Bench): void {
  describe('transactions', () => {
    it('shows nobody what has not been committed', async () => {
      const pool = bench.pool({ max: 2 });
      const table = bench.name('hidden');
      await pool.query(`CREATE TABLE ${table} (id int)`);
      await using writer = await bench.client();
      await writer.client.query('BEGIN');
      await writer.client.query(`INSERT INTO ${table} VALUES (1)`);
      const own = await writer.client.query(`SELECT count(*)::int AS n FROM ${table}`);
      const others = pool.query(`SELECT count(*)::int AS n FROM ${table}`);
      await writer.client.query('ROLLBACK');
      expect(own.rows).toEqual([{ n: 1 }]);
      expect((await others).rows).toEqual([{ n: 0 }]);
    });

    it('loses no update of clients that read, think and write', async () => {
      const pool = bench.pool({ max: 10 });
      const table = bench.name('counter');
      await pool.query(`CREATE TABLE ${table} (n int); INSERT INTO ${table} VALUES (0)`);
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          const client = await pool.connect();
          try {
            await client.query('BEGIN');
            const { rows } = await client.query<{ n: number }>(`SELECT n FROM ${table} FOR UPDATE`);
            await new Promise((think) => setImmediate(think));
            await client.query(`UPDATE ${table} SET n = $1`, [(rows[0]?.n ?? 0) + 1]);
            await client.query('COMMIT');
          } finally {
            client.release();
          }
        }),
      );
      expect((await pool.query(`SELECT n FROM ${table}`)).rows).toEqual([{ n: 40 }]);
    });

    it('refuses everything after an error until the transaction ends', async () => {
      await using one = await bench.client();
      const { client } = one;
      await client.query('BEGIN');
      await expect(client.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
      await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
      await expect(client.query('SELECT $1::int', [1])).rejects.toMatchObject({ code: '25P02' });
      const end = await client.query('COMMIT');
      expect(end.command).toBe('ROLLBACK');
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    });

    it('keeps what came before a savepoint', async () => {
      await using one = await bench.client();
      const { client } = one;
      const table = bench.name('saved');
      await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY)`);
      await client.query('BEGIN');
      await client.query(`INSERT INTO ${table} VALUES (1)`);
      await client.query('SAVEPOINT here');
      await expect(client.query(`INSERT INTO ${table} VALUES (1)`)).rejects.toMatchObject({ code: '23505' });
      await client.query('ROLLBACK TO SAVEPOINT here');
      await client.query(`INSERT INTO ${table} VALUES (2)`);
      await client.query('COMMIT');
      expect((await client.query(`SELECT id FROM ${table} ORDER BY id`)).rows).toEqual([
        { id: 1 },
        { id: 2 },
      ]);
    });

    it('rolls back what a client leaves open that goes without a word', async () => {
      const pool = bench.pool();
      const table = bench.name('left');
      await pool.query(`CREATE TABLE ${table} (id int)`);
      const gone = await bench.client();
      await gone.client.query('BEGIN');
      await gone.client.query(`INSERT INTO ${table} VALUES (1)`);
      await gone.client.query(`LOCK TABLE ${table}`);
      (gone.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      expect((await pool.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 0 }]);
    });

    it('treats the statements of one simple query as one transaction', async () => {
      const pool = bench.pool();
      const table = bench.name('several');
      await pool.query(`CREATE TABLE ${table} (id int)`);
      await expect(
        pool.query(`INSERT INTO ${table} VALUES (1); INSERT INTO ${table} VALUES ('x')`),
      ).rejects.toMatchObject({ code: '22P02' });
      expect((await pool.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 0 }]);
    });

    it('ends a client that idles in a transaction for longer than it said it would', async () => {
      const pool = bench.pool();
      const table = bench.name('idle');
      await pool.query(`CREATE TABLE ${table} (id int)`);
      const idle = await bench.client({ idle_in_transaction_session_timeout: 1_000 });
      await idle.client.query('BEGIN');
      await idle.client.query(`INSERT INTO ${table} VALUES (1)`);
      await idle.client.query(`LOCK TABLE ${table}`);
      const others = pool.query(`SELECT count(*)::int AS n FROM ${table}`);
      expect((await others).rows).toEqual([{ n: 0 }]);
      await eventually('the idle client is told why', () => idle.broken.error !== undefined);
      expect(idle.broken.error).toMatchObject({ code: '25P03' });
      await expect(idle.client.query('COMMIT')).rejects.toThrow();
    });

    it('leaves alone a client that works for longer than it may idle', async () => {
      await using busy = await bench.client({ idle_in_transaction_session_timeout: 1_000 });
      const pool = bench.pool();
      await busy.client.query('BEGIN');
      const others = pool.query('SELECT 1');
      await busy.client.query('SELECT pg_sleep(1.5)');
      await busy.client.query('COMMIT');
      await others;
      expect(busy.broken.error).toBeUndefined();
    });
  });

  describe('many clients', () => {
    it('are all served while one asks without end', async () => {
      const pool = bench.pool({ max: 1 });
      await using other = await bench.client();
      let done = false;
      let answered = 0;
      const greedy = Promise.all(
        Array.from({ length: 400 }, () => pool.query('SELECT count(*) FROM generate_series(1, 20000)')),
      ).finally(() => (done = true));
      while (answered < 20) {
        await other.client.query('SELECT 1');
        answered++;
      }
      expect(answered).toBe(20);
      expect(done).toBe(false);
      await greedy;
    });

    it('get their own answers', async () => {
      const pool = bench.pool({ max: 30 });
      const sums = await Promise.all(
        Array.from({ length: 600 }, async (_, n) => {
          const { rows } = await pool.query<{ sum: number }>('SELECT $1::int + $2::int AS sum', [n, 1]);
          return rows[0]?.sum;
        }),
      );
      expect(sums).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    });

    it('insert side by side without losing a row', async () => {
      const pool = bench.pool({ max: 30 });
      const table = bench.name('rows');
      await pool.query(`CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)`);
      await Promise.all(
        Array.from({ length: 500 }, (_, n) => pool.query(`INSERT INTO ${table} (n) VALUES ($1)`, [n])),
      );
      const { rows } = await pool.query(
        `SELECT count(DISTINCT n)::int AS n, count(*)::int AS all FROM ${table}`,
      );
      expect(rows).toEqual([{ n: 500, all: 500 }]);
    });
  });
}
