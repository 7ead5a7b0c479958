import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareCursors, decodePosition, encodePosition } from './order.js';

/** As the log writes them: a letter, then a numeral without leading zeros. */
const cursorOf = (sequence: bigint): string => `a${sequence.toString(36)}`;
const sequence = fc.bigInt({ min: 0n, max: 2n ** 52n - 1n });
const position = fc.bigInt({ min: 0n, max: 2n ** 56n - 1n });

describe('the order of cursors and positions', () => {
  it('finds the later of two cursors', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        expect(Math.sign(compareCursors(cursorOf(a), cursorOf(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('sorts positions as text: by the display position, then by the number in the log', () => {
    fc.assert(
      fc.property(position, sequence, position, sequence, (p, s, q, t) => {
        const [a, b] = [encodePosition(p, s), encodePosition(q, t)];
        const first = p !== q ? p < q : s < t;
        expect(a < b).toBe(first);
        expect(a === b).toBe(p === q && s === t);
      }),
    );
  });

  it('reads a position back', () => {
    fc.assert(
      fc.property(position, sequence, (p, s) => {
        expect(decodePosition(encodePosition(p, s))).toEqual({ position: p, sequence: s });
      }),
    );
  });

  it('puts what is older than 1970 at the beginning', () => {
    expect(decodePosition(encodePosition(-1n, 7n))).toEqual({ position: 0n, sequence: 7n });
  });

  it.each(['', 'a1', '0'.repeat(26), '0'.repeat(28), 'G'.repeat(27), ` ${'0'.repeat(26)}`])(
    'refuses %j as a position',
    (text) => {
      expect(decodePosition(text)).toBeUndefined();
    },
  );
});
