import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toGsm } from './gsm.js';
import { transliterate } from './transliterate.js';

describe('transliteration', () => {
  it.each([
    ['It’s “fine” – really…', 'It\'s "fine" - really...'],
    ['é à ñ Ç ß ¿ €', 'é à ñ Ç ß ¿ €'],
    ['façade, crème brûlée, São Paulo', 'facade, crème brulée, Sao Paulo'],
    ['œuvre, Œuvre, Łódź, İstanbul, Þór', 'oeuvre, OEuvre, Lodz, Istanbul, THor'],
    ['5\u202f000\u00a0km\tfar', '5 000 km far'],
    ['soft\u00adware\u200b', 'software'],
    ['cafe\u0301', 'café'],
    ['Tiếng Việt', 'Tieng Viet'],
  ])('says %j with the default alphabet', (typed, said) => {
    expect(transliterate(typed)).toBe(said);
  });

  it.each(['it’s 😀', 'Привет – мир', 'm² “or” 10²', '½', '日本', '“a” and 1 ≠ 2', '\u0000'])(
    'leaves %j alone: some of it cannot be said so',
    (typed) => {
      expect(transliterate(typed)).toBeUndefined();
    },
  );

  it('never says what the alphabet lacks, and changes nothing that it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (typed) => {
        const said = transliterate(typed);
        if (said !== undefined) expect(toGsm(said)).toBeDefined();
        if (toGsm(typed)) expect(said).toBe(typed);
      }),
    );
  });
});
