import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/**
 * An empty, initialised cluster as a gzipped tar. A first start unpacks it instead of running initdb, which takes
 * seconds. It fits the exact version of PGlite that made it. Blocks the calling thread while it is made.
 */
export async function prepareArchive(): Promise<Uint8Array> {
  const { PGlite } = await import('@electric-sql/pglite');
  const { initialisation, parameters } = await import('./parameters.js');
  const database = await PGlite.create({
    initDbStartParams: initialisation,
    startParams: parameters(PGlite.defaultStartParams),
  });
  // Nobody makes databases from the templates. Left in place, they would be most of what is unpacked, and their rows,
  // which cannot be frozen from outside, would one day stop the whole engine for want of transaction ids.
  await database.exec("UPDATE pg_database SET datistemplate = false WHERE datname LIKE 'template_'");
  for (const template of ['template0', 'template1']) await database.exec(`DROP DATABASE ${template}`);
  await database.exec('VACUUM (FREEZE, ANALYZE)');
  await database.exec('CHECKPOINT');
  const tar = await database.dumpDataDir('none');
  const archive = gzipSync(new Uint8Array(await tar.arrayBuffer()));
  await database.close();
  return archive;
}

/**
 * Makes a cluster from an archive, whole or not at all: it is unpacked beside its place and then renamed, so that a
 * start that was cut off begins again. Blocks the calling thread: a thousand small files are written in half the time.
 */
export function unpackCluster(archive: Uint8Array, cluster: string): void {
  const staging = `${cluster}.new`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  const made = new Set([staging]);
  for (const { name, body } of tarEntries(gunzipSync(archive))) {
    const path = join(staging, name);
    if (!path.startsWith(staging)) throw new Error(`the archive reaches outside: ${name}`);
    // The process that was copied held its cluster by this file; nobody holds the copy.
    if (name.endsWith('/postmaster.pid')) continue;
    const directory = body === undefined ? path : dirname(path);
    if (!made.has(directory)) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      made.add(directory);
    }
    if (body !== undefined) writeFileSync(path, body, { mode: 0o600 });
  }
  if (!existsSync(join(staging, 'PG_VERSION'))) throw new Error('the archive holds no database');
  renameSync(staging, cluster);
}

interface TarEntry {
  readonly name: string;
  /** Undefined for a directory. */
  readonly body?: Uint8Array;
}

const block = 512;
const regularType = '0';
const directoryType = '5';

/** Reads the ustar format (POSIX.1-2017, pax, "ustar Interchange Format"): 512-byte headers, bodies padded to 512. */
function* tarEntries(tar: Uint8Array): Generator<TarEntry> {
  for (let at = 0; at + block <= tar.length;) {
    const header = Buffer.from(tar.buffer, tar.byteOffset + at, block);
    const field = (from: number, length: number): string => {
      const [text = ''] = header.toString('latin1', from, from + length).split('\0', 1);
      return text.trim();
    };
    const name = field(0, 100);
    if (name === '') return;
    const size = parseInt(field(124, 12), 8);
    if (!(size >= 0 && at + block + size <= tar.length)) throw new Error('the archive is damaged');
    const type = field(156, 1) || regularType;
    const prefix = field(345, 155);
    const path = `/${prefix}/${name}`;
    if (type === directoryType) yield { name: path };
    else if (type === regularType) yield { name: path, body: tar.subarray(at + block, at + block + size) };
    at += block + Math.ceil(size / block) * block;
  }
}
