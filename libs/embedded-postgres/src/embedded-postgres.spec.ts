import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually, run, scratchDirectory } from '#peers';
import {
  DataDirectoryLocked,
  EmbeddedPostgres,
  prepareArchive,
  type EmbeddedPostgresOptions,
} from './index.js';

const open: { engine: EmbeddedPostgres; pool: pg.Pool }[] = [];

async function start(
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<{ engine: EmbeddedPostgres; pool: pg.Pool; crashes: Error[] }> {
  const engine = await EmbeddedPostgres.start({ dataDir: 'memory://', ...options });
  const pool = new pg.Pool(engine.poolConfig({ max: 10 }));
  pool.on('error', () => undefined);
  const crashes: Error[] = [];
  engine.on('crash', (error) => crashes.push(error));
  open.push({ engine, pool });
  return { engine, pool, crashes };
}

/** A client whose end is no surprise. */
async function connect(
  engine: EmbeddedPostgres,
  errors: (Error & { code?: string })[] = [],
): Promise<pg.Client> {
  const client = new pg.Client(engine.poolConfig());
  client.on('error', (error) => errors.push(error));
  await client.connect();
  return client;
}

afterEach(async () => {
  for (const { engine, pool } of open.splice(0)) {
    await engine.close();
    await pool.end().catch(() => undefined);
  }
});

describe('a data directory', () => {
  it('is for its owner alone, and for one engine at a time', async () => {
    using scratch = scratchDirectory('engine');
    const dataDir = join(scratch.path, 'new/data');
    const { pool } = await start({ dataDir });
    await pool.query('CREATE TABLE t AS SELECT 1 AS one');
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toThrow(DataDirectoryLocked);
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toThrow(`pid ${String(process.pid)} on `);
    expect((await pool.query('SELECT one FROM t')).rows).toEqual([{ one: 1 }]);
    for (const directory of [dataDir, join(dataDir, 'cluster'), join(dataDir, 'lock')])
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('keeps what it was given when the engine is closed and opened again', async () => {
    using scratch = scratchDirectory('engine');
    const first = await start({ dataDir: scratch.path });
    await first.pool.query('CREATE TABLE t AS SELECT 1 AS one');
    await first.engine.close();
    const second = await start({ dataDir: scratch.path });
    expect((await second.pool.query('SELECT one FROM t')).rows).toEqual([{ one: 1 }]);
  });

  it('begins from a prepared archive, or from a copy of another database', async () => {
    using scratch = scratchDirectory('engine');
    const archive = await prepareArchive();
    const path = join(scratch.path, 'archive.tar.gz');
    await writeFile(path, archive);
    const first = await start({ dataDir: join(scratch.path, 'first'), archive: path });
    await first.pool.query("CREATE TABLE t AS SELECT 'copied' AS word");
    const copy = await first.engine.dump();
    await first.pool.query('DROP TABLE t');
    const second = await start({ dataDir: join(scratch.path, 'second'), archive: copy });
    const third = await start({ archive: copy });
    for (const { pool } of [second, third])
      expect((await pool.query('SELECT word FROM t')).rows).toEqual([{ word: 'copied' }]);
  }, 120_000);

  it('begins again where a first start was cut off', async () => {
    using scratch = scratchDirectory('engine');
    await mkdir(join(scratch.path, 'cluster.new/base'), { recursive: true });
    await writeFile(join(scratch.path, 'cluster.new/PG_VERSION'), '18\n');
    const { pool } = await start({ dataDir: scratch.path });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect((await readdir(scratch.path)).sort()).toEqual(['cluster', 'lock']);
  });

  it('is left free, and says why, when it cannot be opened', async () => {
    using scratch = scratchDirectory('engine');
    await expect(
      EmbeddedPostgres.start({ dataDir: scratch.path, archive: new Uint8Array([1, 2, 3]) }),
    ).rejects.toThrow(/incorrect header check/);
    await (await EmbeddedPostgres.start({ dataDir: scratch.path })).close();
    const version = join(scratch.path, 'cluster/PG_VERSION');
    const right = await readFile(version);
    await writeFile(version, '12\n');
    await expect(EmbeddedPostgres.start({ dataDir: scratch.path })).rejects.toThrow(
      /incompatible with server/,
    );
    await writeFile(version, right);
    const { pool } = await start({ dataDir: scratch.path });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('a worker', () => {
  it('leaves the main thread alone while a statement runs', async () => {
    const { pool } = await start();
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    await pool.query('SELECT pg_sleep(1)');
    clearInterval(timer);
    // 100 on an idle machine; one that shares its thread with the engine has none.
    expect(turns).toBeGreaterThan(20);
  });

  it('that dies is started again with all that was committed, and cuts its connections', async () => {
    using scratch = scratchDirectory('engine');
    const { engine, pool, crashes } = await start({ dataDir: scratch.path });
    await pool.query('CREATE TABLE t AS SELECT 1 AS one');
    const errors: Error[] = [];
    const inside = await connect(engine, errors);
    await inside.query('BEGIN; UPDATE t SET one = 2');
    const running = expect(inside.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const waiting = expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually('it works', async () => (await engineIsBusy(engine)) || undefined);
    await engine.terminate();
    await Promise.all([running, waiting]);
    expect((await pool.query('SELECT one FROM t')).rows).toEqual([{ one: 1 }]);
    expect(crashes).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'ECONNRESET', cause: crashes[0] });
    expect((await engine.stats()).restarts).toBe(1);
  });

  it('that panics runs no statement more, and is tried again until the database opens', async () => {
    using scratch = scratchDirectory('engine');
    const { engine, pool, crashes } = await start({ dataDir: scratch.path });
    await pool.query('CREATE TABLE t (n int, filling text)');
    await pool.query('INSERT INTO t VALUES (1)');
    const log = join(scratch.path, 'cluster/pg_wal');
    await rename(log, `${log}.away`);
    const flood = "INSERT INTO t SELECT 2, repeat('x', 1000) FROM generate_series(1, 40000)";
    await expect(pool.query(flood)).rejects.toThrow(/pg_wal|not running/);
    await eventually('it has failed to start again', () => crashes.length >= 2, 30_000);
    expect(crashes[0]?.message).toMatch(/could not .* file "pg_wal/);
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await rename(`${log}.away`, log);
    await eventually('it is back', () => engine.stats().catch(() => undefined), 30_000);
    expect((await pool.query('SELECT n FROM t')).rows).toEqual([{ n: 1 }]);
  }, 90_000);

  it('that does not answer is ended by the watchdog, unless long statements are allowed', async () => {
    const { engine, pool, crashes } = await start({ pingEveryMs: 100, pingTimeoutMs: 2_000 });
    const patience = engine.allowLongStatements();
    await pool.query('SELECT pg_sleep(3)');
    patience[Symbol.dispose]();
    expect(crashes).toEqual([]);
    await expect(pool.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(crashes[0]).toMatchObject({ name: 'WorkerUnresponsive' });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('bounds its log and removes what is dead', async () => {
    using scratch = scratchDirectory('engine');
    const { engine, pool } = await start({ dataDir: scratch.path });
    await pool.query(
      "CREATE TABLE t AS SELECT n, repeat('x', 200) AS filling FROM generate_series(1, 20000) n",
    );
    for (let n = 0; n < 20; n++) await pool.query('UPDATE t SET n = n + 1');
    await eventually(
      'it has written a checkpoint',
      async () => (await engine.stats()).checkpoints > 0,
      30_000,
    );
    await pool.query('SELECT 1');
    await eventually('it has cleaned', async () => (await engine.stats()).vacuums > 0, 30_000);
    const { rows } = await pool.query(
      "SELECT n_dead_tup::int AS dead FROM pg_stat_user_tables WHERE relname = 't'",
    );
    expect(rows).toEqual([{ dead: 0 }]);
    const segments = await readdir(join(scratch.path, 'cluster/pg_wal'));
    expect(segments.length).toBeLessThan(120); // of 1 MB
  }, 90_000);

  it('keeps the process running for a connection that is open, and not without', async () => {
    const script = `
      import pg from 'pg';
      import { EmbeddedPostgres } from '#embedded-postgres';
      const engine = await EmbeddedPostgres.start({ dataDir: 'memory://' });
      const client = new pg.Client(engine.poolConfig());
      await client.connect();
      setTimeout(async () => {
        console.log(JSON.stringify((await client.query('SELECT 1 AS still')).rows));
        await client.end();
      }, 300).unref();`;
    await using child = run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../../..'),
    });
    await eventually('it has ended by itself', () => child.child.exitCode !== null, 30_000);
    expect(child.output()).toBe('[{"still":1}]\n');
  });
});

async function engineIsBusy(engine: EmbeddedPostgres): Promise<boolean> {
  const late = Symbol();
  const answer = engine.stats().catch(() => undefined);
  const first = await Promise.race([answer, new Promise((now) => setTimeout(now, 100, late))]);
  return first === late;
}
