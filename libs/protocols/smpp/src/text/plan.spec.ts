import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { septetsOf } from './gsm.js';
import { parseHeader } from './headers.js';
import { piecesOf, planText, type Carriage, type PlanWish, type TextPlan } from './plan.js';
import { contentOf, readMessage } from './incoming.js';

const alphabet = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => septetsOf(character) > 0,
);
const gsmText = fc.string({ unit: fc.constantFrom(...alphabet, '€', '{'), maxLength: 700 });
const anyText = fc.string({
  unit: fc.constantFrom('a', 'ж', 'é', '😀', '日', '👍🏽', '👩‍👩‍👧', '🇩🇪', 'e\u0301', ' ', '€'),
  maxLength: 400,
});
const carriages: Carriage[] = ['udh8', 'udh16', 'sar', 'payload'];

function planned(text: string, wish?: PlanWish): TextPlan {
  const plan = planText(text, wish);
  if ('problem' in plan) throw new Error(plan.detail);
  return plan;
}

function graphemesOf(text: string): string[] {
  return Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment);
}

describe('the plan of a text', () => {
  it.each([
    ['', 'GSM-7', 0, 160, 1],
    ['a'.repeat(160), 'GSM-7', 160, 0, 1],
    ['a'.repeat(161), 'GSM-7', 161, 145, 2],
    ['a'.repeat(306), 'GSM-7', 306, 0, 2],
    ['a'.repeat(307), 'GSM-7', 307, 152, 3],
    ['€'.repeat(80), 'GSM-7', 160, 0, 1],
    ['€'.repeat(81), 'GSM-7', 162, 143, 2],
    ['ж'.repeat(70), 'UCS-2', 70, 0, 1],
    ['ж'.repeat(71), 'UCS-2', 71, 63, 2],
    ['ж'.repeat(134), 'UCS-2', 134, 0, 2],
    ['😀'.repeat(35), 'UCS-2', 70, 0, 1],
    ['😀'.repeat(36), 'UCS-2', 72, 61, 2],
    ['it’s', 'UCS-2', 4, 66, 1],
  ])('counts %j', (text, label, units, unitsLeft, parts) => {
    const plan = planned(text);
    expect(plan).toMatchObject({ label, units, unitsLeft, text, transliterated: false });
    expect(plan.parts).toHaveLength(parts);
  });

  it('takes less into each part where the header takes more of it', () => {
    expect(planned('a'.repeat(306), { carriage: 'udh16' }).parts.map(({ units }) => units)).toEqual([
      152, 152, 2,
    ]);
    expect(planned('ж'.repeat(134), { carriage: 'udh16' }).parts.map(({ units }) => units)).toEqual([
      66, 66, 2,
    ]);
    expect(planned('ж'.repeat(70), { carriage: 'udh16' }).parts).toHaveLength(1);
  });

  it('never parts an escape from what it escapes', () => {
    const { parts } = planned(`${'a'.repeat(152)}€${'b'.repeat(50)}`);
    expect(parts.map(({ text, units }) => [text.length, units])).toEqual([
      [152, 152],
      [51, 52],
    ]);
  });

  it.each(['😀', '👩‍👩‍👧', '🇩🇪', 'e\u0301', 'नि'])('never parts %s at the edge of a part', (grapheme) => {
    for (let before = 60; before < 68; before++) {
      const { parts } = planned(`${'ж'.repeat(before)}${grapheme}${'ж'.repeat(70)}`);
      expect(parts.filter(({ text }) => text.includes(grapheme))).toHaveLength(1);
    }
  });

  it('parts a grapheme that alone is longer than a part, and no character of it', () => {
    const monster = `a${'\u0301'.repeat(200)}`;
    expect(planned(`${monster}ж`).parts.map(({ units }) => units)).toEqual([67, 67, 67, 1]);
    const family = Array.from({ length: 60 }, () => '👩').join('\u200d');
    const { parts } = planned(family);
    expect(parts.every(({ text }) => text.isWellFormed())).toBe(true);
    expect(parts.map(({ text }) => text).join('')).toBe(family);
  });

  it('transliterates where that makes all of it fit, else leaves it untouched', () => {
    expect(planned('“It’s é…”', { transliterate: true })).toMatchObject({
      coding: 'gsm7',
      text: '"It\'s é..."',
      transliterated: true,
    });
    expect(planned('“It’s 😀”', { transliterate: true })).toMatchObject({
      coding: 'ucs2',
      text: '“It’s 😀”',
      transliterated: false,
    });
    expect(planned('“”', { transliterate: true, coding: 'ucs2' })).toMatchObject({
      coding: 'ucs2',
      text: '“”',
    });
  });

  it('keeps to a coding that is demanded, and says what it cannot say', () => {
    expect(planned('plain', { coding: 'ucs2' })).toMatchObject({ label: 'UCS-2', dataCoding: 8, units: 5 });
    expect(planned('it’s', { coding: 'gsm7', transliterate: true }).text).toBe("it's");
    expect(planText('Привет 👩‍👩‍👧', { coding: 'gsm7' })).toEqual({
      problem: 'not-in-alphabet',
      detail: 'The GSM 7 bit alphabet, which is demanded here, cannot say "П", "р", "и".',
    });
  });

  it('has at most 255 parts, and says so', () => {
    expect(planned('a'.repeat(255 * 153)).parts).toHaveLength(255);
    expect(planned('ж'.repeat(255 * 67)).parts).toHaveLength(255);
    for (const text of ['a'.repeat(255 * 153 + 1), 'ж'.repeat(255 * 67 + 1), 'x'.repeat(5_000_000)]) {
      expect(planText(text)).toEqual({
        problem: 'too-long',
        detail: expect.stringMatching(
          /^A text message has at most 255 parts, which is \d+ characters of (GSM-7|UCS-2)\.$/,
        ),
      });
    }
    // Fits by its length, and not where graphemes stay whole.
    expect(planText('👩‍👩‍👧'.repeat(2_130))).toHaveProperty('problem', 'too-long');
  });

  it('makes lone surrogates what every reader can show', () => {
    expect(planned('a\ud83d').text).toBe('a\ufffd');
  });

  it('loses nothing, overfills nothing and counts rightly, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(gsmText, anyText), fc.constantFrom(...carriages), (text, carriage) => {
        const { parts, units, unitsLeft, coding } = planned(text, { carriage });
        const several = carriage === 'udh16' ? { gsm7: 152, ucs2: 66 } : { gsm7: 153, ucs2: 67 };
        const most = (parts.length === 1 ? { gsm7: 160, ucs2: 70 } : several)[coding];
        expect(parts.map((part) => part.text).join('')).toBe(text);
        expect(parts.reduce((sum, part) => sum + part.units, 0)).toBe(units);
        expect(Math.max(...parts.map((part) => part.units))).toBeLessThanOrEqual(most);
        expect(unitsLeft).toBe(most - (parts.at(-1)?.units ?? NaN));
        const cut = parts.flatMap((part) => graphemesOf(part.text));
        if (coding === 'ucs2') expect(cut).toEqual(graphemesOf(text));
      }),
    );
  });

  it('counts as an independent calculator does', () => {
    fc.assert(
      fc.property(fc.oneof(gsmText, anyText), (text) => {
        const other = new SegmentedMessage(text);
        // It has rules of its own for what makes one grapheme; where they differ, so may the edges.
        fc.pre(
          text !== '' && !text.includes('\r') && graphemesOf(text).join('|') === other.graphemes.join('|'),
        );
        const { label, parts, units, coding } = planned(text);
        const bits = coding === 'gsm7' ? 7 : 16;
        expect([label, parts.length, units * bits]).toEqual([
          other.encodingName,
          other.segmentsCount,
          other.messageSize,
        ]);
        expect(parts.map((part) => part.units * bits)).toEqual(
          other.segments.map((segment) => segment.messageSizeInBits()),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is made of the longest and the most hostile texts in far less than a turn may take', () => {
    const hostile = [
      'a'.repeat(255 * 153),
      'ж'.repeat(255 * 67),
      '😀'.repeat(8_000),
      '🇩'.repeat(8_000),
      `a${'\u0301'.repeat(17_000)}`,
      '👩\u200d'.repeat(5_600),
      '“'.repeat(17_000),
      'क्'.repeat(8_000),
    ];
    for (const text of hostile) {
      const times = [1, 2, 3, 4].map(() => {
        const before = performance.now();
        planText(text, { transliterate: true });
        return performance.now() - before;
      });
      expect(Math.min(...times)).toBeLessThan(50);
    }
  });
});

describe('the pieces of a plan', () => {
  const long = planned(`${'a'.repeat(152)}€${'b'.repeat(50)}`);

  it('need nothing beside the text where there is one part, however it would be carried', () => {
    for (const carriage of carriages) {
      expect(piecesOf(planned('Hi ж', { carriage }), 7)).toEqual([
        { udhi: false, dataCoding: 8, shortMessage: Buffer.from('00480069002004' + '36', 'hex') },
      ]);
    }
  });

  it('have headers of 8 bits, with the low octet of the reference', () => {
    const [first, second] = piecesOf(long, 0x1cc);
    expect(first).toMatchObject({ udhi: true, dataCoding: 0 });
    expect(first?.shortMessage.subarray(0, 7).toString('hex')).toBe('050003cc020161');
    expect(second?.shortMessage.subarray(0, 9).toString('hex')).toBe('050003cc02021b6562');
  });

  it('have headers of 16 bits', () => {
    const [first] = piecesOf({ ...long, carriage: 'udh16' }, 0x1cc);
    expect(first?.shortMessage.subarray(0, 8).toString('hex')).toBe('06080401cc020161');
  });

  it('have the message centre make the headers', () => {
    const pieces = piecesOf({ ...long, carriage: 'sar' }, 0x1cc);
    expect(pieces.map(({ udhi, sar }) => ({ udhi, sar }))).toEqual([
      { udhi: false, sar: { reference: 0x1cc, of: 2, number: 1 } },
      { udhi: false, sar: { reference: 0x1cc, of: 2, number: 2 } },
    ]);
  });

  it('are one where the message centre cuts', () => {
    const [piece, ...others] = piecesOf({ ...long, carriage: 'payload' }, 1);
    expect(others).toEqual([]);
    expect(piece?.shortMessage).toHaveLength(0);
    expect(piece?.messagePayload).toHaveLength(204);
  });

  it('fit into 140 octets on the air each, and say the text when they are read and joined', () => {
    fc.assert(
      fc.property(fc.oneof(gsmText, anyText), fc.constantFrom(...carriages), (given, carriage) => {
        const text = given.replace(/^\ufeff/, '');
        const plan = planned(text, { carriage });
        const pieces = piecesOf(plan, 300);
        const read = pieces.map(({ udhi, sar, ...fields }) =>
          readMessage({ ...fields, esmClass: udhi ? 0x40 : 0, ...(sar ? { sar } : {}) }),
        );
        const joined = read.map((message) => ('part' in message ? message.part : undefined));
        const [only] = read;
        expect(only && 'text' in only ? { text: only.text } : contentOf(joined)).toEqual({ text });
        for (const { udhi, shortMessage } of pieces) {
          const header = udhi ? shortMessage.length - parseHeader(shortMessage).body.length : 0;
          const onAir =
            plan.coding === 'gsm7'
              ? Math.ceil(((shortMessage.length - header) * 7) / 8)
              : shortMessage.length - header;
          if (carriage !== 'payload') expect(onAir + header).toBeLessThanOrEqual(140);
        }
      }),
    );
  });
});
