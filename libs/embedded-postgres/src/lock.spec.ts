import { mkdir, readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, run, scratchDirectory, type RunningProcess } from '#peers';
import { DataDirectoryLocked, lockDirectory } from './index.js';

const root = join(import.meta.dirname, '../../..');
const running: RunningProcess[] = [];

/** A process that waits for a word, takes the directory, says how it went, and stays. */
function contender(directory: string): RunningProcess & { go(): void } {
  const script = `
    import { lockDirectory } from '#embedded-postgres';
    process.on('SIGUSR2', () => {
      lockDirectory(process.argv[1]).then(() => console.log('won'), (error) => console.log('lost', error.message));
    });
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const process = run(globalThis.process.execPath, ['--input-type=module', '-e', script, directory], {
    cwd: root,
  });
  running.push(process);
  return Object.assign(process, { go: () => process.child.kill('SIGUSR2') });
}

async function holding(directory: string): Promise<RunningProcess> {
  const process = contender(directory);
  await eventually('the process runs', () => process.output().includes('ready'), 30_000);
  process.go();
  await eventually('it holds the directory', () => process.output().includes('won'));
  return process;
}

async function kill(process: RunningProcess): Promise<void> {
  process.child.kill('SIGKILL');
  await eventually('it is dead', () => process.child.signalCode !== null);
}

afterEach(async () => {
  for (const process of running.splice(0)) {
    process.child.kill('SIGCONT');
    await process[Symbol.asyncDispose]();
  }
});

describe('a data directory', () => {
  it('belongs to one holder, who is named', async () => {
    using scratch = scratchDirectory('lock');
    await using lock = await lockDirectory(scratch.path);
    const refused = lockDirectory(scratch.path);
    await expect(refused).rejects.toThrow(DataDirectoryLocked);
    await expect(refused).rejects.toThrow(
      `the data directory ${scratch.path} is in use by pid ${String(process.pid)} on ${hostname()}`,
    );
    await lock.release();
    await using again = await lockDirectory(scratch.path);
    expect(again).toBeDefined();
    expect((await stat(join(scratch.path, 'lock'))).mode & 0o777).toBe(0o700);
  });

  it('held by another process is refused in its name, and taken over once that is killed', async () => {
    using scratch = scratchDirectory('lock');
    const holder = await holding(scratch.path);
    await expect(lockDirectory(scratch.path)).rejects.toMatchObject({
      code: 'ELOCKED',
      directory: scratch.path,
      holder: `pid ${String(holder.child.pid)} on ${hostname()}`,
    });
    await kill(holder);
    await using lock = await lockDirectory(scratch.path);
    expect(lock).toBeDefined();
  });

  it('held by a process that does not answer is refused in the name that it left', async () => {
    using scratch = scratchDirectory('lock');
    const holder = await holding(scratch.path);
    holder.child.kill('SIGSTOP');
    await expect(lockDirectory(scratch.path)).rejects.toMatchObject({
      holder: `pid ${String(holder.child.pid)} on ${hostname()}`,
    });
  });

  it('has one winner when ten processes want it at once, new or left by a dead one', async () => {
    using scratch = scratchDirectory('lock');
    const contenders = Array.from({ length: 10 }, () => contender(scratch.path));
    await eventually('all run', () => contenders.every((one) => one.output().includes('ready')), 30_000);
    let alive = contenders;
    for (let round = 0; round < 5; round++) {
      for (const one of alive) one.go();
      const decided = (one: RunningProcess): number => one.output().split(/won|lost/).length - 1;
      await eventually('all have an answer', () => alive.every((one) => decided(one) > round), 30_000);
      const winners = alive.filter((one) => one.output().includes('won'));
      expect(winners).toHaveLength(1);
      for (const winner of winners) await kill(winner);
      alive = alive.filter((one) => !winners.includes(one));
    }
    const left = (await readdir(join(scratch.path, 'lock'))).filter((name) => name !== 'holder');
    expect(left).toEqual(['5']);
  }, 90_000);

  it('may have a path that is longer than a socket address', async () => {
    using scratch = scratchDirectory('lock');
    const deep = join(scratch.path, 'd'.repeat(100), 'e'.repeat(100));
    await mkdir(deep, { recursive: true });
    await using lock = await lockDirectory(deep);
    await expect(lockDirectory(deep)).rejects.toThrow(`pid ${String(process.pid)}`);
    await lock.release();
  });

  it('that is not there is not made', async () => {
    using scratch = scratchDirectory('lock');
    await expect(lockDirectory(join(scratch.path, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
