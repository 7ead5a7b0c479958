/*
 * files/incoming/<random>            what is being taken in
 * files/<first two digits>/<hash>    content, named by its SHA-256 in hexadecimal
 *
 * Nothing that anybody sent is part of a path. Content is written under a random name, flushed, renamed to its hash and
 * the folder flushed: a power cut leaves whole content or none. Two who bring the same content at once rename one over
 * the other; the bytes are the same.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { StorageFull } from '#platform';
import { ContentGone, FileStore, type ByteRange, type WholeContent } from './file-store.js';

/** Files in a directory of this machine, or one that several machines share. */
export class DiskFileStore extends FileStore {
  readonly #incoming: string;

  /** @param root made at the first use, for its user only */
  constructor(private readonly root: string) {
    super();
    this.#incoming = join(root, 'incoming');
  }

  async put(
    content: AsyncIterable<Uint8Array>,
    agree?: (whole: WholeContent) => Promise<void>,
  ): Promise<WholeContent> {
    const draft = join(this.#incoming, randomBytes(16).toString('hex'));
    try {
      const whole = await this.#write(draft, content);
      await agree?.(whole);
      const folder = this.#folderOf(whole.hash);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await rename(draft, this.#pathOf(whole.hash));
      await flush(folder);
      return whole;
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw isNoSpace(error) ? new StorageFull({ cause: error }) : error;
    }
  }

  async #write(draft: string, content: AsyncIterable<Uint8Array>): Promise<WholeContent> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await using file = await held(draft, 'wx');
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.byteLength;
      await writeAll(file.handle, chunk);
    }
    await file.handle.sync();
    return { hash: hash.digest(), size };
  }

  async open(hash: Uint8Array, range?: ByteRange): Promise<Readable> {
    const stream = createReadStream(this.#pathOf(hash), { ...range });
    try {
      await once(stream, 'open');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new ContentGone({ cause: error });
      throw error;
    }
    return stream;
  }

  async delete(hash: Uint8Array): Promise<void> {
    await rm(this.#pathOf(hash), { force: true });
  }

  async tidy(before: number): Promise<void> {
    let names: string[];
    try {
      names = await readdir(this.#incoming);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    for (const name of names) {
      const path = join(this.#incoming, name);
      // One that has just been renamed is nobody's business here.
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < before) await rm(path, { force: true });
    }
  }

  #folderOf(hash: Uint8Array): string {
    return join(this.root, hexOf(hash).slice(0, 2));
  }

  #pathOf(hash: Uint8Array): string {
    return join(this.#folderOf(hash), hexOf(hash));
  }
}

async function held(path: string, flags: string): Promise<AsyncDisposable & { readonly handle: FileHandle }> {
  const handle = await open(path, flags, 0o600);
  return { handle, [Symbol.asyncDispose]: () => handle.close() };
}

/** A write may take less than it is given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.byteLength;) {
    from += (await handle.write(chunk, from)).bytesWritten;
  }
}

/** A name is on the disk when its folder is. Some file systems flush no folders: then they need it not, or cannot. */
async function flush(folder: string): Promise<void> {
  try {
    await using file = await held(folder, 'r');
    await file.handle.sync();
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EPERM', 'ENOTSUP'].includes(codeOf(error))) throw error;
  }
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
}

function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}
