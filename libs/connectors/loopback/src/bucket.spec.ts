import { describe, expect, it } from '@jest/globals';
import { backoffMs } from './backoff.js';
import { Bucket } from './bucket.js';

describe('the bucket', () => {
  it('lets a burst through and then the rate', () => {
    const bucket = new Bucket({ burst: 3, perSecond: 2 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(bucket.allowance(0)).toEqual({ envelopes: 0, againInMs: 500 });
    expect(bucket.take(499)).toBe(false);
    expect(bucket.take(500)).toBe(true);
    expect(bucket.allowance(60_000)).toEqual({ envelopes: 3, againInMs: 0 });
  });

  it('follows a network that changes its mind, without giving away what was not saved up', () => {
    const bucket = new Bucket({ burst: 10, perSecond: 1 }, 0);
    bucket.follow({ burst: 2, perSecond: 10 }, 0);
    expect(bucket.allowance(0).envelopes).toBe(2);
    bucket.follow({ burst: 100, perSecond: 10 }, 0);
    expect(bucket.allowance(0).envelopes).toBe(2);
    expect(bucket.allowance(1_000).envelopes).toBe(12);
  });

  it('does not mind a clock that stands still or goes back', () => {
    const bucket = new Bucket({ burst: 1, perSecond: 1 }, 1_000);
    expect(bucket.take(1_000)).toBe(true);
    expect(bucket.take(500)).toBe(false);
  });
});

describe('the back-off', () => {
  const times = { backoffMs: 100, backoffMaxMs: 5_000 };
  it('doubles to the longest, half of it by chance', () => {
    expect([0, 1, 2, 3].map((tries) => backoffMs(tries, times, 1))).toEqual([100, 200, 400, 800]);
    expect(backoffMs(3, times, 0)).toBe(400);
    expect(backoffMs(10_000, times, 1)).toBe(5_000);
  });
});
