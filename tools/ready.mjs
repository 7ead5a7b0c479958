/*
 * Makes a fresh clone ready, and costs next to nothing when it is: plain Node, no dependencies.
 * Each step is stamped with a hash of the contents it depends on, and runs only when that hash changes.
 *
 *   node tools/ready.mjs         what the server needs
 *   node tools/ready.mjs demo    and the demo
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const engine = `node ${process.versions.modules} ${process.platform} ${process.arch}`;

const withDemo = process.argv.includes('demo');
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
  {
    // What a new data directory is unpacked from, made by the built server.
    name: 'embedded archive',
    inputs: [
      'package-lock.json',
      'tools/embedded-archive.mjs',
      'libs/embedded-postgres/src/archive.ts',
      'libs/embedded-postgres/src/parameters.ts',
    ],
    stamp: 'dist/.embedded-archive',
    run: () => node('tools/embedded-archive.mjs'),
  },
  ...(withDemo ? [demo()] : []),
];

const pending = () => steps.filter(({ stamp, inputs }) => read(join(root, stamp)) !== hash(inputs));

// Two commands at once must not build into one folder: the second waits, and then finds nothing left to do.
if (pending().length > 0) {
  const release = await lock(join(root, '.ready.lock'));
  try {
    for (const step of steps) make(step);
  } finally {
    release();
  }
}

function demo() {
  return {
    name: 'demo',
    inputs: [
      'package-lock.json',
      'package.json',
      'tsconfig.json',
      'tsconfig.demo.json',
      'tools/demo',
      'tools/sandbox',
      'libs/api/src',
      'libs/model/src',
      'libs/protocols',
    ],
    stamp: 'dist/.demo',
    run: () => node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.demo.json'),
  };
}

function make({ name, inputs, stamp, run }) {
  const file = join(root, stamp);
  const now = hash(inputs);
  if (read(file) === now) return;
  const started = Date.now();
  process.stderr.write(`${name} … `);
  rmSync(file, { force: true });
  run();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, now);
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** A file that names its holder. One whose holder is dead is taken away, and whoever did so looks twice. */
async function lock(path) {
  const mine = `${process.pid}\n`;
  for (let told = false; ;) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(read(path) ?? 0);
      if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true });
      else if (!told)
        process.stderr.write(`waiting for process ${holder}, which makes things ready here (${path}) …\n`);
      told = true;
      await new Promise((again) => setTimeout(again, 200));
      continue;
    }
    // Where two found the same dead holder, the slower may have taken the faster one's file away.
    if (told) await new Promise((again) => setTimeout(again, 50));
    if (read(path) === mine) break;
  }
  const release = () => {
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.once('exit', release);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  return release;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
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
    .filter(({ name }) => !/^(generated|testing)$|\.spec\.ts$|\.planted\./.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(`${path}/${entry.name}`) : [`${path}/${entry.name}`]));
}

function node(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
  });
  if (status !== 0) fail(`failed\n${stdout}${stderr}`);
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
