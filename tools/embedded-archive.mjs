/*
 * Leaves the archive in dist that new data directories start from: unpacking it takes a tenth of what initdb takes.
 * It fits one version of PGlite only; tools/ready.mjs has it made again when that changes. Run after the server is built.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { prepareArchive } from '../dist/libs/embedded-postgres/src/index.js';

const archive = join(dirname(import.meta.dirname), 'dist/embedded-postgres.tar.gz');
mkdirSync(dirname(archive), { recursive: true });
writeFileSync(`${archive}.new`, await prepareArchive());
renameSync(`${archive}.new`, archive);
