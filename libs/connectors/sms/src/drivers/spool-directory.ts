/*
 * One modem's directory below the operator's, and nothing outside it: whoever else may write there must not lead us
 * elsewhere, so no link is followed, nothing but plain files is opened, and no more is read than a text can be long.
 */
import { constants, watch, type FSWatcher } from 'node:fs';
import { access, lstat, open, opendir, realpath, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, type Failure } from '#model';
import type { SpoolBoxes, SpoolFile } from './spool-program.js';

/** Bytes; 255 parts of a text are 35,700. */
const mostBytes = 131_072;
/** Names looked at in one directory at a time, and of these kept in mind. */
const mostLooked = 50_000;
const mostKept = 5_000;
const temporary = '.putting-';

/** The directory is not what it must be; the message is a sentence for the person. */
export class SpoolTrouble extends Error {
  override readonly name = 'SpoolTrouble';
}

/** A file as it was seen: the same as long as nobody has written to it. */
export interface Seen {
  readonly name: string;
  readonly mark: string;
  readonly at: Date;
}

export class SpoolDirectory {
  readonly #root: string;
  readonly #name: string;
  readonly #path: string;
  readonly #boxes: SpoolBoxes;

  /** @param root of all modems, as the operator named it; @param name of this one's: no dots, no slashes. */
  constructor(root: string, name: string, boxes: SpoolBoxes) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
      throw new SpoolTrouble('That is no name of a directory.');
    this.#root = root;
    this.#name = name;
    this.#path = join(root, name);
    this.#boxes = boxes;
  }

  /** Sees that every directory is there and is itself: none may be a link to somewhere else. */
  async check(): Promise<void> {
    const root = await realpath(this.#root).catch(() => undefined);
    if (root === undefined)
      throw new SpoolTrouble('The directory for modems is not there; ask the operator of the server.');
    const name = this.#name;
    await directory(join(root, name), name);
    const { outgoing, sent, failed, incoming, between } = this.#boxes;
    for (const box of [outgoing, sent, failed, ...incoming.slice(-1)]) {
      await directory(join(root, name, box), `${name}/${box}`);
    }
    // Not every setting of the program has these.
    for (const box of [between, ...incoming.slice(0, -1)]) {
      if (box !== undefined && (await this.#has(box)))
        await directory(join(root, name, box), `${name}/${box}`);
    }
  }

  /** Takes away what an earlier process left half-written. */
  async sweep(): Promise<void> {
    for await (const { name } of await opendir(this.#path)) {
      if (name.startsWith(temporary)) await unlink(join(this.#path, name)).catch(ignoreGone);
    }
  }

  /**
   * The plain files of a directory whose names are wanted, oldest names first; nothing where it is not there.
   * @returns also how many entries it has, as far as they were looked at
   */
  async list(
    box: string,
    wanted: (name: string) => boolean,
  ): Promise<{ readonly files: readonly Seen[]; readonly entries: number }> {
    const files: Seen[] = [];
    let entries = 0;
    const opened = await opendir(join(this.#path, box)).catch(gone);
    if (opened === undefined) return { files, entries };
    for await (const { name } of opened) {
      if (++entries > mostLooked) break;
      if (files.length >= mostKept || !wanted(name)) continue;
      const stat = await lstat(join(this.#path, box, name)).catch(gone);
      if (stat?.isFile() === true) files.push({ name, mark: markOf(stat), at: stat.mtime });
    }
    return { files: files.sort((one, other) => (one.name < other.name ? -1 : 1)), entries };
  }

  /** The file as it was seen; undefined where it is gone, has changed since, or is longer than any text. */
  async read(box: string, { name, mark }: Seen): Promise<SpoolFile | undefined> {
    // Without O_NONBLOCK a pipe under that name would be waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(this.#path, box, name), flags).catch(gone);
    if (file === undefined) return undefined;
    try {
      const stat = await file.stat();
      if (!stat.isFile() || markOf(stat) !== mark || stat.size > mostBytes) return undefined;
      const octets = Buffer.alloc(stat.size);
      let length = 0;
      while (length < octets.length) {
        const { bytesRead } = await file.read(octets, length, octets.length - length, length);
        if (bytesRead === 0) return undefined;
        length += bytesRead;
      }
      return { name, octets };
    } finally {
      await file.close();
    }
  }

  /** Takes a file away, if it is still the one that was seen. */
  async remove(box: string, { name, mark }: Seen): Promise<void> {
    const path = join(this.#path, box, name);
    const stat = await lstat(path).catch(gone);
    if (stat !== undefined && markOf(stat) === mark) await unlink(path).catch(ignoreGone);
  }

  /** Gives a file another name in the same directory. */
  async rename(box: string, from: string, to: string): Promise<void> {
    await rename(join(this.#path, box, from), join(this.#path, box, to)).catch(ignoreGone);
  }

  /**
   * Puts a file where the program takes it from: whole, on disk, and under its name at once. One that is there already, or
   * on its way from there, is left as it is: it has been put by an earlier try.
   */
  async put({ name, octets }: SpoolFile): Promise<void> {
    const { outgoing, between, sent, failed } = this.#boxes;
    // In the order in which the program moves it, so that none is missed in between.
    for (const box of [outgoing, between, sent, failed]) {
      if (box !== undefined && (await this.#has(box, name))) return;
    }
    // Beside the directories: programs take whatever lies in them.
    const young = join(this.#path, temporary + name);
    await unlink(young).catch(ignoreGone);
    const file = await open(young, 'wx', 0o660);
    try {
      await file.writeFile(octets);
      // The program runs as somebody else of the directory's group, whatever our mask is.
      await file.chmod(0o660);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(young, join(this.#path, outgoing, name));
    const box = await open(join(this.#path, outgoing), constants.O_RDONLY);
    await box.sync().finally(() => box.close());
  }

  /** Tells when something changes in the directories that the program writes to: a hint, which may stay away. */
  watch(changed: () => void): () => void {
    const { sent, failed, incoming } = this.#boxes;
    const watchers: FSWatcher[] = [];
    for (const box of [sent, failed, ...incoming]) {
      try {
        const watcher = watch(join(this.#path, box), { persistent: false }, changed);
        watchers.push(watcher.on('error', () => undefined));
      } catch {
        // There may be no more watches, or no such directory.
      }
    }
    return () => {
      for (const watcher of watchers) watcher.close();
    };
  }

  async #has(box: string, name = ''): Promise<boolean> {
    return (await lstat(join(this.#path, box, name)).catch(gone)) !== undefined;
  }
}

async function directory(path: string, name: string): Promise<void> {
  const stat = await lstat(path).catch(gone);
  if (stat === undefined) throw new SpoolTrouble(`The directory ${name} is not there.`);
  // A link's target is not asked for: wherever it leads, it leads elsewhere.
  if (!stat.isDirectory())
    throw new SpoolTrouble(`${name} must be a directory of its own, not a link or a file.`);
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** What is wrong with a directory, as far as it can be told. */
export function troubleOf(error: unknown): Failure {
  if (error instanceof SpoolTrouble) return failure('not-found', error.message, 'ask-person');
  const code = codeOf(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return failure('not-allowed', 'The server may not write to the modem’s directory.');
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return failure('storage-unavailable', 'There is no room left in the modem’s directory.');
  }
  return failure('network-unreachable', 'The modem’s directory cannot be read or written.');
}

function markOf(stat: { readonly ino: number; readonly size: number; readonly mtimeMs: number }): string {
  return `${String(stat.ino)} ${String(stat.size)} ${String(stat.mtimeMs)}`;
}

function gone(error: unknown): undefined {
  if (isCode(error, 'ENOENT') || isCode(error, 'ELOOP') || isCode(error, 'ENXIO')) return undefined;
  throw error;
}

function ignoreGone(error: unknown): void {
  if (!isCode(error, 'ENOENT')) throw error;
}

function isCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/** The system's own word for what went wrong. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
