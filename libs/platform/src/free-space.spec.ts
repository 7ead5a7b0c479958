import { describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { eventually } from '#peers';
import { TestClock } from '#platform/testing';
import { DiskSpace, FreeSpace, SpaceGuard } from './free-space.js';

class Probe extends FreeSpace {
  looks = 0;
  constructor(public free: number | Error) {
    super();
  }

  bytes(): Promise<number> {
    this.looks++;
    return this.free instanceof Error ? Promise.reject(this.free) : Promise.resolve(this.free);
  }
}

describe('free space', () => {
  it('is what the file system of a directory says', async () => {
    expect(await new DiskSpace(tmpdir()).bytes()).toBeGreaterThan(0);
  });
});

describe('the guard of free space', () => {
  it('closes below its limit, and opens again a tenth above it', async () => {
    const probe = new Probe(1_000);
    const guard = new SpaceGuard(probe, new TestClock(), { lowBytes: 1_000 });
    const seen: boolean[] = [];
    for (const free of [1_000, 999, 1_000, 1_099, 1_100, 1_000]) {
      probe.free = free;
      await guard.look();
      seen.push(guard.full);
    }
    expect(seen).toEqual([false, true, true, true, false, false]);
  });

  it('looks at once and every few seconds, until it is closed', async () => {
    const probe = new Probe(0);
    const clock = new TestClock();
    const guard = new SpaceGuard(probe, clock);
    await guard.watch();
    expect([probe.looks, guard.full]).toEqual([1, true]);
    probe.free = 1e9;
    clock.advance(5_000);
    await eventually('it has looked again', () => clock.waiting === 1);
    expect([probe.looks, guard.full]).toEqual([2, false]);
    guard.onApplicationShutdown();
    clock.advance(60_000);
    expect([probe.looks, clock.waiting]).toEqual([2, 0]);
  });

  it('does not refuse because it cannot tell', async () => {
    const guard = new SpaceGuard(new Probe(new Error('no statfs here')), new TestClock());
    await guard.look();
    expect(guard.full).toBe(false);
  });
});
