import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#platform/testing';
import { DueSweep } from './due-sweep.js';

/** Lets everything run that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((next) => setImmediate(next));

function sweeping(sweep: () => Promise<Date | undefined>) {
  const clock = new TestClock();
  const sweeps = new DueSweep(clock);
  let runs = 0;
  const handle = sweeps.add('due', () => {
    runs++;
    return sweep();
  });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await turn();
  };
  return { clock, sweeps, handle, pass, runs: () => runs };
}
const nothingDue = (): Promise<undefined> => Promise.resolve(undefined);

describe('a due sweep', () => {
  it('runs at start, not before, and then every five seconds', async () => {
    const { sweeps, pass, runs } = sweeping(nothingDue);
    await pass(60_000);
    expect(runs()).toBe(0);
    sweeps.onApplicationBootstrap();
    await pass(0);
    expect(runs()).toBe(1);
    await pass(4_999);
    expect(runs()).toBe(1);
    await pass(1);
    expect(runs()).toBe(2);
  });

  it('runs at the time that it gave, or sooner if that is far away', async () => {
    const clock = new TestClock();
    const sweeps = new DueSweep(clock);
    const next = [1_200, 3_600_000];
    const ran: number[] = [];
    sweeps.add('due', () => {
      ran.push(clock.monotonic());
      return Promise.resolve(new Date(clock.now() + (next.shift() ?? 10_000)));
    });
    sweeps.onApplicationBootstrap();
    for (let step = 0; step < 70; step++) {
      clock.advance(100);
      await turn();
    }
    expect(ran).toEqual([0, 1_200, 6_200]);
  });

  it('runs when it is woken, at the time it is woken for', async () => {
    const { clock, sweeps, handle, pass, runs } = sweeping(nothingDue);
    sweeps.onApplicationBootstrap();
    await pass(0);
    handle.wake();
    await pass(0);
    expect(runs()).toBe(2);
    handle.wake(new Date(clock.now() + 700));
    handle.wake(new Date(clock.now() + 900));
    await pass(699);
    expect(runs()).toBe(2);
    await pass(1);
    expect(runs()).toBe(3);
    await pass(200);
    expect(runs()).toBe(3);
  });

  it('never runs twice at once, and once more when it was woken while it ran', async () => {
    const finish: (() => void)[] = [];
    const { sweeps, handle, pass, runs } = sweeping(
      () =>
        new Promise((done) => {
          finish.push(() => {
            done(undefined);
          });
        }),
    );
    sweeps.onApplicationBootstrap();
    await pass(0);
    handle.wake();
    handle.wake();
    await pass(10_000);
    expect(runs()).toBe(1);
    finish[0]?.();
    await turn();
    await pass(0);
    expect(runs()).toBe(2);
    finish[1]?.();
    await turn();
    await pass(4_000);
    expect(runs()).toBe(2);
  });

  it('tries again after a failure, ever later up to five seconds, however often it is woken', async () => {
    let broken = true;
    const { sweeps, handle, pass, runs } = sweeping(() =>
      broken ? Promise.reject(new Error('the database is away')) : nothingDue(),
    );
    sweeps.onApplicationBootstrap();
    await pass(0);
    handle.wake();
    await pass(249);
    expect(runs()).toBe(1);
    await pass(1);
    expect(runs()).toBe(2);
    await pass(500);
    expect(runs()).toBe(3);
    for (let step = 0; step < 10; step++) await pass(5_000);
    const before = runs();
    await pass(5_000);
    expect(runs()).toBe(before + 1);
    broken = false;
    await pass(5_000);
    handle.wake();
    await pass(0);
    expect(runs()).toBe(before + 3);
  });

  it('is waited for at the end, and runs no more', async () => {
    let finish: () => void = () => undefined;
    const { sweeps, handle, pass, runs } = sweeping(
      () =>
        new Promise((done) => {
          finish = () => {
            done(undefined);
          };
        }),
    );
    sweeps.onApplicationBootstrap();
    await pass(0);
    let closed = false;
    const closing = sweeps.beforeApplicationShutdown().then(() => {
      closed = true;
    });
    await turn();
    expect(closed).toBe(false);
    finish();
    await closing;
    handle.wake();
    await pass(60_000);
    expect(runs()).toBe(1);
  });

  it('has a name of its own', () => {
    const { sweeps } = sweeping(nothingDue);
    expect(() => sweeps.add('due', nothingDue)).toThrow('already called due');
  });
});
