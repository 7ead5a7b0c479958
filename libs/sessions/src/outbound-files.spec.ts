import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { ContentGone, type Files } from '#files';
import { newId } from '#model';
import { readFile } from './outbound-files.js';

const [workspace, account, file] = [newId<'WorkspaceId'>(), newId<'AccountId'>(), newId<'FileId'>()];
const asked = { workspace, account, file };
const stored = { id: file, name: 'a.txt', mediaType: 'text/plain', size: 5, hash: Buffer.alloc(32) };

/** A house with one file; what is asked of it is answered otherwise where `more` says so. */
const files = (more: Partial<Record<'isCarried' | 'find' | 'open', () => unknown>> = {}): Files =>
  ({
    isCarried: (id: unknown, accounts: readonly unknown[]) =>
      Promise.resolve(more.isCarried?.() ?? (id === file && accounts.includes(account))),
    find: (where: unknown) =>
      Promise.resolve(more.find?.() ?? new Map(where === workspace ? [[file, stored]] : [])),
    open: () =>
      Promise.resolve().then(() => more.open?.() ?? Readable.from([Buffer.from('hel'), Buffer.from('lo')])),
  }) as unknown as Files;

function logs() {
  const warned: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: unknown, what: string) => warned.push(what),
  };
  return { warned, log };
}

describe('a file that is handed to a network', () => {
  it('is what the house knows of it, with its bytes as they are taken', async () => {
    const read = await readFile(files(), logs().log, asked);
    expect(read).toMatchObject({ name: 'a.txt', mediaType: 'text/plain', size: 5 });
    const chunks: Uint8Array[] = [];
    for await (const chunk of read?.content ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('hello');
  });

  it('is none where no message of the account carries it, or it is another workspace’s', async () => {
    expect(await readFile(files(), logs().log, { ...asked, account: newId<'AccountId'>() })).toBeUndefined();
    expect(
      await readFile(files(), logs().log, { ...asked, workspace: newId<'WorkspaceId'>() }),
    ).toBeUndefined();
  });

  it('is none where its content is gone or cannot be read; only the latter is worth a warning', async () => {
    const fails = (error: Error) => ({
      open: () => {
        throw error;
      },
    });
    const { warned, log } = logs();
    expect(await readFile(files(fails(new ContentGone())), log, asked)).toBeUndefined();
    expect(warned).toEqual([]);
    expect(await readFile(files(fails(new Error('hush'))), log, asked)).toBeUndefined();
    expect(warned).toEqual(['a file could not be read']);
  });
});
