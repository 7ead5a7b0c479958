import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText, readDataCoding, toUcs2, type TextCoding } from './codings.js';

describe('a data_coding', () => {
  it.each([
    [0x00, { coding: 'gsm7' }],
    [0x01, { coding: 'ascii' }],
    [0x02, { coding: 'binary' }],
    [0x03, { coding: 'latin1' }],
    [0x04, { coding: 'binary' }],
    [0x06, { coding: 'iso-8859-5' }],
    [0x07, { coding: 'iso-8859-8' }],
    [0x08, { coding: 'ucs2' }],
    [0x0e, { coding: 'euc-kr' }],
    [0x10, { coding: 'gsm7', messageClass: 0 }],
    [0x15, { coding: 'binary', messageClass: 1 }],
    [0x18, { coding: 'ucs2', messageClass: 0 }],
    [0x30, { coding: 'binary', messageClass: 0 }],
    [0x48, { coding: 'ucs2' }],
    [0x84, { coding: 'gsm7' }],
    [0xc8, { coding: 'gsm7' }],
    [0xd0, { coding: 'gsm7' }],
    [0xe0, { coding: 'ucs2' }],
    [0xf0, { coding: 'gsm7', messageClass: 0 }],
    [0xf3, { coding: 'gsm7', messageClass: 3 }],
    [0xf5, { coding: 'binary', messageClass: 1 }],
  ])('of %i is read as SMPP and TS 23.038 have it', (dataCoding, read) => {
    expect(readDataCoding(dataCoding)).toEqual(read);
  });

  it('of 0 means what this message centre says that it means, and nothing else changes', () => {
    expect(readDataCoding(0x00, 'latin1')).toEqual({ coding: 'latin1' });
    expect(readDataCoding(0xf0, 'latin1')).toEqual({ coding: 'gsm7', messageClass: 0 });
  });
});

describe('octets', () => {
  it.each([
    ['gsm7', '48c3', 'H\ufffd'],
    ['ascii', '4869e9', 'Hi\ufffd'],
    ['latin1', '4869e9', 'Hié'],
    ['ucs2', '004800e9d83dde00', 'Hé😀'],
    ['utf8', '48c3a9', 'Hé'],
    ['iso-8859-5', 'bfe0d8d2d5e2', 'Привет'],
    ['iso-8859-8', 'f9ecede5', 'שלםו'],
    ['iso-2022-jp', '1b2442467c4b5c1b2842', '日本'],
    ['euc-kr', 'c7d1b1db', '한글'],
  ] as const)('of %s are read', (coding, hex, text) => {
    expect(decodeText(coding, Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each([
    ['a byte order mark is no text', 'feff0048', 'H'],
    ['a turned one turns the rest', 'fffe4800e900', 'Hé'],
    ['half a pair is a replacement character', '0048d83d', 'H\ufffd'],
    ['so is half a code unit', '004800', 'H\ufffd'],
    ['nothing is nothing', '', ''],
  ])('of UCS-2 are read whatever they are: %s', (_what, hex, text) => {
    expect(decodeText('ucs2', Buffer.from(hex, 'hex'))).toBe(text);
  });

  it('of UCS-2 say any text that is well formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (given) => {
        const text = given.replace(/^[\ufeff\ufffe]+/, '').toWellFormed();
        expect(decodeText('ucs2', toUcs2(text))).toBe(text);
      }),
    );
  });

  it('never throw, in no coding', () => {
    const codings: TextCoding[] = [
      'gsm7',
      'ascii',
      'latin1',
      'ucs2',
      'utf8',
      'iso-8859-5',
      'iso-2022-jp',
      'euc-kr',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...codings), fc.uint8Array({ maxLength: 300 }), (coding, octets) => {
        expect(decodeText(coding, octets).isWellFormed()).toBe(true);
      }),
    );
  });
});
