import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildHeader, concatenationElement, parseHeader } from './headers.js';

function parse(hex: string): ReturnType<typeof parseHeader> {
  return parseHeader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

describe('a user data header', () => {
  it('says which part it is, with a reference of 8 bits or of 16', () => {
    expect(parse('050003cc0201 4142')).toMatchObject({
      concatenation: { size: 8, reference: 0xcc, of: 2, number: 1 },
      body: Buffer.from('AB'),
    });
    expect(parse('06080401cc0302 43')).toMatchObject({
      concatenation: { size: 16, reference: 0x1cc, of: 3, number: 2 },
      body: Buffer.from('C'),
    });
  });

  it('keeps elements that are not understood: ports before a concatenation', () => {
    expect(parse('0b 05040b8423f0 0003110b01 41')).toEqual({
      elements: [
        { id: 5, data: Buffer.from('0b8423f0', 'hex') },
        { id: 0, data: Buffer.from('110b01', 'hex') },
      ],
      concatenation: { size: 8, reference: 0x11, of: 11, number: 1 },
      body: Buffer.from('A'),
    });
  });

  it('counts by the last of two elements that exclude each other', () => {
    expect(parse('0b 0003110b01 0804001202 01')).toMatchObject({
      concatenation: { size: 16, reference: 0x12, of: 2, number: 1 },
    });
  });

  it.each([
    ['no parts', '050003cc0001'],
    ['part 0', '050003cc0200'],
    ['a part past the last', '050003cc0203'],
    ['an element of another length', '040002cc02'],
    ['an empty header', '00'],
  ])('that says %s concatenates nothing', (_what, hex) => {
    const read = parse(`${hex}41`);
    expect(read).not.toHaveProperty('malformed');
    expect(read).not.toHaveProperty('concatenation');
    expect(read.body).toEqual(Buffer.from('A'));
  });

  it.each([
    ['nothing at all', '', ''],
    ['a header longer than the message', '0a000301', '0a000301'],
    ['an element past the header', '050004cc020141', '41'],
    ['half an element', '060003cc02010841', '41'],
  ])('is malformed where there is %s, and what can be read is kept', (_what, hex, body) => {
    const read = parse(hex);
    expect(read).toHaveProperty('malformed', expect.stringMatching(/^[A-Z].*\.$/));
    expect(read).not.toHaveProperty('elements');
    expect(read.body.toString('hex')).toBe(body);
  });

  it('is read as it was built', () => {
    const element = fc.record({
      id: fc.integer({ min: 0x20, max: 0xff }),
      data: fc.uint8Array({ maxLength: 20 }),
    });
    const part = fc.record({
      size: fc.constantFrom(8 as const, 16 as const),
      reference: fc.integer({ min: 0, max: 255 }),
      of: fc.constant(255),
      number: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 8 }),
        part,
        fc.uint8Array(),
        (others, concatenation, body) => {
          const elements = others.map(({ id, data }) => ({ id, data: Buffer.from(data) }));
          const header = buildHeader([...elements, concatenationElement(concatenation)]);
          expect(parseHeader(Buffer.concat([header, body]))).toEqual({
            elements: [...elements, concatenationElement(concatenation)],
            concatenation,
            body: Buffer.from(body),
          });
        },
      ),
    );
  });

  it('is not built where it does not fit', () => {
    expect(() => buildHeader([{ id: 1, data: Buffer.alloc(254) }])).toThrow(RangeError);
  });

  it('is never thrown at, whatever the octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(parseHeader(octets).body.length).toBeLessThanOrEqual(octets.length);
      }),
    );
  });
});
