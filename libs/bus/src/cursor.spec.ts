import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.js';

it('a cursor stands for its number, up to the largest that the log can hold', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (sequence) => {
      expect(decodeCursor(encodeCursor(sequence))).toBe(sequence);
    }),
  );
});

it('text that is no cursor of ours is refused, whatever it is', () => {
  for (const text of [
    '',
    '0',
    'a',
    'a-1',
    'a01',
    'A1',
    'a1 ',
    'a1\n',
    `a${(2n ** 63n).toString(36)}`,
    'b1',
  ]) {
    expect(decodeCursor(text)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const sequence = decodeCursor(text);
      expect(sequence === undefined || encodeCursor(sequence) === text).toBe(true);
    }),
  );
});
