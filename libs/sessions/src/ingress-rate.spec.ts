import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#platform/testing';
import { IngressRate } from './ingress-rate.js';

const served = (rate: IngressRate, account: string, calls: number): number =>
  Array.from({ length: calls }, () => rate.take(account)).filter(Boolean).length;

describe('the rate of a provider', () => {
  it('lets a burst through, then so many a second, and never more than a burst at once', () => {
    const clock = new TestClock();
    const rate = new IngressRate(clock);
    expect(served(rate, 'a', 5_000)).toBe(2_000);
    clock.advance(1_000);
    expect(served(rate, 'a', 5_000)).toBe(500);
    clock.advance(3_600_000);
    expect(served(rate, 'a', 5_000)).toBe(2_000);
  });

  it('is each account’s own, and forgets those that were not called for the longest time', () => {
    const rate = new IngressRate(new TestClock());
    served(rate, 'wild', 5_000);
    expect(rate.take('calm')).toBe(true);
    expect(rate.take('wild')).toBe(false);
    for (let other = 0; other < 10_000; other++) rate.take(String(other));
    expect(rate.take('wild')).toBe(true);
  });
});
