import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually, run, scratchDirectory } from '#peers';
import { EmbeddedPostgres } from './index.js';

const root = join(import.meta.dirname, '../../..');

/** Writes from ten connections, two rows per transaction, and prints each number once it is committed. */
const writer = `
  import { writeSync } from 'node:fs';
  import pg from 'pg';
  import { EmbeddedPostgres } from '#embedded-postgres';
  const [dataDir, first] = process.argv.slice(1);
  const engine = await EmbeddedPostgres.start({ dataDir });
  const pool = new pg.Pool(engine.poolConfig({ max: 10 }));
  await pool.query('CREATE TABLE IF NOT EXISTS kept (n int, half int, filling text, UNIQUE (n, half))');
  let n = Number(first);
  const write = async () => {
    for (;;) {
      const mine = n++;
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query("INSERT INTO kept VALUES ($1, 1, repeat('x', 500))", [mine]);
      await client.query("INSERT INTO kept VALUES ($1, 2, repeat('y', 500))", [mine]);
      await client.query('COMMIT');
      client.release();
      writeSync(1, mine + '\\n');
    }
  };
  await Promise.all(Array.from({ length: 10 }, write));`;

it('keeps whatever it has acknowledged, and nothing by halves, when its process is killed', async () => {
  using scratch = scratchDirectory('durability');
  const acknowledged = new Set<number>();
  for (let round = 0; round < 5; round++) {
    await using process = run(
      globalThis.process.execPath,
      ['--input-type=module', '-e', writer, scratch.path, String(round * 1_000_000)],
      { cwd: root },
    );
    let printed = '';
    process.child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const wanted = 100 + Math.random() * 2_000;
    await eventually(`it writes: ${process.output()}`, () => printed.split('\n').length > wanted, 60_000);
    process.child.kill('SIGKILL');
    await eventually('it is dead', () => process.child.signalCode !== null);
    // The last line may be cut off.
    for (const line of printed.split('\n').slice(0, -1)) acknowledged.add(Number(line));
  }
  await using engine = await EmbeddedPostgres.start({ dataDir: scratch.path });
  const pool = new pg.Pool(engine.poolConfig());
  const { rows } = await pool.query<{ n: number; halves: number; length: number }>(
    'SELECT n, count(*)::int AS halves, sum(length(filling))::int AS length FROM kept GROUP BY n',
  );
  await pool.end();
  const found = new Set(rows.map(({ n }) => n));
  expect(acknowledged.size).toBeGreaterThan(500);
  expect([...acknowledged].filter((n) => !found.has(n))).toEqual([]);
  expect(rows.filter(({ halves, length }) => halves !== 2 || length !== 1_000)).toEqual([]);
}, 240_000);
