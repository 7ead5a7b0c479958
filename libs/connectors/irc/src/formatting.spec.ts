import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Span, SpanStyle } from '#model';
import { leastOf, workOf } from '#peers';
import { codeOf, colourOf } from './colours.js';
import { plain, undress, Wardrobe } from './formatting.js';

const write = (text: string, ...spans: readonly Span[]): string =>
  new Wardrobe({ text, spans }).write(0, text.length);
const span = (start: number, end: number, style: SpanStyle): Span => ({ start, end, style });
const bold = { kind: 'bold' } as const;
const red: SpanStyle = { kind: 'colour', foreground: '#ff0000' };

describe('formatting that comes in', () => {
  it.each<[string, string, readonly Span[]]>([
    ['\x02bold\x02 not', 'bold not', [span(0, 4, bold)]],
    [
      '\x1di\x1d\x1fu\x1f\x1es\x1e\x11m',
      'iusm',
      (['italic', 'underline', 'strike', 'monospace'] as const).map((kind, at) => span(at, at + 1, { kind })),
    ],
    ['\x0304red\x03 7', 'red 7', [span(0, 3, red)]],
    ['\x034,2both', 'both', [span(0, 4, { kind: 'colour', foreground: '#ff0000', background: '#00007f' })]],
    ['\x03041', '1', [span(0, 1, red)]],
    ['\x0304,x', ',x', [span(0, 2, red)]],
    ['\x04ff8000hex\x04', 'hex', [span(0, 3, { kind: 'colour', foreground: '#ff8000' })]],
    ['\x02\x0304x\x0fy', 'xy', [span(0, 1, bold), span(0, 1, red)]],
    ['\x0304\x16x', 'x', [span(0, 1, { kind: 'colour', foreground: '#ffffff', background: '#ff0000' })]],
    ['\x0301,01secret\x03', 'secret', [span(0, 6, { kind: 'spoiler' })]],
    ['\x0399default', 'default', []],
    ['\x02\x02\x03\x0f', '', []],
    ['tab\tbell\x07', 'tab\tbell', []],
  ])('%j', (raw, text, spans) => {
    expect(undress(raw)).toEqual({ text, spans });
    expect(plain(raw)).toBe(text);
  });

  it('costs little and holds little, however much of it there is', async () => {
    const raw = '\x02a\x1db\x0304c\x1f\x0fd'.repeat(20_000);
    expect(await leastOf(1_000, () => workOf(() => undress(raw)))).toBeLessThan(1_000);
    const { spans, text } = undress(raw);
    expect(spans.length).toBeLessThanOrEqual(500);
    expect(text).toHaveLength(80_000);
  });
});

describe('formatting that goes out', () => {
  it('is as short as it can be', () => {
    expect(write('a bold b', span(2, 6, bold))).toBe('a \x02bold\x0f b');
    expect(write('both', span(0, 4, bold), span(2, 4, { kind: 'italic' }))).toBe('\x02bo\x1dth');
    expect(write('plain', span(0, 5, { kind: 'mention', address: 'bob' }))).toBe('plain');
  });

  it('never takes a digit or a comma of the text for part of a colour', () => {
    expect(undress(write('7,8', span(0, 3, red)))).toEqual({ text: '7,8', spans: [span(0, 3, red)] });
    expect(undress(write(',8', span(0, 2, red))).text).toBe(',8');
    expect(undress(write('x7', span(0, 1, red), span(0, 2, bold))).text).toBe('x7');
  });

  it('leaves out what lies nowhere or is no colour, and cuts no character in two', () => {
    expect(write('ab', span(5, 9, bold), span(1, 1, bold), span(-3, 1, bold))).toBe('\x02a\x0fb');
    expect(write('a', span(0, 1, { kind: 'colour', foreground: 'rainbow\r\nQUIT' }))).toBe('a');
    expect(write('a', span(0, 1, { kind: 'colour', foreground: 'constructor' }))).toBe('a');
    expect(write('👋x', span(1, 3, bold))).toBe('\x02👋x');
  });

  it('names a colour by its number where it has one', () => {
    expect(codeOf('#FF0000', undefined)?.code).toBe('\x0304');
    expect(codeOf('navy', '#fff')?.code).toBe('\x04000080,ffffff');
    expect(codeOf(undefined, '#ff0001')?.code).toBe('\x0399,04');
    for (let number = 0; number < 99; number++) {
      const code = codeOf(colourOf(String(number)), undefined)?.code ?? '';
      expect(colourOf(code.slice(1))).toBe(colourOf(String(number)));
    }
  });

  it('comes back as it went, whatever overlaps', () => {
    const style = fc.constantFrom<SpanStyle>(
      bold,
      { kind: 'italic' },
      { kind: 'underline' },
      { kind: 'strike' },
      { kind: 'monospace' },
      red,
      { kind: 'colour', foreground: '#00007f', background: '#ffff00' },
      { kind: 'colour', foreground: '#123456' },
      { kind: 'colour', foreground: '#123456', background: '#ff0000' },
      { kind: 'colour', background: '#ff0000' },
      { kind: 'spoiler' },
    );
    const text = fc.string({
      unit: fc.constantFrom('a', '7', ',', ' ', 'é', '👋', 'f'),
      minLength: 1,
      maxLength: 40,
    });
    const spans = fc.array(fc.record({ start: fc.nat(40), end: fc.nat(40), style }), { maxLength: 8 });
    fc.assert(
      fc.property(text, spans, (any, given) => {
        const once = undress(write(any, ...given));
        expect(once.text).toBe(any);
        expect(undress(write(once.text, ...once.spans))).toEqual(once);
        for (const kind of ['bold', 'italic', 'underline', 'strike', 'monospace'] as const) {
          const wears = (all: readonly Span[]) =>
            Array.from(any, (_, at) =>
              all.some((one) => one.style.kind === kind && one.start <= at && at < one.end),
            );
          if (!/[^\x20-\xff]/.test(any)) expect(wears(once.spans)).toEqual(wears(given));
        }
      }),
      { numRuns: 500 },
    );
  });
});
