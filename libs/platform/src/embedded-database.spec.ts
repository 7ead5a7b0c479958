import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { DataDirectoryLocked, EmbeddedPostgres } from '#embedded-postgres';
import { eventually, scratchDirectory } from '#peers';
import { TestClock } from '#platform/testing';
import { SystemClock } from './clock.js';
import { isUnavailable } from './database.errors.js';
import { engineOver, postgresEngine, startEngine } from './engine.js';
import { MigrationError } from './migrations.js';
import { openDatabase } from './open-database.js';

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory('embedded');
});
afterEach(() => {
  scratch[Symbol.dispose]();
});

const config = () => ({ databaseUrl: undefined, dataDir: scratch.path });
const open = async () => await openDatabase(await startEngine(config()), new SystemClock());

describe('the embedded database', () => {
  it('is made and migrated at the first start, and found again at the second', async () => {
    const first = await open();
    await first.prisma.setup.create({ data: { codeHash: Buffer.from([7]) } });
    await first.close();
    const second = await open();
    expect(await second.prisma.setup.count()).toBe(1);
    expect(second.engine).toBe('embedded');
    await second.close();
  });

  it('belongs to one process, and says who has it', async () => {
    const first = await open();
    const again = open();
    await expect(again).rejects.toThrow(DataDirectoryLocked);
    await expect(again).rejects.toThrow(`pid ${String(process.pid)}`);
    expect(await first.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.close();
  });

  it('comes back after a crash with all that was committed, and is unavailable meanwhile', async () => {
    const postgres = await EmbeddedPostgres.start({ dataDir: join(scratch.path, 'postgres') });
    const database = await openDatabase(engineOver(postgres), new SystemClock());
    await database.prisma.setup.create({ data: { codeHash: Buffer.from([7]) } });
    const midway = database
      .transaction(async (sql) => {
        await sql.query('UPDATE setup SET code_hash = $1', [Buffer.from([8])]);
        await postgres.terminate();
        await sql.query('SELECT 1');
      })
      .catch((error: unknown) => error);
    const error = await midway;
    expect({ error, unavailable: isUnavailable(error) }).toMatchObject({ unavailable: true });
    await eventually('it answers again', () =>
      database.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    );
    expect(await database.query('SELECT code_hash FROM setup')).toEqual([{ code_hash: Buffer.from([7]) }]);
    await database.close();
  });

  it('is closed again when its tables cannot be brought up to date', async () => {
    const broken = { name: '1_broken', sql: 'nonsense', checksum: '' };
    const opening = openDatabase(await startEngine(config()), new SystemClock(), { migrations: [broken] });
    await expect(opening).rejects.toThrow(MigrationError);
    await (await open()).close();
  });
});

describe('a database server that does not answer yet', () => {
  it('is waited for, and not for ever', async () => {
    const clock = new TestClock();
    const opening = openDatabase(postgresEngine('postgresql://alice@127.0.0.1:1/x'), clock, {
      patienceMs: 2_500,
    });
    let ended = false;
    const error = opening
      .catch((caught: unknown) => caught)
      .finally(() => {
        ended = true;
      });
    let tries = 0;
    await eventually('it has given up', () => {
      if (clock.waiting > 0) {
        tries++;
        clock.advance(1_000);
      }
      return ended;
    });
    expect(tries).toBe(3);
    expect(isUnavailable(await error)).toBe(true);
  });
});
