/*
 * Makes a migration from what prisma/schema.prisma says that the migrations do not say yet, or finds that there is
 * nothing left to say. Works offline: Prisma's schema engine as WebAssembly, on a throw-away PGlite.
 *
 *   node tools/migrations.mjs <name>          writes prisma/migrations/<time>_<name>/migration.sql
 *   node tools/migrations.mjs --check         fails, and shows the difference, where the schema has moved on
 *   node tools/migrations.mjs --rewrite       writes the last migration anew (only while it is unreleased)
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';

const root = dirname(import.meta.dirname);
const schema = join(root, 'prisma/schema.prisma');
const folder = join(root, 'prisma/migrations');
const files = [{ path: schema, content: readFileSync(schema, 'utf8') }];

const wanted = process.argv[2] ?? '';
if (wanted === '--check') await check();
else if (wanted === '--rewrite') await rewrite();
else if (/^[a-z][a-z0-9_]{0,60}$/.test(wanted)) await create(wanted);
else stop('usage: npm run migration -- <name_in_lower_case> | --check | --rewrite');

async function check() {
  const sql = await difference(names());
  if (sql !== undefined)
    stop(
      `prisma/migrations lacks what prisma/schema.prisma says:\n\n${sql}\nRun: npm run migration -- <name>`,
    );
  process.stdout.write('migrations: in step with the schema\n');
}

async function create(name) {
  const sql = await difference(names());
  if (sql === undefined) stop('nothing to write: the migrations say all that the schema says');
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  write(`${time}_${name}`, sql);
}

async function rewrite() {
  const before = names();
  const last = before.pop() ?? stop('there is no migration to rewrite');
  const sql = await difference(before);
  if (sql === undefined) rmSync(join(folder, last), { recursive: true });
  else write(last, sql);
}

/** The SQL that leads from these migrations to the schema; undefined where none is needed. */
async function difference(migrations) {
  const database = await PGlite.create();
  for (const name of migrations) {
    await database.exec(readFileSync(join(folder, name, 'migration.sql'), 'utf8'));
  }
  const engine = await schemaEngine(new PrismaPGlite(database));
  const { exitCode, stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: root },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
    shadowDatabaseUrl: null,
  });
  await database.close();
  return exitCode === 0 ? undefined : stdout;
}

/** The package is made for bundlers; this is what a bundler would do. */
async function schemaEngine(adapter) {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const code = readFileSync(join(root, 'node_modules/@prisma/schema-engine-wasm/schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const datamodels = files.map(({ path, content }) => [path, content]);
  return await glue.SchemaEngine.new(
    { datamodels },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

function names() {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'migration.sql')))
    .sort();
}

function write(name, sql) {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'migration.sql'), sql);
  process.stdout.write(`prisma/migrations/${name}/migration.sql\n`);
}

function stop(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
