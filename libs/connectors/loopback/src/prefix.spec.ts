import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Prefix } from './prefix.js';

describe('the prefix', () => {
  it('grows only by the next number, and takes those that waited with it', () => {
    const prefix = new Prefix(5);
    expect(prefix.settled).toBe(4);
    expect(prefix.settle(6)).toBe(false);
    expect(prefix.settled).toBe(4);
    expect(prefix.settle(5)).toBe(true);
    expect(prefix.settled).toBe(6);
    expect(prefix.settle(6)).toBe(false);
  });

  it('never claims a number that was not settled, in whatever order they come', () => {
    const orders = fc.shuffledSubarray(Array.from({ length: 30 }, (_, i) => i + 1));
    fc.assert(
      fc.property(orders, (order) => {
        const prefix = new Prefix(1);
        const settled = new Set<number>();
        for (const n of order) {
          prefix.settle(n);
          settled.add(n);
          let whole = 0;
          while (settled.has(whole + 1)) whole++;
          expect(prefix.settled).toBe(whole);
        }
      }),
    );
  });
});
