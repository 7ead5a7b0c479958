import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dayOf, endOf, toAmount, toMicros } from './money.js';

describe('money', () => {
  it('is counted in millionths, exactly', () => {
    expect(toMicros('0.05')).toBe(50_000n);
    expect(toMicros('12')).toBe(12_000_000n);
    expect(toMicros('-0.000001')).toBe(-1n);
    expect(toMicros('999999999999.999999')).toBe(999_999_999_999_999_999n);
  });

  it('takes nothing that would have to be rounded or guessed', () => {
    for (const amount of [
      '',
      '.5',
      '1.',
      '1,5',
      '0.0000001',
      '1e3',
      ' 1',
      '+1',
      '١',
      '1234567890123',
      '--1',
    ]) {
      expect(toMicros(amount)).toBeUndefined();
    }
  });

  it('is written without needless zeros, and read back the same', () => {
    expect([50_000n, 0n, -12_000_000n, 10_500_000n].map(toAmount)).toEqual(['0.05', '0', '-12', '10.5']);
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), (micros) => {
        expect(toMicros(toAmount(micros))).toBe(micros);
      }),
    );
  });

  it('has days that begin and end in UTC', () => {
    expect(dayOf(new Date('2026-02-28T23:59:59.999Z'))).toBe('2026-02-28');
    expect(endOf('2026-02-28').toISOString()).toBe('2026-03-01T00:00:00.000Z');
  });
});
