import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EmbeddedPostgres } from '#embedded-postgres';
import { engineOver, migrate, packageRoot, readMigrations } from '#platform';

/**
 * An archive of an empty, migrated database: unpacking it takes a fraction of what making one takes. Made by the first
 * that asks, kept in dist until a migration or the engine changes; when two processes make it at once, either will do.
 */
export async function migratedArchive(): Promise<string> {
  const migrations = readMigrations();
  const hash = createHash('sha256');
  for (const { name, checksum } of migrations) hash.update(`${name} ${checksum}\n`);
  hash.update(readFileSync(join(packageRoot(), 'node_modules/@electric-sql/pglite/package.json')));
  const path = join(packageRoot(), 'dist', `test-database-${hash.digest('hex').slice(0, 16)}.tar.gz`);
  if (!existsSync(path)) {
    await using postgres = await EmbeddedPostgres.start({ dataDir: 'memory://' });
    await migrate(engineOver(postgres), migrations);
    mkdirSync(dirname(path), { recursive: true });
    const draft = `${path}.${String(process.pid)}`;
    writeFileSync(draft, await postgres.dump());
    renameSync(draft, path);
  }
  return path;
}
