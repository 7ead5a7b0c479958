import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import irc from 'irc-framework';
import { plain } from './formatting.js';
import { circumstanceOf, factOf } from './from-irc.js';
import { plainNetwork, type Network } from './network.js';

const network: Network = { ...plainNetwork, statusMarks: '@+' };
const fact = (line: string) => factOf(irc.ircLineParser(line), network, 'irc.test');
const circumstance = (line: string) => circumstanceOf(irc.ircLineParser(line));

describe('what is said', () => {
  const bob = { nick: 'bob', mask: 'bob!b@example.org' };

  it.each([
    [':bob!b@example.org PRIVMSG #lobby :hello', { channel: '#lobby', text: 'hello', how: 'message' }],
    [':bob!b@example.org PRIVMSG alice hello', { to: 'alice', text: 'hello', how: 'message' }],
    [':bob!b@example.org NOTICE alice :careful', { to: 'alice', text: 'careful', how: 'notice' }],
    [':bob!b@example.org PRIVMSG #a :\x01ACTION waves\x01', { channel: '#a', text: 'waves', how: 'emote' }],
    [':bob!b@example.org PRIVMSG #a :\x01ACTION waves', { channel: '#a', text: 'waves', how: 'emote' }],
    [':bob!b@example.org PRIVMSG @#ops :psst', { channel: '#ops', to: '@#ops', text: 'psst' }],
    [':bob!b@example.org PRIVMSG #a ::-)', { text: ':-)' }],
    [':bob!b@example.org PRIVMSG #a :\x02bold\x0f \x0304,01red\x03 \x1fx', { text: 'bold red x' }],
  ])('%j', (line, said) => {
    expect(fact(line)).toMatchObject({ fact: 'said', from: bob, ...said });
  });

  it('is not what programs ask of one another (CTCP)', () => {
    expect(fact(':bob!b@example.org PRIVMSG alice :\x01version\x01')).toMatchObject({
      fact: 'ctcp',
      kind: 'request',
      verb: 'VERSION',
      argument: '',
    });
    expect(fact(':bob!b@example.org PRIVMSG alice :\x01DCC SEND x 1 2 3\x01')).toMatchObject({
      verb: 'DCC',
      argument: 'SEND x 1 2 3',
    });
    expect(fact(':bob!b@example.org NOTICE alice :\x01VERSION x\x01')).toMatchObject({ kind: 'answer' });
    expect(fact(':bob!b@example.org PRIVMSG alice :\x01\x01')).toBeUndefined();
  });

  it('is dressed as its codes say', () => {
    expect(fact(':bob!b@example.org PRIVMSG #a :\x01ACTION \x02waves\x02 once\x01')).toMatchObject({
      text: 'waves once',
      spans: [{ start: 0, end: 5, style: { kind: 'bold' } }],
    });
  });

  it('to a part of a room is said in the room, with the mark of whom it was said to (STATUSMSG)', () => {
    expect(fact(':bob!b@example.org PRIVMSG @#ops :psst')).toMatchObject({ channel: '#ops', audience: '@' });
    expect(fact(':bob!b@example.org PRIVMSG #ops :all')).not.toHaveProperty('audience');
  });

  it('names what it answers, reacts to, or takes back (client tags, REDACT)', () => {
    expect(fact('@+draft/reply=m1 :bob!b@example.org PRIVMSG #a :yes')).toMatchObject({ replyTo: 'm1' });
    expect(fact('@+reply=m1 :bob!b@example.org PRIVMSG #a :yes')).toMatchObject({ replyTo: 'm1' });
    expect(fact('@+draft/react=👍;+draft/reply=m1 :bob!b@example.org TAGMSG #a')).toMatchObject({
      fact: 'tagged',
      about: 'm1',
      reaction: { emoji: '👍', removed: false },
    });
    expect(fact('@+draft/unreact=👍;+draft/reply=m1 :bob!b@example.org TAGMSG #a')).toMatchObject({
      reaction: { emoji: '👍', removed: true },
    });
    expect(fact('@+typing=active :bob!b@example.org TAGMSG alice')).toMatchObject({ typing: 'active' });
    expect(fact('@+typing=madly :bob!b@example.org TAGMSG alice')).not.toHaveProperty('typing');
    expect(fact(`@+draft/react=${'x'.repeat(65)};+draft/reply=m :b!b@c TAGMSG #a`)).not.toHaveProperty(
      'reaction',
    );
    expect(fact(':bob!b@example.org REDACT #a m1 :oops')).toMatchObject({ fact: 'redacted', msgid: 'm1' });
    expect(fact(':bob!b@example.org REDACT #a')).toBeUndefined();
    expect(fact(':bob!b@example.org TAGMSG')).toBeUndefined();
  });

  it('bears its id, its time, its author’s account, its label and its batch where the server gives them', () => {
    const line =
      '@time=2026-01-02T03:04:05.678Z;msgid=m1;account=bobby;label=l1;batch=b1 :bob!b@example.org PRIVMSG #a :x';
    expect(fact(line)).toMatchObject({ msgid: 'm1', from: { account: 'bobby' } });
    expect(circumstance(line)).toEqual({ at: Date.UTC(2026, 0, 2, 3, 4, 5, 678), label: 'l1', batch: 'b1' });
    expect(circumstance('@t=1767323045 :x PING')).toEqual({ at: 1_767_323_045_000 });
    expect(circumstance('@time=yesterday;label= :x PING')).toEqual({});
    expect(circumstance('@time=9999-01-01T00:00:00Z :x PING')).toEqual({});
  });

  it('by the server is by nobody', () => {
    expect(fact(':irc.test NOTICE alice :*** looking up')).toMatchObject({ from: {} });
    expect(fact('NOTICE * :hi')).toMatchObject({ from: {} });
  });
});

describe('what happens', () => {
  it.each([
    [':a!b@c JOIN #x', { fact: 'joined', channel: '#x', who: { nick: 'a', mask: 'a!b@c' } }],
    [':a!b@c JOIN #x acc :Real Name', { fact: 'joined', who: { nick: 'a', account: 'acc' } }],
    [':a!b@c JOIN #x * :Real Name', { fact: 'joined', who: { nick: 'a', mask: 'a!b@c' } }],
    [':a!b@c PART #x :bye', { fact: 'parted', channel: '#x' }],
    [':a!b@c KICK #x d :out', { fact: 'kicked', who: 'd', reason: 'out', by: { nick: 'a' } }],
    [':a!b@c QUIT :bye', { fact: 'quit', who: { nick: 'a' } }],
    [':a!b@c NICK :d', { fact: 'renamed', to: 'd' }],
    [':a!b@c TOPIC #x :new \x02topic', { fact: 'topic', topic: 'new topic', by: { nick: 'a' } }],
    [':irc.test 332 me #x :old', { fact: 'topic', channel: '#x', topic: 'old' }],
    [':irc.test 331 me #x :No topic', { fact: 'topic', topic: '' }],
    [
      ':irc.test 353 me = #x :@+a!b@c +d e',
      {
        fact: 'names',
        members: [
          { nick: 'a', modes: 'ov' },
          { nick: 'd', modes: 'v' },
          { nick: 'e', modes: '' },
        ],
      },
    ],
    [':irc.test 366 me #x :End', { fact: 'names-end', channel: '#x' }],
    [
      ':a!b@c MODE #x +ob-l d *!*@e',
      {
        fact: 'modes',
        changes: [
          { set: true, mode: 'o', parameter: 'd' },
          { set: true, mode: 'b', parameter: '*!*@e' },
          { set: false, mode: 'l' },
        ],
      },
    ],
    [':a!b@c AWAY :lunch', { fact: 'away', nick: 'a', note: 'lunch' }],
    [':a!b@c AWAY', { fact: 'away', nick: 'a' }],
    [':irc.test 301 me a :lunch', { fact: 'away', nick: 'a', note: 'lunch' }],
    [
      ':irc.test 396 me cloak.example :is now your displayed host',
      { fact: 'host', nick: 'me', host: 'cloak.example' },
    ],
    [':irc.test 396 me u@cloak.example :is now', { fact: 'host', user: 'u', host: 'cloak.example' }],
    [':a!b@c CHGHOST u h', { fact: 'host', nick: 'a', user: 'u', host: 'h' }],
    ['BATCH +r labeled-response', { fact: 'batch-open', ref: 'r', type: 'labeled-response' }],
    ['BATCH -r', { fact: 'batch-close', ref: 'r' }],
    ['PING :a b', { fact: 'ping', token: 'a b' }],
    [':irc.test PONG irc.test :t', { fact: 'pong', token: 't' }],
    ['ERROR :Closing link', { fact: 'ending', text: 'Closing link' }],
    [
      ':irc.test 404 me #x :Cannot send',
      { fact: 'failed', about: '#x', failure: { code: 'not-allowed', detail: 'Cannot send' } },
    ],
    [
      'FAIL PRIVMSG ACCOUNT_REQUIRED #x :Sign in',
      { fact: 'failed', about: '#x', failure: { code: 'auth-required' } },
    ],
  ])('%j', (line, expected) => {
    expect(fact(line)).toMatchObject(expected);
  });

  it('nowhere is no fact, and what has no meaning is none', () => {
    for (const line of [
      'JOIN',
      ':a!b@c JOIN',
      ':a!b@c JOIN nochannel',
      'NICK x',
      'BATCH',
      'BATCH +',
      ':a KICK #x',
      '372 me :motd',
      '001',
    ]) {
      expect(fact(line)).toBeUndefined();
    }
  });
});

it('never throws, whatever the line', () => {
  const word = fc.constantFrom(
    'PRIVMSG',
    'JOIN',
    'MODE',
    'KICK',
    'BATCH',
    '353',
    '396',
    '404',
    'FAIL',
    '@',
    ':',
    '=',
    '+ov',
    '#a',
    '\x01ACTION',
    ';time=',
  );
  const line = fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 8 });
  fc.assert(
    fc.property(line, (words) => {
      const message = irc.ircLineParser(words.join(' '));
      factOf(message, network);
      circumstanceOf(message);
    }),
  );
});

it('takes formatting and controls from a text, and leaves the digits that belong to it', () => {
  expect(plain('\x0312blue\x03 \x03')).toBe('blue ');
  expect(plain('\x033 apples')).toBe(' apples');
  expect(plain('tab\tstays\x07')).toBe('tab\tstays');
});
