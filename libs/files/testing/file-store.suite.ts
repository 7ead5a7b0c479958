import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ContentGone, type FileStore } from '#files';

/** A store for one test, and how it is cleared away. */
export interface OpenStore extends AsyncDisposable {
  readonly store: FileStore;
  /** How many contents are there, and how much that is half written. */
  count(): Promise<{ readonly whole: number; readonly half: number }>;
}

async function* come(...chunks: readonly (Uint8Array | string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    if (chunk instanceof Error) throw chunk;
    yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What every store of files keeps to. */
export function describeFileStore(name: string, open: () => Promise<OpenStore>): void {
  describe(`the file store ${name}`, () => {
    let opened: OpenStore;
    let store: FileStore;
    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterEach(async () => {
      await opened[Symbol.asyncDispose]();
    });

    it('gives back what it took, by its hash', async () => {
      const whole = await store.put(come('hello ', 'file'));
      expect(whole).toEqual({ hash: sha256('hello file'), size: 10 });
      expect(await textOf(await store.open(whole.hash))).toBe('hello file');
    });

    it('takes content of no bytes', async () => {
      const { hash, size } = await store.put(come());
      expect([size, await textOf(await store.open(hash))]).toEqual([0, '']);
    });

    it('gives a stretch, both ends counted', async () => {
      const { hash } = await store.put(come('0123456789'));
      const stretch = async (start: number, end: number) => textOf(await store.open(hash, { start, end }));
      expect([await stretch(0, 0), await stretch(3, 5), await stretch(9, 9)]).toEqual(['0', '345', '9']);
    });

    it('keeps the same content once, brought by many at once or one after another', async () => {
      const put = () => store.put(come('the ', 'same'));
      const all = await Promise.all(Array.from({ length: 10 }, put));
      await put();
      expect(new Set(all.map(({ hash }) => hash.toString('hex'))).size).toBe(1);
      expect(await opened.count()).toEqual({ whole: 1, half: 0 });
    });

    it('keeps nothing of content that broke off', async () => {
      await expect(store.put(come('half of ', new Error('cut')))).rejects.toThrow('cut');
      expect(await opened.count()).toEqual({ whole: 0, half: 0 });
    });

    it('asks before content can be found, and keeps nothing where the answer is an error', async () => {
      const refused = store.put(come('x'), async ({ hash, size }) => {
        expect(size).toBe(1);
        await expect(store.open(hash)).rejects.toBeInstanceOf(ContentGone);
        throw new Error('no');
      });
      await expect(refused).rejects.toThrow('no');
      expect(await opened.count()).toEqual({ whole: 0, half: 0 });
    });

    it('lets go of the content’s source when it is not read to its end', async () => {
      let closed = false;
      async function* endless(): AsyncGenerator<Uint8Array> {
        try {
          for (let i = 0; ; i++) {
            await Promise.resolve();
            if (i > 3) throw new Error('enough');
            yield randomBytes(1_000);
          }
        } finally {
          closed = true;
        }
      }
      await expect(store.put(endless())).rejects.toThrow('enough');
      expect(closed).toBe(true);
    });

    it('says of what is not there that it is gone', async () => {
      await expect(store.open(sha256('nobody'))).rejects.toBeInstanceOf(ContentGone);
      const { hash } = await store.put(come('x'));
      await store.delete(hash);
      await expect(store.open(hash)).rejects.toBeInstanceOf(ContentGone);
    });

    it('deletes what is not there without complaint, and takes it anew', async () => {
      const { hash } = await store.put(come('x'));
      await store.delete(hash);
      await store.delete(hash);
      await store.put(come('x'));
      expect(await textOf(await store.open(hash))).toBe('x');
    });

    it('reads to its end what is deleted meanwhile', async () => {
      const bytes = randomBytes(1_000_000);
      const { hash } = await store.put(come(bytes));
      const stream = await store.open(hash);
      await store.delete(hash);
      let read = 0;
      for await (const chunk of stream) read += (chunk as Buffer).length;
      expect(read).toBe(bytes.length);
    });

    it('clears away what a dead process left half written, and nothing younger', async () => {
      let go = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (go = resolve));
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        await waiting;
      }
      const putting = store.put(slow());
      while ((await opened.count()).half === 0) await new Promise((again) => setImmediate(again));
      await store.tidy(Date.now() - 60_000);
      expect((await opened.count()).half).toBe(1);
      await store.tidy(Date.now() + 60_000);
      expect((await opened.count()).half).toBe(0);
      go();
      await putting.catch(() => undefined);
    });

    it('has nothing to clear away before it was used', async () => {
      await store.tidy(Date.now());
    });
  });
}
