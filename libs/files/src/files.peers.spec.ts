import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DueSweep } from '#bus';
import { newId, type FileId, type MessageId } from '#model';
import { eventually, scratchDirectory } from '#peers';
import { StorageFull, type Database } from '#platform';
import { describeEngines, TestClock, testConfig, type TestDatabase } from '#platform/testing';
import { Broken } from './broken.js';
import { DiskFileStore } from './disk-file-store.js';
import { ContentGone } from './file-store.js';
import { FileSweep } from './file-sweep.js';
import { Files } from './files.service.js';
import type { Owner } from './files.store.js';
import { holdFiles, releaseFiles, releaseFilesOfAccounts, useFiles } from './uses.store.js';

const dayMs = 86_400_000;
const account = newId<'AccountId'>();

async function* come(...chunks: readonly (string | Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    if (chunk instanceof Error) throw chunk;
    yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
}

describeEngines('files', (open) => {
  let opened: TestDatabase;
  let database: Database;
  let scratch: ReturnType<typeof scratchDirectory>;
  let clock: TestClock;
  let store: DiskFileStore;
  let sweep: FileSweep;
  let files: Files;
  let alice: Owner;

  beforeEach(async () => {
    opened = await open();
    ({ database } = opened);
    scratch = scratchDirectory('files');
    clock = new TestClock(Date.now());
    store = new DiskFileStore(scratch.path);
    sweep = new FileSweep(database, store, new DueSweep(clock), clock);
    const config = testConfig(scratch.path, {
      PARLEY_FILE_MAX_BYTES: '1000000',
      PARLEY_FILE_QUOTA_BYTES: '2000000',
    });
    files = new Files(config, database, store, sweep, clock);
    alice = { workspace: newId(), person: newId() };
  });
  afterEach(async () => {
    await opened[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const take = (content: AsyncIterable<Uint8Array>, more: object = {}, owner = alice) =>
    files.receive({ ...owner, name: 'x.txt', content, ...more });
  const used = async (owner = alice) => (await files.usageOf(owner)).used;
  const rows = async (table: string) =>
    Number((await database.query<{ n: bigint }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);
  const use = async (file: FileId, message: MessageId = newId()) => {
    await database.transaction(async (sql) => {
      expect(await holdFiles(sql, [file])).toEqual(new Set([file]));
      await useFiles(sql, [{ message, account, file }]);
    });
    return message;
  };
  const release = (...messages: MessageId[]) => database.transaction((sql) => releaseFiles(sql, messages));
  const isThere = async (text: string) => {
    try {
      (await store.open(createHash('sha256').update(text).digest())).destroy();
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(ContentGone);
      return false;
    }
  };

  describe('coming in', () => {
    it('are what they are, and count by their bytes', async () => {
      const file = await take(come('hello ', 'file'), { name: '../x.txt', mediaType: 'image/png' });
      expect(file).toMatchObject({ name: 'x.txt', mediaType: 'text/plain', size: 10, ...alice });
      expect(await used()).toBe(10);
      expect((await files.find(alice.workspace, [file.id])).get(file.id)).toEqual(file);
      expect((await files.find(newId(), [file.id])).size).toBe(0);
      expect((await files.listOf(alice, undefined, 10)).map(({ id }) => id)).toEqual([file.id]);
    });

    it.each<[string, () => [AsyncIterable<Uint8Array>, object?], unknown]>([
      ['larger than any may be', () => [come(new Uint8Array(600_000), new Uint8Array(600_000))], 413],
      ['said to be larger than any may be', () => [come('x'), { size: 1_000_001 }], 413],
      ['larger than they said', () => [come('hello ', 'file'), { size: 9 }], 413],
      ['smaller than they said', () => [come('hello'), { size: 9 }], Broken],
      ['broken off', () => [come('hello', new Error('cut'))], Broken],
      ['given up', () => [come('hello'), { signal: AbortSignal.abort() }], Broken],
    ])('%s leave nothing', async (_, what, failure) => {
      const [content, more] = what();
      const error: unknown = await take(content, more).catch((thrown: unknown) => thrown);
      if (typeof failure === 'number')
        expect(error).toMatchObject({ status: failure, code: 'file-too-large' });
      else expect(error).toBeInstanceOf(failure);
      expect([await rows('file'), await used()]).toEqual([0, 0]);
      expect(await rows('file_content')).toBe(0);
    });

    it('that hang are given up at once when they are asked to', async () => {
      const stop = new AbortController();
      const hangs = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
      const taking = take(hangs, { signal: stop.signal });
      stop.abort();
      await expect(taking).rejects.toBeInstanceOf(Broken);
      expect([await rows('file'), await used()]).toEqual([0, 0]);
    });

    it('at once stay within the quota together, and use all of it', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          take(
            come(Buffer.alloc(300_000, index), Buffer.alloc(200_000, index)),
            index % 2 ? { size: 500_000 } : {},
          ),
        ),
      );
      const good = results.filter(({ status }) => status === 'fulfilled').length;
      const bad = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      expect(good).toBeGreaterThanOrEqual(1);
      expect(good).toBeLessThanOrEqual(4);
      for (const reason of bad) expect(reason).toMatchObject({ status: 409, code: 'quota-exceeded' });
      expect(await used()).toBe(good * 500_000);
      // What others had reserved and did not use is free again.
      for (let more = good; more < 4; more++) await take(come(Buffer.alloc(500_000, 100 + more)));
      expect(await used()).toBe(2_000_000);
      await expect(take(come('x'))).rejects.toMatchObject({
        code: 'quota-exceeded',
        more: { members: { quota: 2_000_000, used: 2_000_000 } },
      });
      expect((await take(come('x'), {}, { ...alice, person: newId() })).size).toBe(1);
    });

    it('with the same content are several files and one content', async () => {
      const [one, two] = await Promise.all([take(come('same')), take(come('sa', 'me'))]);
      expect(one.hash).toEqual(two.hash);
      expect([await rows('file'), await rows('file_content'), await used()]).toEqual([2, 1, 8]);
    });

    it('that died with their process give back their room, and the living keep theirs', async () => {
      let begun = false;
      let go = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (go = resolve));
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('one');
        begun = true;
        await waiting;
        yield Buffer.from('two');
        yield Buffer.from('three');
      }
      const dead = take(slow());
      await eventually('it has begun', () => begun);
      expect(await used()).toBeGreaterThan(0);
      clock.advance(14 * 60_000);
      await sweep.run();
      expect(await rows('file')).toBe(1);
      clock.advance(2 * 60_000);
      await sweep.run();
      expect([await rows('file'), await used()]).toEqual([0, 0]);
      go();
      await expect(dead).rejects.toBeInstanceOf(Broken);
      expect([await rows('file'), await used()]).toEqual([0, 0]);
    });

    it('say so where the disk is full, and leave nothing', async () => {
      const full = Object.assign(new DiskFileStore(scratch.path), {
        put: async (content: AsyncIterable<Uint8Array>) => {
          let bytes = 0;
          for await (const chunk of content) bytes += chunk.byteLength;
          throw new StorageFull({ cause: bytes });
        },
      });
      const tight = new Files(testConfig(scratch.path), database, full, sweep, clock);
      await expect(tight.receive({ ...alice, name: 'x', content: come('x') })).rejects.toBeInstanceOf(
        StorageFull,
      );
      expect([await rows('file'), await used()]).toEqual([0, 0]);
    });
  });

  describe('leaving', () => {
    it('go a day later where no message carries them, their content with them', async () => {
      await take(come('unused'));
      clock.advance(dayMs - 1);
      await sweep.run();
      expect(await isThere('unused')).toBe(true);
      clock.advance(2);
      await sweep.run();
      expect([await rows('file'), await rows('file_content'), await used()]).toEqual([0, 0, 0]);
      expect(await isThere('unused')).toBe(false);
    });

    it('stay while a message carries them, and go with the last one', async () => {
      const { id } = await take(come('carried'));
      const [one, two] = [await use(id), await use(id)];
      clock.advance(10 * dayMs);
      await sweep.run();
      await release(one);
      await sweep.run();
      expect(await isThere('carried')).toBe(true);
      await release(two);
      await sweep.run();
      expect([await rows('file'), await isThere('carried'), await used()]).toEqual([0, false, 0]);
    });

    it('stay with their content while another file has it', async () => {
      const [one, two] = [await take(come('twice')), await take(come('twice'))];
      await files.remove(alice, one.id);
      await sweep.run();
      expect([await rows('file'), await isThere('twice')]).toEqual([1, true]);
      await files.remove(alice, two.id);
      await sweep.run();
      expect([await rows('file_content'), await isThere('twice')]).toEqual([0, false]);
    });

    it('are deleted by their owner only, and not while a message carries them', async () => {
      const { id } = await take(come('mine'));
      await expect(files.remove({ ...alice, person: newId() }, id)).rejects.toMatchObject({ status: 404 });
      await expect(files.remove({ ...alice, workspace: newId() }, id)).rejects.toMatchObject({ status: 404 });
      const message = await use(id);
      await expect(files.remove(alice, id)).rejects.toMatchObject({ status: 409, code: 'file-in-use' });
      await release(message);
      await files.remove(alice, id);
      await expect(files.remove(alice, id)).rejects.toMatchObject({ status: 404 });
    });

    it('go with the account whose messages carried them', async () => {
      const { id } = await take(come('of an account'));
      await use(id);
      await database.transaction((sql) => releaseFilesOfAccounts(sql, [account]));
      await sweep.run();
      expect(await rows('file')).toBe(0);
    });

    it('are kept by messages that name them still', async () => {
      const [one, two] = [await take(come('one')), await take(come('two'))];
      const message = await use(one.id);
      await use(two.id, message);
      await database.transaction((sql) => releaseFiles(sql, [message], [two.id]));
      await sweep.run();
      expect((await files.listOf(alice, undefined, 10)).map(({ id }) => id)).toEqual([two.id]);
    });

    it('can be carried by no message once they are gone', async () => {
      const { id } = await take(come('gone'));
      await files.remove(alice, id);
      await database.transaction(async (sql) => {
        expect(await holdFiles(sql, [id])).toEqual(new Set());
      });
    });

    it('never leave a file without its bytes, whoever comes and goes at once', async () => {
      for (let round = 0; round < 15; round++) {
        const { id } = await take(come('contested'));
        const [, , second] = await Promise.all([
          files.remove(alice, id).then(() => sweep.run()),
          sweep.run(),
          take(come('contested')),
          sweep.run(),
        ]);
        await sweep.run();
        expect(await isThere('contested')).toBe(true);
        await files.remove(alice, second.id);
        await sweep.run();
        expect([await rows('file'), await rows('file_content')]).toEqual([0, 0]);
      }
    });

    it('whose bytes went with a process that died before it said so are taken anew', async () => {
      const { id, hash } = await take(come('half gone'));
      await files.remove(alice, id);
      await store.delete(hash);
      await take(come('half gone'));
      await sweep.run();
      expect(await isThere('half gone')).toBe(true);
    });
  });
});
