import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AddressError } from '#connector';
import { parseUri } from '#protocols/sip';
import { addressOf, domainOf, partyOf, sipAddresses, uriOf } from './sip.addresses.js';

const settings = { address: 'alice@example.org' };
const typed = (raw: string): string => sipAddresses.parse(raw, settings).value;

describe('what a person types', () => {
  test.each([
    ['bob@example.org', 'bob@example.org'],
    ['  Bob@EXAMPLE.org ', 'Bob@example.org'],
    ['sip:bob@example.org', 'bob@example.org'],
    ['SIPS:bob@example.org:5061', 'bob@example.org'],
    ['sip:bob@example.org:5060', 'bob@example.org'],
    ['bob@example.org:5070', 'bob@example.org:5070'],
    ['sip:bob:secret@example.org;transport=tcp?subject=x', 'bob@example.org'],
    ['"Bob" <sip:bob@example.org>', 'bob@example.org'],
    ['bob', 'bob@example.org'],
    ['1001', '1001@example.org'],
    ['+1 (202) 555-0123', '+12025550123@example.org'],
    ['030/123 456', '030123456@example.org'],
    ['tel:+1-202-555-0123', '+12025550123@example.org'],
    ['+1-202-555-0123@gateway.example.net', '+12025550123@gateway.example.net'],
    ['im:bob@example.net', 'bob@example.net'],
    ['pres:bob@example.net', 'bob@example.net'],
    ['pbx.example.org', 'pbx.example.org'],
    ['bob@[2001:DB8::1]:5070', 'bob@[2001:db8::1]:5070'],
    ['bob@192.0.2.1', 'bob@192.0.2.1'],
    ['jürgen@example.org', 'j%C3%BCrgen@example.org'],
    ['alice%40home@example.org', 'alice%40home@example.org'],
    ['100%@example.org', '100%25@example.org'],
    ['bob@münchen.example', 'bob@xn--mnchen-3ya.example'],
  ])('%s is %s', (raw, address) => {
    expect(typed(raw)).toBe(address);
    expect(sipAddresses.kindOf(address)).toBe('direct');
  });

  test.each([
    '',
    '@example.org',
    'a b@example.org',
    'bob@',
    'bob@example.org\nx',
    'sip:bob@example.org\r\nx',
    'bob@ex ample.org',
    'http://example.org',
    'bob@exa/mple',
    'x'.repeat(2_000),
    'sip:',
    '<sip:a@b',
  ])('%j is no address, and a sentence says so', (raw) => {
    expect(() => typed(raw)).toThrow(AddressError);
  });

  test('needs a domain where the account has none', () => {
    expect(() => sipAddresses.parse('bob', {})).toThrow(AddressError);
    expect(sipAddresses.parse('bob', { domain: 'example.net' }).value).toBe('bob@example.net');
  });

  test('that is canonical stays what it is under all settings, and makes a URI', () => {
    const user = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
    fc.assert(
      fc.property(user, fc.constantFrom('example.org', '[::1]:5070', 'h'), (name, host) => {
        let address;
        try {
          address = typed(`${name}@${host}`);
        } catch {
          return;
        }
        expect(sipAddresses.parse(address, {}).value).toBe(address);
        expect(addressOf(uriOf(address))).toBe(address);
        expect(parseUri(uriOf(address))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe('what comes from the wire', () => {
  test.each([
    ['sip:Bob@EXAMPLE.org;gr=urn:uuid:1;transport=tls', 'Bob@example.org'],
    ['sip:%62ob@example.org', 'bob@example.org'],
    ['sip:+1-202-555-0123@example.net;user=phone', '+12025550123@example.net'],
    ['tel:+1-202-555-0123', '+12025550123@example.org'],
    ['tel:7042;phone-context=example.com', '7042@example.org'],
    ['sips:bob@example.org', 'bob@example.org'],
    ['sip:pbx.example.org', 'pbx.example.org'],
  ])('%s is %s', (uri, address) => {
    expect(addressOf(uri, 'example.org')).toBe(address);
  });

  test.each([
    '',
    'sip:',
    'mailto:a@example.org',
    'sip:@example.org',
    'sip:a@b@c',
    'sip:localhost',
    `sip:${'a'.repeat(2_000)}@b.c`,
  ])('%j names nobody', (uri) => {
    expect(addressOf(uri, 'example.org')).toBeUndefined();
  });

  test('has a name where it says one that is not the address', () => {
    expect(partyOf('"Bob\tB." <sip:bob@example.org>;tag=1')).toEqual({
      address: 'bob@example.org',
      kind: 'stable',
      name: 'Bob B.',
    });
    expect(partyOf('"bob@example.org" <sip:bob@example.org>')).toEqual({
      address: 'bob@example.org',
      kind: 'stable',
    });
    expect(partyOf('nonsense <')).toBeUndefined();
  });

  test('by somebody who does not say who they are is of nobody in particular (RFC 3323)', () => {
    expect(partyOf('"Anonymous" <sip:anonymous@anonymous.invalid>')).toMatchObject({ kind: 'transient' });
  });
});

describe('an address for people', () => {
  test('is without escapes, unless they hide what cannot be shown', () => {
    expect(sipAddresses.display('j%C3%BCrgen@example.org')).toBe('jürgen@example.org');
    expect(sipAddresses.display('a%20b@example.org')).toBe('a%20b@example.org');
    expect(sipAddresses.display('a%40b@example.org')).toBe('a%40b@example.org');
    expect(domainOf('a@example.org:5070')).toBe('example.org:5070');
  });
});
