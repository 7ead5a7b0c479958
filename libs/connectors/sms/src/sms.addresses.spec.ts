import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressError, type JsonObject } from '#connector';
import { conversationOf, endsOf, fromTon, ownNumbers, smsAddresses, toTon } from './sms.addresses.js';

const own = '+12025550100';
const american: JsonObject = { numbers: ['+1 202 555 0100', '12345', 'ACME'], region: 'US' };
const german: JsonObject = { numbers: [own], region: 'DE' };
const nowhere: JsonObject = { numbers: [own] };

function parse(raw: string, settings = american): string {
  return smsAddresses.parse(raw, settings).value;
}

describe('addresses of phones', () => {
  it.each([
    ['+12025550123', '+12025550123'],
    ['+1 (202) 555-0123', '+12025550123'],
    ['202-555-0123', '+12025550123'],
    ['1 202 555 0123', '+12025550123'],
    ['12025550123', '+12025550123'],
    ['011 44 7700 900123', '+447700900123'],
    ['+44 7700 900123', '+447700900123'],
    ['\u202a+1 202 555 0123\u202c', '+12025550123'],
    ['１２０２５５５０１２３', '+12025550123'],
    ['+1 202\u2011555\u20110123', '+12025550123'],
    ['tel:+1-202-555-0123;ext=5', '+12025550123'],
    ['sms:+12025550123?body=hi%20there', '+12025550123'],
  ])('are read as people write them: %j', (raw, peer) => {
    expect(smsAddresses.parse(raw, american)).toEqual({ value: `${peer}/${own}`, kind: 'reassignable' });
  });

  it.each([
    ['0155 50001234', '+4915550001234'],
    ['015550001234', '+4915550001234'],
    ['4915550001234', '+4915550001234'],
    ['004915550001234', '+4915550001234'],
    ['030/1234567', '+49301234567'],
    ['12025550123', '+12025550123'],
  ])('are read where a country writes a 0 before them: %j', (raw, peer) => {
    expect(parse(raw, german)).toBe(`${peer}/${own}`);
  });

  it('need a country code where the account says no country', () => {
    expect(parse('0012025550123', nowhere)).toBe(`+12025550123/${own}`);
    expect(() => parse('2025550123', nowhere)).toThrow(
      new AddressError('Write the number with + and its country code, such as +1 202 555 0123.'),
    );
  });

  it.each(['12345', '123', '12-345', '12345678', '1234567'])(
    'are short codes before they are anything else: %s is no number with a country code',
    (raw) => {
      for (const settings of [american, german, nowhere]) {
        expect(endsOf(parse(raw, settings)).peers).toEqual([raw.replace('-', '')]);
      }
    },
  );

  it('are numbers of 8 digits in a country whose numbers have so many', () => {
    expect(parse('412 34 567', { ...nowhere, region: 'NO' })).toBe(`+4741234567/${own}`);
    expect(parse('2440', { ...nowhere, region: 'NO' })).toBe(`2440/${own}`);
  });

  it('have our side: the first of our numbers, or the one that is said', () => {
    expect(parse('+12025550123')).toBe('+12025550123/+12025550100');
    expect(parse('+12025550123/12345')).toBe('+12025550123/12345');
    expect(parse('+1 202 555 0123 / ACME')).toBe('+12025550123/ACME');
    expect(parse('ACME/+12025550100')).toBe('ACME/+12025550100');
    expect(() => parse('+12025550123', {})).toThrow(AddressError);
    expect(ownNumbers(american)).toEqual([own, '12345', 'ACME']);
  });

  it('of a group are its members, whatever their order and however often they are said, without us', () => {
    const group = '+12025550123,+447700900456/+12025550100';
    for (const raw of [
      '+447700900456, 202-555-0123',
      '+12025550123;+447700900456;+1 202 555 0123',
      `sms:+12025550123,+447700900456`,
      `+12025550123,${own},+447700900456`,
      group,
    ]) {
      expect(parse(raw)).toBe(group);
    }
    expect(smsAddresses.kindOf(group)).toBe('room');
    expect(smsAddresses.kindOf('+12025550123/+12025550100')).toBe('direct');
    expect(parse('+12025550123,+1 202 555 0123')).toBe(`+12025550123/${own}`);
    expect(() => parse('+12025550123,12345')).toThrow('A group is made of phone numbers, and 12345 is none.');
    expect(() => parse('+12025550123,ACME')).toThrow(AddressError);
  });

  it.each([
    ['+12025550123/+12025550100', '+1 202-555-0123 / +1 202-555-0100'],
    ['+4915550001234/12345', '+49 15550 001234 / 12345'],
    ['+12025550123', '+1 202-555-0123'],
    ['ACME/+12025550100', 'ACME / +1 202-555-0100'],
    ['A%2FB/+12025550100', 'A/B / +1 202-555-0100'],
    ['+12025550123,+447700900456/12345', '+1 202-555-0123, +44 7700 900456 / 12345'],
  ])('are shown as people write them, with our side where it is said: %s', (address, shown) => {
    expect(smsAddresses.display(address)).toBe(shown);
    if (address.includes('/') && !address.includes('%')) expect(parse(shown)).toBe(address);
    if (address.includes('/')) expect(parse(address)).toBe(address);
  });

  it.each([
    '',
    ' ',
    '12',
    '+',
    '++12025550123',
    '+12345',
    '+1202555012345678',
    '+99912345678',
    '+0123456789',
    'alice@example.org',
    'A name that is long',
    'ACME ж',
    '202-555-0123 ext. 5',
    '12025550123\u0000',
    '1202555\n0123x',
    '\ud800',
    '/',
    ',',
    'sms:%',
    '١',
    '9'.repeat(60),
    '9'.repeat(100_000),
    '+12025550123,'.repeat(500),
    '('.repeat(1_900),
  ])('are refused with a sentence: %j', (raw) => {
    expect(() => parse(raw)).toThrow(AddressError);
    expect(() => parse(raw)).toThrow(/^\S+ \S+ .*\.$/su);
  });

  it('never fail otherwise, whatever is typed, and are read from what they became', () => {
    const odd = fc.string({
      unit: fc.constantFrom(...Array.from('+0123456789 ()-./,;:%AZé€ж\0\u202e٣')),
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        fc.oneof(odd, fc.string({ unit: 'binary' })),
        fc.constantFrom(american, german, nowhere),
        (raw, settings) => {
          let value: string;
          try {
            value = parse(raw, settings);
          } catch (error) {
            expect(error).toBeInstanceOf(AddressError);
            return;
          }
          expect(parse(value, settings)).toBe(value);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([
    '+12025550123/+12025550100',
    '+12025550123/+447700900999',
    '+12025550123/12345',
    '12345/+12025550100',
    '41234567/+12025550100',
    '2025550123/+12025550100',
    'ACME/+12025550100',
    'A LONGER NAME THAN ANY/+12025550100'.slice(6),
    'A%2FB%2C C%25/+12025550100',
    '+12025550123,+447700900456/+12025550100',
  ])('stay what they are once they are made, under whatever settings: %s', (address) => {
    for (const settings of [american, german, nowhere, { ...german, region: 'NO' }, {}]) {
      expect(parse(address, settings)).toBe(address);
    }
  });

  it('tell who is at the other end', () => {
    expect(smsAddresses.membersOf?.('+12025550123/12345')).toEqual([
      { value: '+12025550123', kind: 'reassignable' },
    ]);
    expect(smsAddresses.membersOf?.('+12025550123,+447700900456/12345')).toHaveLength(2);
  });

  it('are no conversation with a short code where they are a number with a slash in it', () => {
    expect(parse('+49155/50001234', german)).toBe(`+4915550001234/${own}`);
    expect(parse('030/1234567', german)).toBe(`+49301234567/${own}`);
  });
});

describe('parties as SMPP writes them', () => {
  it.each([
    ['+12025550123', { ton: 1, npi: 1, addr: '12025550123' }],
    ['12345', { ton: 0, npi: 0, addr: '12345' }],
    ['2025550123', { ton: 2, npi: 1, addr: '2025550123' }],
    ['ACME', { ton: 5, npi: 0, addr: 'ACME' }],
    ['A%2FB', { ton: 5, npi: 0, addr: 'A/B' }],
  ])('are written with their type: %s', (party, written) => {
    expect(toTon(party)).toEqual(written);
    expect(fromTon(written, undefined)).toBe(party);
  });

  it.each([
    ['international', 1, '12025550123', undefined, '+12025550123'],
    ['international, with a plus all the same', 1, '+12025550123', undefined, '+12025550123'],
    ['international, with zeros all the same', 1, '0012025550123', undefined, '+12025550123'],
    ['international, and a short code', 1, '12345', undefined, '12345'],
    ['international, and a short code, with a plus', 1, '+12345', undefined, '12345'],
    ['international, and shorter than most', 1, '29022222', undefined, '+29022222'],
    ['national', 2, '2025550123', 'US', '+12025550123'],
    ['national, with its 0', 2, '015550001234', 'DE', '+4915550001234'],
    ['national, of a country that nobody said', 2, '015550001234', undefined, '015550001234'],
    ['unknown, with its country code', 0, '12025550123', 'US', '+12025550123'],
    ['unknown, with another country code', 0, '4915550001234', 'US', '+4915550001234'],
    ['unknown, with its own country code', 0, '4915550001234', 'DE', '+4915550001234'],
    ['unknown, of no country', 0, '447700900123', undefined, '+447700900123'],
    ['unknown, and a short code', 0, '12345', 'US', '12345'],
    ['of the network', 3, '12345', 'US', '12345'],
    ['of a subscriber', 4, '5550123', 'US', '5550123'],
    ['abbreviated', 6, '741', 'US', '741'],
    ['a name', 5, 'ACME', 'US', 'ACME'],
    ['a name, and a number all the same', 5, '12025550123', 'US', '+12025550123'],
    ['a number, and a name all the same', 1, 'ACME', 'US', 'ACME'],
    ['a name that would break an address', 5, 'A/B, C%', 'US', 'A%2FB%2C C%25'],
    ['nothing', 0, '', 'US', 'unknown'],
    ['national, of a country that is none', 2, '2025550123', 'ZZ', '2025550123'],
  ] as const)('are read: %s', (_what, ton, addr, region, party) => {
    expect(fromTon({ ton, npi: 1, addr }, region)).toBe(party);
  });

  it('are read whatever they are, as one side of one conversation', () => {
    const written = fc.record({
      ton: fc.integer({ min: 0, max: 255 }),
      npi: fc.constant(1),
      addr: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(written, fc.constantFrom('US', 'DE', undefined), (typed, region) => {
        const party = fromTon(typed, region);
        expect(party).not.toBe('');
        expect(endsOf(conversationOf({ peers: [party], own }))).toEqual({ peers: [party], own });
      }),
      { numRuns: 1_000 },
    );
  });
});
