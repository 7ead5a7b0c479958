import { describe, expect, it } from '@jest/globals';
import { AddressError } from '#connector';
import { addressOf, bareOf, occupantOf, xmppAddresses } from './xmpp.addresses.js';

describe('XMPP addresses (RFC 7622)', () => {
  it.each([
    ['alice@example.org', 'alice@example.org', 'stable'],
    ['  Alice@Example.ORG ', 'alice@example.org', 'stable'],
    ['xmpp:alice@example.org?message;body=hi', 'alice@example.org', 'stable'],
    ['xmpp://guest@example.org/support@example.org', 'support@example.org', 'stable'],
    ['xmpp:caf%C3%A9@example.org', 'café@example.org', 'stable'],
    ['cafe\u0301@example.org', 'café@example.org', 'stable'],
    ['alice@example.org.', 'alice@example.org', 'stable'],
    ['alice@xn--mnchen-3ya.example.org', 'alice@münchen.example.org', 'stable'],
    ['Lounge@rooms.example.org/Bob the Builder', 'lounge@rooms.example.org/Bob the Builder', 'transient'],
    ['lounge@rooms.example.org/a/b@c', 'lounge@rooms.example.org/a/b@c', 'transient'],
    ['alice@[::1]', 'alice@[::1]', 'stable'],
    ['alice@127.0.0.1', 'alice@127.0.0.1', 'stable'],
    ['\uff21lice@example.org', 'alice@example.org', 'stable'],
    ['example.org', 'example.org', 'stable'],
  ])('reads %p', (raw, value, kind) => {
    expect(xmppAddresses.parse(raw, {})).toEqual({ value, kind });
    expect(xmppAddresses.parse(value, {})).toEqual({ value, kind });
  });

  it.each([
    '',
    '@example.org',
    'alice@',
    'alice@example.org/',
    'al ice@example.org',
    'a@b@c',
    "o'neil@x.org",
    'a\0b@x.org',
  ])('takes no %p', (raw) => {
    expect(() => xmppAddresses.parse(raw, {})).toThrow(AddressError);
  });

  it('takes no part of more than 1,023 bytes', () => {
    expect(addressOf(`${'é'.repeat(512)}@example.org`)).toBeUndefined();
    expect(addressOf(`${'é'.repeat(511)}@example.org`)).toBeDefined();
  });

  it('leaves open whether a bare address is a room, and knows that somebody in one is somebody', () => {
    expect(xmppAddresses.kindOf('lounge@rooms.example.org')).toBeUndefined();
    expect(xmppAddresses.kindOf('lounge@rooms.example.org/bob')).toBe('direct');
    expect(xmppAddresses.kindOf('example.org')).toBe('direct');
  });

  it('compares what comes from the wire as it compares what a person typed', () => {
    expect(bareOf('ALICE@example.org/phone')).toBe('alice@example.org');
    expect(occupantOf('lounge@rooms.example.org', 'bob')).toBe('lounge@rooms.example.org/bob');
    expect(bareOf('')).toBeUndefined();
    expect(bareOf(undefined)).toBeUndefined();
  });
});
