/*
 * Makes a fresh clone ready, and costs next to nothing when it is: plain Node, no dependencies.
 * Each step is stamped with a hash of the contents it depends on, and runs only when that hash changes.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const engine = `node ${process.versions.modules} ${process.platform} ${process.arch}`;

const steps = [
  {
    name: 'install',
    inputs: ['package-lock.json'],
    stamp: 'node_modules/.parley',
    // Nothing here needs an install script, and Prisma's would download an engine.
    run: () =>
      node(
        process.env.npm_execpath ?? fail('run me through npm'),
        'ci',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ),
  },
  {
    name: 'database client',
    inputs: ['package-lock.json', 'prisma/schema.prisma', 'prisma.config.ts'],
    stamp: 'libs/platform/src/generated/.parley',
    run: () => node('node_modules/prisma/build/index.js', 'generate'),
  },
  {
    name: 'server',
    inputs: [
      'package-lock.json',
      'package.json',
      'nest-cli.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'prisma/schema.prisma',
      'apps/server/src',
      'libs',
    ],
    stamp: 'dist/.server',
    run: () => {
      for (const old of ['dist/apps', 'dist/libs']) rmSync(join(root, old), { recursive: true, force: true });
      node('node_modules/@nestjs/cli/bin/nest.js', 'build', 'server');
    },
  },
];

for (const step of steps) {
  const stamp = join(root, step.stamp);
  const now = hash(step.inputs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) continue;
  const started = Date.now();
  process.stderr.write(`${step.name} … `);
  rmSync(stamp, { force: true });
  step.run();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now);
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function hash(inputs) {
  const sum = createHash('sha256').update(engine);
  for (const input of inputs) {
    for (const file of filesOf(input)) sum.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  return sum.digest('hex');
}

function filesOf(path) {
  if (!existsSync(join(root, path))) return [];
  if (!path.includes('/') && path.includes('.')) return [path];
  let entries;
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true });
  } catch {
    return [path];
  }
  return entries
    .filter(({ name }) => name !== 'generated' && !name.endsWith('.spec.ts'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(`${path}/${entry.name}`) : [`${path}/${entry.name}`]));
}

function node(...args) {
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
  });
  if (status !== 0) fail(stdout);
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
