import { describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { scratchDirectory } from '#peers';
import { describeEngines } from '#platform/testing';
import { migrate, MigrationError, readMigrations, type Migration } from './migrations.js';

const migration = (name: string, sql: string): Migration => ({
  name,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
});
const released = readMigrations();
const first = migration('29990101000000_first', 'CREATE TABLE one (a int);\nCREATE TABLE two (a int);');
const second = migration('29990102000000_second', 'ALTER TABLE one ADD COLUMN b int;');

describeEngines('migrations', (open, engine) => {
  it('are applied in order, each once', async () => {
    await using test = await open();
    expect(await migrate(test.engine, [...released, first])).toEqual([first.name]);
    expect(await migrate(test.engine, [...released, first, second])).toEqual([second.name]);
    expect(await migrate(test.engine, [...released, first, second])).toEqual([]);
    expect(await test.database.query('SELECT a, b FROM one')).toEqual([]);
    expect(
      await test.database.query(
        `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, applied_steps_count AS steps
         FROM _prisma_migrations ORDER BY migration_name DESC LIMIT 1`,
      ),
    ).toEqual([{ migration_name: second.name, checksum: second.checksum, finished: true, steps: 1 }]);
  });

  it('leave nothing behind when they fail, and say which one, where and why', async () => {
    await using test = await open();
    const broken = migration(
      '29990103000000_broken',
      'CREATE TABLE three (a int);\n\nCREATE TABLE one (b nonsense);',
    );
    await expect(migrate(test.engine, [...released, first, broken, second])).rejects.toThrow(
      /29990103000000_broken failed at line 3: type "nonsense" does not exist/,
    );
    const tables = await test.database.query(
      `SELECT tablename FROM pg_tables WHERE tablename IN ('one', 'three')`,
    );
    expect(tables).toEqual([{ tablename: 'one' }]);
    // Mended, it goes on where it stopped.
    expect(await migrate(test.engine, [...released, first, { ...second, name: broken.name }])).toEqual([
      broken.name,
    ]);
  });

  it('refuse one that was edited after it was applied', async () => {
    await using test = await open();
    await migrate(test.engine, [...released, first]);
    const edited = migration(first.name, `${first.sql} -- better`);
    const failing = migrate(test.engine, [...released, edited, second]);
    await expect(failing).rejects.toThrow(MigrationError);
    await expect(failing).rejects.toThrow(/29990101000000_first was edited after it had been applied/);
  });

  it('refuse a database that is newer than the code', async () => {
    await using test = await open();
    await migrate(test.engine, [...released, first, second]);
    await expect(migrate(test.engine, [...released, first])).rejects.toThrow(
      /database is newer than this program: it has had 29990102000000_second,/,
    );
  });

  it('refuse one that another tool left unfinished, and not one that it rolled back', async () => {
    await using test = await open();
    const row = (name: string, column: string) =>
      test.database.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name${column}) VALUES (gen_random_uuid(), '', $1${column && ', now()'})`,
        [name],
      );
    await row(first.name, ', rolled_back_at');
    expect(await migrate(test.engine, [...released, first])).toEqual([first.name]);
    await row(second.name, '');
    await expect(migrate(test.engine, [...released, first, second])).rejects.toThrow(
      /29990102000000_second was begun by another tool and never finished/,
    );
  });

  if (engine === 'postgres') {
    it('are applied once by processes that start together', async () => {
      await using test = await open();
      const all = await Promise.all([1, 2, 3].map(() => migrate(test.engine, [...released, first, second])));
      expect(all.flat()).toEqual([first.name, second.name]);
    });
  }

  it('leave tables that hold what the typed client expects', async () => {
    await using test = await open();
    expect(await test.database.prisma.setup.findMany()).toEqual([]);
    const [words] = await test.database.query(
      `SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%USING gin (words)'`,
    );
    expect(words).toBeDefined();
  });
});

describe('the migrations of a checkout', () => {
  it('are read in order of their names, whatever ends their lines', () => {
    using scratch = scratchDirectory('migrations');
    for (const [name, sql] of [
      ['2_b', 'SELECT 2;\r\nSELECT 3;\r\n'],
      ['1_a', 'SELECT 1;\n'],
    ] as const) {
      mkdirSync(join(scratch.path, name));
      writeFileSync(join(scratch.path, name, 'migration.sql'), sql);
    }
    mkdirSync(join(scratch.path, '3_empty'));
    expect(readMigrations(scratch.path)).toEqual([
      migration('1_a', 'SELECT 1;\n'),
      migration('2_b', 'SELECT 2;\nSELECT 3;\n'),
    ]);
  });

  it('are missed when there are none', () => {
    expect(() => readMigrations('/nowhere')).toThrow(MigrationError);
  });
});
