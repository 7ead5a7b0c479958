/*
 * What a person typed into the search box, taken apart. Nothing in it is an operator but double quotes: everything else
 * is words, and words are what PostgreSQL's own parser makes of them, as it did when the messages were stored.
 */

/** Words that must all be there; of the last one, a beginning is enough. */
export interface Term {
  /** `phrase`: in this order, side by side. `words`: anywhere. `beginning`: words, the last ones as beginnings. */
  readonly kind: 'phrase' | 'words' | 'beginning';
  readonly text: string;
}

/** Double quotes as people's keyboards make them. */
const quotes = /["\u201c\u201d\u201e\u00ab\u00bb]/u;

/** Splits at double quotes; one that is never closed quotes nothing. */
export function termsOf(typed: string): Term[] {
  const pieces = typed.split(quotes);
  const unclosed = pieces.length % 2 === 0 ? pieces.length - 1 : -1;
  const terms = pieces.flatMap((piece, index): Term[] => {
    const text = piece.trim();
    if (text === '') return [];
    return [{ kind: index % 2 === 1 && index !== unclosed ? 'phrase' : 'words', text }];
  });
  const last = terms.at(-1);
  if (last?.kind !== 'words') return terms;
  const space = last.text.search(/\s\S+$/u);
  const before = space < 0 ? '' : last.text.slice(0, space);
  return [
    ...terms.slice(0, -1),
    ...(before === '' ? [] : [{ kind: 'words', text: before } as const]),
    { kind: 'beginning', text: last.text.slice(space + 1) },
  ];
}

/**
 * The spellings under which a text may have been stored. Where the database's locale is C, PostgreSQL's `simple`
 * dictionary makes only ASCII letters small, so a word with others is stored as it was written: all small, all capital or
 * with a capital at the start.
 */
export function spellingsOf(text: string): string[] {
  const small = text.toLowerCase();
  const capital = small.replace(/(?<![\p{L}\p{N}])\p{L}/gu, (letter) => letter.toUpperCase());
  return [...new Set([small, capital, text.toUpperCase(), text].map(asciiSmall))];
}

function asciiSmall(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Makes every word of a `tsquery` (as PostgreSQL writes it) match by its beginning. */
export function asBeginnings(query: string): string {
  return query === '' ? '' : `${query.replaceAll(`' & '`, `':* & '`)}:*`;
}

/** Puts one query per term together: all of them, each in any of its spellings. Empty where there is no word at all. */
export function allOf(terms: readonly (readonly string[])[]): string {
  return terms
    .map((spellings) => [...new Set(spellings)].filter((query) => query !== ''))
    .filter((spellings) => spellings.length > 0)
    .map((spellings) => `(${spellings.map((query) => `(${query})`).join(' | ')})`)
    .join(' & ');
}
