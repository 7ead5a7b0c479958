/*
 * Saying with the GSM 7 bit default alphabet what was typed with more: marks that word processors put in place of typed
 * ones, blanks of all widths, letters with accents that the alphabet lacks. Whatever would change what is meant (other
 * scripts, superscript digits, signs) is left alone, and with it the whole text.
 */
import { septetsOf } from './gsm.js';

const replacements: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "'": '‘’‚‛′´`‹›ʹʻʼʽˈ＇',
    '"': '“”„‟″«»〝〞＂',
    '-': '‐‑‒–—―−⁃﹣－',
    ' ': '\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000',
    '\n': '\u0085\u2028\u2029',
    '': '\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff',
    '...': '…',
    '..': '‥',
    '.': '․',
    '*': '•∗',
    '/': '⁄∕',
    x: '×',
    ae: 'ǽ',
    oe: 'œ',
    OE: 'Œ',
    d: 'đð',
    D: 'ĐÐ',
    h: 'ħ',
    H: 'Ħ',
    i: 'ı',
    ij: 'ĳ',
    IJ: 'Ĳ',
    l: 'łŀ',
    L: 'ŁĿ',
    t: 'ŧ',
    T: 'Ŧ',
    th: 'þ',
    TH: 'Þ',
    SS: 'ẞ',
    ff: 'ﬀ',
    fi: 'ﬁ',
    fl: 'ﬂ',
  }).flatMap(([said, typed]) => Array.from(typed, (character) => [character, said] as const)),
);

const mark = /^\p{M}$/u;
const latin = /^\p{Script=Latin}$/u;

/**
 * A text said with the default alphabet alone. Canonically equal characters count as one, what the alphabet has stays
 * ("é", and "Ç" while "ç", which it lacks, becomes "c"), and all the rest is replaced or none is.
 * @returns undefined where something cannot be said with it
 */
export function transliterate(text: string): string | undefined {
  let said = '';
  for (const character of text.normalize('NFC')) {
    const found =
      septetsOf(character) > 0 ? character : (replacements.get(character) ?? withoutMarks(character));
    if (found === undefined) return undefined;
    said += found;
  }
  return said;
}

/** A Latin letter without its accents, and an accent that stands on one for itself as nothing. */
function withoutMarks(character: string): string | undefined {
  if (!latin.test(character)) return undefined;
  const letters = Array.from(character.normalize('NFD')).filter((letter) => !mark.test(letter));
  const all = letters.every((letter) => septetsOf(letter) > 0);
  return all ? letters.join('') : undefined;
}
