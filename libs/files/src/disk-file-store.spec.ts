import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { describeFileStore } from '#files/testing';
import { scratchDirectory } from '#peers';
import { DiskFileStore } from './disk-file-store.js';

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function openStore() {
  const scratch = scratchDirectory('files');
  const root = join(scratch.path, 'files');
  const count = () => ({
    half: namesIn(join(root, 'incoming')).length,
    whole: namesIn(root)
      .filter((name) => name !== 'incoming')
      .flatMap((name) => namesIn(join(root, name))).length,
  });
  return {
    root,
    store: new DiskFileStore(root),
    count: () => Promise.resolve(count()),
    [Symbol.asyncDispose]: () => {
      scratch[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

describeFileStore('on disk', () => Promise.resolve(openStore()));

it('keeps files on disk to its own user', async () => {
  await using opened = openStore();
  const content = (async function* () {
    await Promise.resolve();
    yield Buffer.from('x');
  })();
  const { hash } = await opened.store.put(content);
  const name = hash.toString('hex');
  const modes = [
    opened.root,
    join(opened.root, name.slice(0, 2)),
    join(opened.root, name.slice(0, 2), name),
  ].map((path) => statSync(path).mode & 0o077);
  expect(modes).toEqual([0, 0, 0]);
});
