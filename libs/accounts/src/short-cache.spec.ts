import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#platform/testing';
import { ShortCache } from './short-cache.js';

function cacheOf(most = 10) {
  const clock = new TestClock();
  const cache = new ShortCache<{ readonly of: number }>(clock, 1_000, most);
  let loads = 0;
  const load = () => Promise.resolve({ of: ++loads });
  return { clock, cache, load, loads: () => loads };
}

describe('a short cache', () => {
  it('keeps an answer for its time and no longer', async () => {
    const { clock, cache, load } = cacheOf();
    await cache.get('a', load);
    clock.advance(999);
    expect(await cache.get('a', load)).toEqual({ of: 1 });
    clock.advance(1);
    expect(await cache.get('a', load)).toEqual({ of: 2 });
  });

  it('loads once for all who ask at the same time', async () => {
    const { cache, load, loads } = cacheOf();
    await Promise.all(Array.from({ length: 100 }, () => cache.get('a', load)));
    expect(loads()).toBe(1);
  });

  it('forgets what it is told to, and only that', async () => {
    const { cache, load } = cacheOf();
    await cache.get('a', load);
    await cache.get('b', load);
    cache.forget((_, key) => key === 'a');
    expect(await cache.get('a', load)).toEqual({ of: 3 });
    expect(await cache.get('b', load)).toEqual({ of: 2 });
  });

  it('never keeps what was read before a change that it was told of', async () => {
    const { cache, load } = cacheOf();
    let finish: (value: { of: number }) => void = () => undefined;
    const slow = cache.get('a', () => new Promise((done) => (finish = done)));
    cache.forget(() => true);
    const after = cache.get('a', load);
    finish({ of: -1 });
    expect(await slow).toEqual({ of: -1 });
    expect(await after).toEqual({ of: 1 });
    expect(await cache.get('a', load)).toEqual({ of: 1 });
  });

  it('keeps neither failures nor nothing', async () => {
    const { cache, load } = cacheOf();
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('a', () => Promise.resolve(undefined))).toBeUndefined();
    expect(await cache.get('a', load)).toEqual({ of: 1 });
  });

  it('holds no more than it may: the oldest goes', async () => {
    const { cache, load } = cacheOf(2);
    for (const key of ['a', 'b', 'c']) await cache.get(key, load);
    expect(await cache.get('c', load)).toEqual({ of: 3 });
    expect(await cache.get('b', load)).toEqual({ of: 2 });
    expect(await cache.get('a', load)).toEqual({ of: 4 });
  });
});
