import { expect, it } from '@jest/globals';
import { TokenBucket } from './token-bucket.js';

it('gives a burst, then a steady rate, and says how long to wait', () => {
  let now = 0;
  const bucket = new TokenBucket(10, 0.5, () => now);
  for (let line = 0; line < 10; line++) bucket.take();
  expect(bucket.available()).toBe(0);
  expect(bucket.wait(1)).toBe(2_000);
  now += 1_999;
  expect(bucket.available()).toBe(0);
  now += 1;
  expect(bucket.available()).toBe(1);
  now += 1_000_000;
  expect(bucket.available()).toBe(10);
});

it('lets what cannot wait go below nothing, at the cost of what comes after, and not without end', () => {
  let now = 0;
  const bucket = new TokenBucket(2, 1, () => now);
  for (let line = 0; line < 100; line++) bucket.take();
  expect(bucket.wait(1)).toBe(3_000);
  now += 3_000;
  expect(bucket.available()).toBe(1);
});

it('goes on at another rate without losing count of what has left', () => {
  let now = 0;
  const bucket = new TokenBucket(10, 1, () => now);
  for (let line = 0; line < 4; line++) bucket.take();
  bucket.adopt({ burst: 50, perSecond: 20 });
  expect(bucket.available()).toBe(46);
  bucket.adopt({ burst: 5, perSecond: 1 });
  expect(bucket.available()).toBe(5);
  for (let line = 0; line < 5; line++) bucket.take();
  now += 1_000;
  expect(bucket.available()).toBe(1);
});
