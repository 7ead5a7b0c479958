import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

/** The keys cannot be used as they are: the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/** Key ids and their keys; the current one seals, the others still open. */
export interface Keys {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

const shape = z.strictObject({
  current: z.string(),
  keys: z.record(z.string().regex(/^[\da-f]{8}$/), z.base64().length(44)),
});

/**
 * Reads the key file.
 * @returns undefined when there is none.
 * @throws KeyFileError when others may read it or change what it is, or it holds no keys.
 */
export function readKeyFile(path: string): Keys | undefined {
  let text: string;
  try {
    checkModes(path);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = shape.safeParse(parseJson(text));
  const current = parsed.data?.current ?? '';
  const keys = new Map(
    Object.entries(parsed.data?.keys ?? {}).map(([id, key]) => [id, Buffer.from(key, 'base64')]),
  );
  if (!keys.has(current)) {
    throw new KeyFileError(
      `${path} does not hold keys as this program writes them. Put it back from a backup.`,
    );
  }
  return { current, keys };
}

/** Makes the first key, unless another process was faster: then nothing. */
export function createKeyFile(path: string, keys: Keys): void {
  write(path, keys, (draft) => {
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

export function replaceKeyFile(path: string, keys: Keys): void {
  write(path, keys, (draft) => {
    renameSync(draft, path);
  });
}

/** Whole or not at all, and flushed: what is sealed with a key that was lost is lost too. */
function write(path: string, { current, keys }: Keys, place: (draft: string) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const plain = {
    current,
    keys: Object.fromEntries([...keys].map(([id, key]) => [id, key.toString('base64')])),
  };
  writeFileSync(draft, `${JSON.stringify(plain, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  place(draft);
}

function checkModes(path: string): void {
  if (process.platform === 'win32') return;
  const file = statSync(path).mode & 0o777;
  if ((file & 0o077) !== 0) {
    throw new KeyFileError(
      `${path} can be read by others (mode ${octal(file)}). If nobody has: chmod 600 ${path}. Otherwise rotate the keys after that.`,
    );
  }
  const folder = statSync(dirname(path)).mode & 0o777;
  if ((folder & 0o022) !== 0) {
    throw new KeyFileError(
      `${dirname(path)} can be written by others (mode ${octal(folder)}), who could replace the keys in it: chmod 700 ${dirname(path)}`,
    );
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser would quote what it read.
    return undefined;
  }
}
