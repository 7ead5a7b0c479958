import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PriceBook, type PriceRow } from './price-book.js';

const row = (prefix: string, unit: bigint, more: Partial<PriceRow> = {}): PriceRow => ({
  connector: 'loopback',
  direction: 'out',
  prefix,
  unit,
  ...more,
});

describe('a price book', () => {
  it('finds the longest prefix that fits', () => {
    const book = new PriceBook(1, 'EUR', [row('', 9n), row('49', 7n), row('491555', 5n), row('44', 6n)]);
    const at = (number: string) => book.priceOf('loopback', 'out', number);
    expect(at('4915551234')).toEqual({ prefix: '491555', unit: 5n });
    expect(at('49301234')).toEqual({ prefix: '49', unit: 7n });
    expect(at('4')).toEqual({ prefix: '', unit: 9n });
    expect(at('')).toEqual({ prefix: '', unit: 9n });
  });

  it('knows no price where no prefix fits, and keeps connectors and directions apart', () => {
    const book = new PriceBook(1, 'EUR', [row('49', 7n), row('', 1n, { direction: 'in' })]);
    expect(book.priceOf('loopback', 'out', '441234')).toBeUndefined();
    expect(book.priceOf('other', 'out', '491234')).toBeUndefined();
    expect(book.priceOf('loopback', 'in', '491234')).toEqual({ prefix: '', unit: 1n });
    expect([book.knows('loopback', 'in'), book.knows('other', 'in')]).toEqual([true, false]);
  });

  it('finds what a look at every row would find', () => {
    const digits = fc.stringMatching(/^[0-3]{0,6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(digits, { maxLength: 40 }), digits, (prefixes, number) => {
        const book = new PriceBook(
          1,
          'EUR',
          prefixes.map((prefix, index) => row(prefix, BigInt(index))),
        );
        const [best] = prefixes
          .filter((prefix) => number.startsWith(prefix))
          .sort((a, b) => b.length - a.length);
        expect(book.priceOf('loopback', 'out', number)?.prefix).toBe(best);
      }),
    );
  });
});
