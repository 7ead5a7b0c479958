import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { leastOf, workOf } from '#peers';
import { splitText } from './split.js';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const bytes = (text: string): number => Buffer.byteLength(text);

describe('a text is parted', () => {
  it('not at all when it fits, to the byte', () => {
    expect(splitText('é'.repeat(200), 400)).toEqual(['é'.repeat(200)]);
    expect(splitText('é'.repeat(200) + 'x', 400)).toHaveLength(2);
  });

  it('at a blank where there is one, which alone is lost', () => {
    expect(splitText('one two three four', 10)).toEqual(['one two', 'three four']);
  });

  it('within a word that leaves no other choice', () => {
    expect(splitText('a bbbbbbbbbbbbbb', 8)).toEqual(['a bbbbbb', 'bbbbbbbb']);
  });

  it('never within what people see as one character', () => {
    const family = '👩‍👩‍👧‍👦';
    expect(splitText(family.repeat(3), 60)).toEqual([family.repeat(2), family]);
    expect(splitText('e\u0301'.repeat(5), 7)).toEqual(['e\u0301e\u0301', 'e\u0301e\u0301', 'e\u0301']);
    // Flags are pairs: parted at the wrong place, all that follow are other countries.
    expect(splitText('🇩🇪🇫🇷🇮🇹', 20)).toEqual(['🇩🇪🇫🇷', '🇮🇹']);
  });

  it('never within a link, unless it is longer than a line alone', () => {
    const link = 'https://example.org/a/long/path?and=more';
    expect(splitText(`see ${link} now`, 42)).toEqual(['see', link, 'now']);
    expect(splitText(`grüße:${link}`, 44)).toEqual(['grüße:', link]);
    const endless = link.repeat(3);
    expect(splitText(endless, 50)).toHaveLength(3);
    expect(splitText(endless, 50).join('')).toBe(endless);
  });

  it('between code points where one character is longer than a line', () => {
    const parts = splitText(`x${'\u0301'.repeat(500)}`, 100);
    expect(parts.join('')).toBe(`x${'\u0301'.repeat(500)}`);
    expect(parts.every((part) => bytes(part) <= 100)).toBe(true);
  });

  it('so that nothing is lost and no part is too long, whatever the text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((any) => any.isWellFormed());
    fc.assert(
      fc.property(text, fc.integer({ min: 30, max: 80 }), (any, room) => {
        const parts = splitText(any, room);
        expect(parts.every((part) => bytes(part) <= room)).toBe(true);
        // At each seam there was either nothing or one blank.
        let at = 0;
        for (const part of parts) {
          if (!any.startsWith(part, at) && any[at] === ' ') at++;
          expect(any.startsWith(part, at)).toBe(true);
          at += part.length;
        }
        expect(any.slice(at).trim()).toBe('');
        const whole = [...graphemes.segment(any)].every(({ segment }) => bytes(segment) <= room);
        if (!whole || any.includes(' ')) return;
        const seams = new Set([...graphemes.segment(any)].map(({ index }) => index));
        let seam = 0;
        for (const part of parts.slice(0, -1)) expect(seams).toContain((seam += part.length));
      }),
    );
  });

  it('fast: a long paragraph costs less than the measured trap', async () => {
    const text = 'grüße an alle 👋 '.repeat(120);
    splitText(text, 400);
    const hundred = (): void => {
      for (let turn = 0; turn < 100; turn++) splitText(text, 400);
    };
    expect(await leastOf(290, () => workOf(hundred))).toBeLessThan(290);
  });
});
