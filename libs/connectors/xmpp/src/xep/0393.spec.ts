import { describe, expect, test } from '@jest/globals';
import type { Span } from '#model';
import { leastOf, workOf } from '#peers';
import { readStanza } from '../core/xml.js';
import { isUnstyled, spansOf, styledBody, unstyled } from './0393.js';

/** What of a text is dressed, and how. */
const dressed = (text: string): string[] =>
  spansOf(text).map(({ start, end, style }) => `${style.kind}: ${text.slice(start, end)}`);
const span = (
  kind: 'bold' | 'italic' | 'underline' | 'strike' | 'monospace' | 'quote',
  start: number,
  end: number,
): Span => ({
  start,
  end,
  style: { kind },
});

describe('message styling (XEP-0393), read', () => {
  test.each([
    ['plain span', []],
    ['*strong span*', ['bold: *strong span*']],
    ['plain _emphasis_ plain', ['italic: _emphasis_']],
    ['`pre` plain *strong*', ['monospace: `pre`', 'bold: *strong*']],
    ['*strong*plain*', ['bold: *strong*']],
    ['* plain *strong*', ['bold: *strong*']],
    ['Everyone ~dis~likes cake.', ['strike: ~dis~']],
    ['This is `*monospace*`', ['monospace: `*monospace*`']],
    ['This is *`monospace and bold`*', ['bold: *`monospace and bold`*', 'monospace: `monospace and bold`']],
    ['_*both*_', ['italic: _*both*_', 'bold: *both*']],
  ])('%s is dressed as the examples say', (text, spans) => {
    expect(dressed(text)).toEqual(spans);
  });

  test.each([
    'not strong*',
    '*not strong',
    '*not \n strong*',
    '*not *strong',
    '**',
    '***',
    '****',
    'There are three blocks in this body, one per line,\nbut there is no *formatting\nas spans* may not escape blocks.',
    '2 * 3 * 4 = 24',
    'snake_case_names and a/b~c~',
    '*\u00a0not strong*',
  ])('%j is not dressed', (text) => {
    expect(dressed(text)).toEqual([]);
  });

  test('preformatted text goes to its closing line, and nothing in it is a mark', () => {
    expect(dressed('```ignored\n(println "*Hello*")\n```\n\n*plain*')).toEqual([
      'monospace: ```ignored\n(println "*Hello*")\n```',
      'bold: *plain*',
    ]);
  });

  test('preformatted text in a quotation ends with the quotation', () => {
    const text =
      '> ```\n> (println "Hello, world!")\n\nThe entire blockquote is preformatted, but *this* is not.';
    expect(dressed(text)).toEqual([
      'quote: > ```\n> (println "Hello, world!")',
      'monospace: ```\n> (println "Hello, world!")',
      'bold: *this*',
    ]);
  });

  test('quotations hold quotations and spans', () => {
    expect(dressed('>> That that is, is.\n> Said the old *hermit* of Prague.\n\nWho?')).toEqual([
      'quote: >> That that is, is.\n> Said the old *hermit* of Prague.',
      'quote: > That that is, is.',
      'bold: *hermit*',
    ]);
  });

  test('offsets count UTF-16 code units', () => {
    expect(spansOf('😀 *ja*')).toEqual([span('bold', 3, 7)]);
  });

  test.each([
    ['marks that never end', ' *a _b ~c `d'.repeat(20_000)],
    ['marks without anything between', '*'.repeat(250_000)],
    ['quotations in quotations', '>'.repeat(250_000)],
    ['a quotation on every other line', '> a\nb\n'.repeat(40_000)],
    ['many small spans', '*a* '.repeat(60_000)],
    ['open fences', '```\n'.repeat(60_000)],
  ])('%s cost little', async (_, text) => {
    expect(spansOf(text).length).toBeLessThanOrEqual(500);
    expect(await leastOf(100, () => workOf(() => spansOf(text)))).toBeLessThan(100);
  });

  test('a sender may say that nothing in the text is a mark', () => {
    expect(
      isUnstyled(
        readStanza('<message><body>&gt; _ &lt;</body><unstyled xmlns="urn:xmpp:styling:0"/></message>'),
      ),
    ).toBe(true);
    expect(
      isUnstyled(readStanza('<message><body>*a*</body><unstyled xmlns="urn:xmpp:styling:9"/></message>')),
    ).toBe(false);
    expect(unstyled().attrs['xmlns']).toBe('urn:xmpp:styling:0');
  });
});

describe('message styling (XEP-0393), written', () => {
  test.each([
    ['hello there', [span('bold', 6, 11)], 'hello *there*'],
    ['hello there', [span('bold', 0, 11), span('italic', 6, 11)], '*hello _there_*'],
    ['both', [span('bold', 0, 4), span('strike', 0, 4)], '*~both~*'],
    ['a\nb', [span('italic', 0, 3)], '_a_\n_b_'],
    [' padded ', [span('bold', 0, 8)], ' *padded* '],
    ['said\nit', [span('quote', 0, 7)], '> said\n> it'],
    ['code *here*', [span('monospace', 0, 11)], '`code *here*`'],
    ['x = 1\ny = 2', [span('monospace', 0, 11)], '```\nx = 1\ny = 2\n```'],
    ['under', [span('underline', 0, 5)], 'under'],
  ])('%j is written with marks', (text, spans, body) => {
    expect(styledBody(text, spans)).toEqual({ body, unstyled: false });
  });

  test.each([
    ['a mark that would stand within a word', 'prefixed', [span('bold', 3, 8)]],
    ['a mark that the text has in it already', 'a*b c', [span('bold', 0, 5)]],
  ])('%s is left out', (_, text, spans) => {
    expect(styledBody(text, spans).body).toBe(text);
  });

  test('spans that cross are not both written', () => {
    expect(styledBody('one two six', [span('bold', 0, 7), span('italic', 4, 11)]).body).toBe('*one two* six');
  });

  test('a text without spans that would be read as dressed goes unstyled', () => {
    expect(styledBody('*sigh*')).toEqual({ body: '*sigh*', unstyled: true });
    expect(styledBody('> _ <')).toEqual({ body: '> _ <', unstyled: true });
    expect(styledBody('no marks at all')).toEqual({ body: 'no marks at all', unstyled: false });
  });

  test('what was read is written as it was', () => {
    for (const text of ['*a* and _b_', '> quoted\n> *so*\nplain', '```\ncode\n```', '>> deep\n> less']) {
      expect(styledBody(text, spansOf(text))).toEqual({ body: text, unstyled: false });
    }
  });

  test('spans from nowhere do no harm', () => {
    const spans = [span('bold', -5, 900), span('italic', 3, 3), span('bold', 4, 1), span('strike', 99, 120)];
    expect(styledBody('text', spans)).toEqual({ body: '*text*', unstyled: false });
  });
});
