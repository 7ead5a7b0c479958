import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { fromGsm, septetsOf, toGsm } from './gsm.js';

const alphabet = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => septetsOf(character) > 0,
);

describe('the GSM 7 bit default alphabet', () => {
  it('is the one that an independent calculator has, character by character', () => {
    expect(alphabet).toHaveLength(127 + 10);
    for (let code = 0; code < 0x10000; code++) {
      const character = String.fromCharCode(code);
      const { encodingName, encodedChars } = new SegmentedMessage(character);
      const octets =
        encodingName === 'GSM-7' ? encodedChars.flatMap(({ codeUnits }) => codeUnits) : undefined;
      const ours = toGsm(character);
      if (ours?.toString('hex') !== (octets && Buffer.from(octets).toString('hex'))) {
        throw new Error(`U+${code.toString(16)} is ${String(ours?.toString('hex'))} here`);
      }
    }
  });

  it('says a few texts as the standard does', () => {
    expect(toGsm('@£$ é Ç ñ ¿')?.toString('hex')).toBe('00010220052009207d2060');
    expect(toGsm('[€]')?.toString('hex')).toBe('1b3c1b651b3e');
    expect(toGsm('ç')).toBeUndefined();
    expect(toGsm('fine ’')).toBeUndefined();
    expect(toGsm('\u001b')).toBeUndefined();
    expect(toGsm('')).toEqual(Buffer.alloc(0));
  });

  it('reads back all that it can say', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 200 }), (text) => {
        expect(fromGsm(toGsm(text) ?? Buffer.alloc(0))).toBe(text);
      }),
    );
  });

  it.each([
    ['an unknown escape is its base character', '411b4142', 'AAB'],
    ['an escape before a control is that control', '1b0d', '\r'],
    ['two escapes are a space', '411b1b42', 'A B'],
    ['an escape at the end is a space', '411b', 'A '],
    ['an octet that is no septet is a replacement character', '41ff80', 'A\ufffd\ufffd'],
    ['one after an escape too', '1bff41', '\ufffdA'],
  ])('reads whatever comes: %s', (_what, hex, text) => {
    expect(fromGsm(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it('reads any octets as as many characters at most', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(fromGsm(octets).length).toBeLessThanOrEqual(octets.length);
      }),
    );
  });
});
