import { describe, expect, test } from '@jest/globals';
import { Moments, notBefore } from './order.js';

const bob = 'bob@example.org';
const now = Date.parse('2026-03-01T16:01:40.250Z');
const at = (time: string): Date => new Date(`2026-03-01T16:01:${time}Z`);

describe('the time of what came after something', () => {
  const live = at('30.591').getTime();

  test('is not earlier for the second that a stamp was rounded to', () => {
    expect(notBefore(live, at('30').getTime())).toBe(live);
  });

  test('is its own where that is later, or so much earlier that it was kept longer than the rest', () => {
    expect(notBefore(live, at('31').getTime())).toBe(at('31').getTime());
    expect(notBefore(live, at('28').getTime())).toBe(at('28').getTime());
  });
});

describe('what comes over the stream', () => {
  test('has times in its order, whoever keeps the clock', () => {
    const moments = new Moments();
    const times = ['30.591', '30', '30', '31.200', '30.950', '31'].map((time) =>
      moments.heard(bob, at(time), now),
    );
    expect(times).toEqual(['30.591', '30.591', '30.591', '31.200', '31.200', '31.200'].map(at));
  });

  test('comes after what an archive told before it', () => {
    const moments = new Moments();
    moments.told(bob, at('30.591').getTime());
    expect(moments.heard(bob, at('30'), now)).toEqual(at('30.591'));
  });

  test('is in order within its conversation alone', () => {
    const moments = new Moments();
    moments.heard(bob, at('30.591'), now);
    expect(moments.heard('carol@example.org', at('30'), now)).toEqual(at('30'));
  });

  test('stays in order when something in between was kept for an hour', () => {
    const moments = new Moments();
    moments.heard(bob, at('30.591'), now);
    const old = new Date(now - 3_600_000);
    expect(moments.heard(bob, old, now)).toEqual(old);
    expect(moments.heard(bob, at('30'), now)).toEqual(at('30.591'));
  });

  test('moves nothing by a stamp from the future', () => {
    const moments = new Moments();
    moments.heard(bob, new Date(now + 3_600_000), now);
    const later = new Date(now + 3_599_500);
    expect(moments.heard(bob, later, now)).toEqual(later);
    expect(moments.heard(bob, new Date(now), now)).toEqual(new Date(now));
  });
});

test('only so much is remembered, the latest of it', () => {
  const moments = new Moments();
  for (let index = 0; index <= 1_000; index++) moments.placed(bob, String(index), index);
  expect([moments.of(bob, '0'), moments.of(bob, '1'), moments.of(bob, '1000')]).toEqual([
    undefined,
    1,
    1_000,
  ]);
  moments.heard(bob, at('30.591'), now);
  for (let index = 0; index < 500; index++) moments.heard(`${String(index)}@example.org`, at('30'), now);
  expect(moments.heard(bob, at('30'), now)).toEqual(at('30'));
});
