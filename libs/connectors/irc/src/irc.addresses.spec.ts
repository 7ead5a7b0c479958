import { describe, expect, it } from '@jest/globals';
import { AddressError } from '#connector';
import { accountAddress, addressOf, ircAddresses, wireTarget } from './irc.addresses.js';

describe('IRC addresses', () => {
  it.each([
    ['alice', 'alice', 'transient', 'direct'],
    ['  Alice ', 'alice', 'transient', 'direct'],
    ['Al[i]ce^', 'al[i]ce^', 'transient', 'direct'],
    ['*status', '*status', 'transient', 'direct'],
    ['#Lobby', '#lobby', 'stable', 'room'],
    ['&Local', '&local', 'stable', 'room'],
    ['##double', '##double', 'stable', 'room'],
    ['#Ärger', '#Ärger', 'stable', 'room'],
    ['account:Alice', 'account:alice', 'stable', 'direct'],
  ] as const)('are read from what a person types: %s', (raw, value, kind, conversation) => {
    expect(ircAddresses.parse(raw, {})).toEqual({ value, kind });
    expect(ircAddresses.kindOf(value)).toBe(conversation);
    expect(ircAddresses.parse(ircAddresses.display(value), {})).toEqual({ value, kind });
  });

  it.each([
    '',
    ' ',
    '#',
    '#a b',
    '#a,b',
    '#a:b',
    'a,b',
    'alice!a@example.org',
    '7of9',
    '-x',
    '$*',
    'a\rb',
    'a\0b',
    '\nalice',
    'ali\u202ece',
    '\ud800',
    'x'.repeat(300),
    'account:',
  ])('are refused with a sentence: %j', (raw) => {
    expect(() => ircAddresses.parse(raw, {})).toThrow(AddressError);
    expect(() => ircAddresses.parse(raw, {})).toThrow(/\w+ \w+ .*\.$/);
  });

  it('fold no more than every network folds, because folding too much would reach somebody else', () => {
    expect(addressOf('Nick[A]')).toBe('nick[a]');
    expect(addressOf('nick{a}')).not.toBe(addressOf('nick[a]'));
    expect(accountAddress('Alice')).toBe('account:alice');
  });

  it('can be written to, but for services accounts and what would break or re-aim a line', () => {
    expect(wireTarget('#lobby')).toBe('#lobby');
    for (const address of ['account:alice', '', 'a b', 'a,b', ':a', 'a\r\nQUIT', 'a\0']) {
      expect(wireTarget(address)).toBeUndefined();
    }
  });
});
