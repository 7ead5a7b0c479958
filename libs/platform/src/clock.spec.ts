import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#platform/testing';
import { SystemClock } from './clock.js';

describe('the system’s clock', () => {
  const clock = new SystemClock();

  it('tells the time, and a time that only grows', () => {
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000);
    const before = clock.monotonic();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before);
  });

  it('calls when the time has passed and never before, however long the turn took that asked for it', async () => {
    const busyUntil = clock.monotonic() + 10;
    while (clock.monotonic() < busyUntil) continue;
    const before = clock.monotonic();
    await new Promise<void>((call) => clock.after(20, call));
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(20);
  });

  it('does not call what was cancelled, nor at once what is due in a month', async () => {
    let called = 0;
    const call = (): void => {
      called++;
    };
    clock.after(1, call)();
    const cancel = clock.after(30 * 86_400_000, call);
    await new Promise<void>((later) => clock.after(10, later));
    cancel();
    expect(called).toBe(0);
  });
});

describe('a test’s clock', () => {
  it('stands still until it is moved, and calls in order, each at its time', () => {
    const clock = new TestClock(1_000);
    const seen: [string, number][] = [];
    const note = (name: string) => () => void seen.push([name, clock.now()]);
    clock.after(20, note('b'));
    clock.after(10, () => {
      note('a')();
      clock.after(5, note('set by a'));
    });
    clock.after(20, note('c'));
    const cancel = clock.after(15, note('cancelled'));
    cancel();
    clock.advance(9);
    expect(seen).toEqual([]);
    clock.advance(11);
    expect(seen).toEqual([
      ['a', 1_010],
      ['set by a', 1_015],
      ['b', 1_020],
      ['c', 1_020],
    ]);
    expect([clock.monotonic(), clock.now(), clock.waiting]).toEqual([20, 1_020, 0]);
  });

  it('jumps as a machine’s does: dates move, durations do not', () => {
    const clock = new TestClock(1_000);
    let called = false;
    clock.after(10, () => {
      called = true;
    });
    clock.jump(3_600_000);
    expect([clock.now(), clock.monotonic(), called]).toEqual([3_601_000, 0, false]);
  });
});
