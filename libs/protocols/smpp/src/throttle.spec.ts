import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './session.fixture.js';
import { Throttle } from './throttle.js';

/** Sends whenever it may for so long, and says how many went. */
function run(throttle: Throttle, clock: ManualClock, ms: number, answer?: () => void): number {
  const end = clock.monotonic() + ms;
  let sent = 0;
  while (clock.monotonic() < end) {
    const wait = throttle.delay();
    if (wait > 0) {
      clock.advance(Math.min(wait, end - clock.monotonic()));
      continue;
    }
    throttle.sent();
    sent++;
    answer?.();
    clock.advance(1);
  }
  return sent;
}

describe('the pace towards an SMSC', () => {
  it('has no bound until the SMSC asks for patience', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock });
    expect(throttle.rate).toBeUndefined();
    expect(run(throttle, clock, 1_000)).toBe(1_000);
  });

  it('keeps to a bound that is given', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock, perSecond: 50 });
    expect(run(throttle, clock, 2_000)).toBeGreaterThanOrEqual(99);
    expect(run(throttle, clock, 2_000)).toBeLessThanOrEqual(103);
  });

  it('stops for a moment when asked for patience, and goes on at 0.7 of what it was', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock });
    run(throttle, clock, 3_000);
    throttle.throttled();
    expect(throttle.delay()).toBe(1_000);
    clock.advance(1_000);
    expect(throttle.delay()).toBe(0);
    expect(throttle.rate).toBeCloseTo(700, -1);
  });

  it('takes all that one wave says as one', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock, perSecond: 100 });
    run(throttle, clock, 2_000);
    for (let i = 0; i < 10; i++) {
      throttle.throttled();
      clock.advance(50);
    }
    expect(throttle.rate).toBeCloseTo(70, -1);
  });

  it('slows down again where it still is too fast, and never to nothing', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock, perSecond: 100 });
    run(throttle, clock, 2_000);
    for (let i = 0; i < 40; i++) {
      throttle.throttled();
      clock.advance(1_001);
    }
    expect(throttle.rate).toBeGreaterThanOrEqual(0.1);
    expect(throttle.rate).toBeLessThan(2);
    expect(throttle.delay()).toBeLessThanOrEqual(10_000);
  });

  it('recovers slowly, up to its bound', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock, perSecond: 100 });
    run(throttle, clock, 2_000);
    throttle.throttled();
    clock.advance(4_000);
    expect(throttle.rate).toBeLessThan(85);
    clock.advance(10_000);
    expect(throttle.rate).toBe(100);
  });

  it('without a bound of its own recovers until nothing bounds it', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock });
    run(throttle, clock, 2_000);
    throttle.throttled();
    clock.advance(3_600_000);
    expect(throttle.rate).toBeUndefined();
  });

  it('settles near what the SMSC takes', () => {
    const clock = new ManualClock();
    const throttle = new Throttle({ clock });
    let second = 0;
    let taken = 0;
    let refused = 0;
    let accepted = 0;
    run(throttle, clock, 120_000, () => {
      const now = Math.floor(clock.monotonic() / 1_000);
      if (now !== second) [second, taken] = [now, 0];
      if (++taken <= 30) accepted++;
      else {
        refused++;
        throttle.throttled();
      }
    });
    expect(accepted).toBeGreaterThan(120 * 30 * 0.55);
    expect(refused).toBeLessThan(accepted * 0.03);
  });
});
