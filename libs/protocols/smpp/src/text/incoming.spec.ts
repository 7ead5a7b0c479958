import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contentOf, partOfText, readMessage } from './incoming.js';

const plain = { esmClass: 0, dataCoding: 0, shortMessage: Buffer.from('Hi') };
const hex = (octets: string): Buffer => Buffer.from(octets, 'hex');

describe('a message as it comes', () => {
  it('is a text where it is whole', () => {
    expect(readMessage(plain)).toEqual({ text: 'Hi', elements: [] });
    expect(readMessage({ ...plain, dataCoding: 0x18, shortMessage: hex('d83dde00') })).toEqual({
      text: '😀',
      messageClass: 0,
      elements: [],
    });
  });

  it('is read with what the message centre means by its default alphabet', () => {
    expect(readMessage({ ...plain, shortMessage: hex('e9') }, 'latin1')).toMatchObject({ text: 'é' });
  });

  it('lies in the payload where the short message is empty', () => {
    const shortMessage = Buffer.alloc(0);
    expect(readMessage({ ...plain, shortMessage, messagePayload: Buffer.from('Long') })).toMatchObject({
      text: 'Long',
    });
    expect(readMessage({ ...plain, shortMessage })).toMatchObject({ text: '' });
  });

  it('is octets where it is no text', () => {
    expect(readMessage({ ...plain, dataCoding: 4, shortMessage: hex('00ff') })).toEqual({
      bytes: hex('00ff'),
      elements: [],
    });
  });

  it('is a part where its header says so, and its octets stay as they are', () => {
    expect(readMessage({ esmClass: 0x40, dataCoding: 8, shortMessage: hex('050003070201d83d') })).toEqual({
      part: { size: 8, reference: 7, of: 2, number: 1, coding: 'ucs2', bytes: hex('d83d') },
      elements: [{ id: 0, data: hex('070201') }],
    });
  });

  it('is a part where the message centre says so, and the header says nothing else', () => {
    const sar = { reference: 300, of: 3, number: 2 };
    expect(readMessage({ ...plain, sar })).toHaveProperty('part', {
      ...sar,
      size: 'sar',
      coding: 'gsm7',
      bytes: Buffer.from('Hi'),
    });
    expect(
      readMessage({ ...plain, esmClass: 0x40, shortMessage: hex('05000307020148'), sar }),
    ).toHaveProperty('part.size', 8);
  });

  it.each([
    { reference: 1, of: 0, number: 0 },
    { reference: 1, of: 2, number: 3 },
    { reference: 1, of: 2, number: 0 },
    { reference: 1, of: 1, number: 1 },
    { reference: 1, of: NaN, number: 1 },
  ])('is whole where the numbers of its parts cannot be, or there is one: %j', (sar) => {
    expect(readMessage({ ...plain, sar })).toMatchObject({ text: 'Hi' });
  });

  it('keeps its text where its header is malformed, and says what is wrong', () => {
    expect(readMessage({ esmClass: 0x40, dataCoding: 0, shortMessage: hex('0500040702014869') })).toEqual({
      text: 'Hi',
      headerFault: 'Element 0 of the header reaches past its end.',
      elements: [],
    });
  });

  it('is never thrown at', () => {
    const fields = fc.record(
      {
        esmClass: fc.integer({ min: 0, max: 255 }),
        dataCoding: fc.integer({ min: 0, max: 255 }),
        shortMessage: fc.uint8Array({ maxLength: 254 }),
        messagePayload: fc.uint8Array({ maxLength: 400 }),
        sar: fc.record({ reference: fc.nat(), of: fc.nat(300), number: fc.nat(300) }),
      },
      { requiredKeys: ['esmClass', 'dataCoding', 'shortMessage'] },
    );
    fc.assert(
      fc.property(fields, (received) => {
        const read = readMessage(received);
        if ('text' in read) expect(read.text.isWellFormed()).toBe(true);
        if ('part' in read) expect(read.part.of).toBeGreaterThan(1);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('parts joined', () => {
  const ucs2 = (octets: string) => ({ coding: 'ucs2' as const, bytes: hex(octets) });
  const gsm7 = (octets: string) => ({ coding: 'gsm7' as const, bytes: hex(octets) });

  it('give back a character that begins in one and ends in the next', () => {
    expect(contentOf([ucs2('0048d83d'), ucs2('de000049')])).toEqual({ text: 'H😀I' });
    expect(contentOf([ucs2('00480'.slice(0, 4) + '04'), ucs2('36')])).toEqual({ text: 'Hж' });
    expect(contentOf([gsm7('481b'), gsm7('6549')])).toEqual({ text: 'H€I' });
  });

  it('are read each in its own coding', () => {
    expect(contentOf([gsm7('4800'), ucs2('0436'), gsm7('02')])).toEqual({ text: 'H@ж$' });
  });

  it('show where parts are missing', () => {
    expect(contentOf([undefined, gsm7('41'), undefined, undefined, gsm7('42'), undefined])).toEqual({
      text: '[…]A[…]B[…]',
    });
  });

  it('do not make a character of halves between which a part is missing', () => {
    expect(contentOf([ucs2('d83d'), undefined, ucs2('de00')])).toEqual({ text: '\ufffd[…]\ufffd' });
  });

  it('are octets where they are no text', () => {
    const binary = { coding: 'binary' as const, bytes: hex('ff00') };
    expect(contentOf([binary, undefined, binary])).toEqual({ bytes: hex('ff00ff00') });
  });

  it('may have come as text', () => {
    const part = { size: 8 as const, reference: 1, of: 2 };
    const [first, second] = Array.from(['Hi \ud83d', '\ude00 é'], (text, index) =>
      partOfText({ ...part, number: index + 1 }, text),
    );
    expect(contentOf([first, second])).toEqual({ text: 'Hi 😀 é' });
  });
});
