import { describe, expect, it } from '@jest/globals';
import { allOf, asBeginnings, spellingsOf, termsOf } from './search.query.js';

describe('what was typed', () => {
  it('is words, of which the last one may be a beginning', () => {
    expect(termsOf('the quick bro')).toEqual([
      { kind: 'words', text: 'the quick' },
      { kind: 'beginning', text: 'bro' },
    ]);
    expect(termsOf(' bro ')).toEqual([{ kind: 'beginning', text: 'bro' }]);
  });

  it('has phrases between double quotes of any kind', () => {
    expect(termsOf('"quick brown" fox "lazy dog"')).toEqual([
      { kind: 'phrase', text: 'quick brown' },
      { kind: 'words', text: 'fox' },
      { kind: 'phrase', text: 'lazy dog' },
    ]);
    expect(termsOf('\u201cquick brown\u201d')).toEqual([{ kind: 'phrase', text: 'quick brown' }]);
    expect(termsOf('\u00abquick brown\u00bb f')).toEqual([
      { kind: 'phrase', text: 'quick brown' },
      { kind: 'beginning', text: 'f' },
    ]);
  });

  it('quotes nothing with a quote that is never closed', () => {
    expect(termsOf('say "hello wor')).toEqual([
      { kind: 'words', text: 'say' },
      { kind: 'words', text: 'hello' },
      { kind: 'beginning', text: 'wor' },
    ]);
    expect(termsOf('"')).toEqual([]);
    expect(termsOf('""""')).toEqual([]);
  });

  it('is spelled in every way in which it may have been stored', () => {
    expect(spellingsOf('Hello')).toEqual(['hello']);
    expect(spellingsOf('ärger')).toEqual(['ärger', 'Ärger']);
    expect(spellingsOf('Über')).toEqual(['über', 'Über']);
    expect(spellingsOf('привет')).toEqual(['привет', 'Привет', 'ПРИВЕТ']);
  });
});

describe('a query put together', () => {
  it('matches beginnings of every word that the last one became', () => {
    expect(asBeginnings(`'foo-ba' & 'foo' & 'ba'`)).toBe(`'foo-ba':* & 'foo':* & 'ba':*`);
    expect(asBeginnings(`'it''s'`)).toBe(`'it''s':*`);
    expect(asBeginnings('')).toBe('');
  });

  it('asks for every term in any of its spellings, and leaves out what is no word', () => {
    expect(allOf([[`'a'`], [''], [`'b'`, `'B'`, `'b'`]])).toBe(`(('a')) & (('b') | ('B'))`);
    expect(allOf([[''], ['']])).toBe('');
  });
});
