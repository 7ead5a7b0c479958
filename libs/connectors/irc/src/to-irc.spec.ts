import { describe, expect, it } from '@jest/globals';
import type { OutboundEnvelope } from '#connector';
import { newId, type MessageContent } from '#model';
import { awayOf, command, joinsOf, linesOf, roomFor, type Look } from './to-irc.js';

const look: Look = { maskBytes: 'alice!a@example.org'.length, lineLength: 512 };

function envelope(content: MessageContent, more: Partial<OutboundEnvelope> = {}): OutboundEnvelope {
  return {
    id: newId(),
    account: newId(),
    kind: 'message',
    to: '#lobby',
    conversationKind: 'room',
    content,
    attempt: 1,
    ...more,
  };
}
const texts = (content: MessageContent, more: Partial<OutboundEnvelope> = {}): unknown => {
  const lines = linesOf(envelope(content, more), look);
  return 'code' in lines ? lines.code : lines.map(({ verb, target, text }) => command(verb, target, text));
};

describe('what we say', () => {
  it('is one line a line, without the empty ones', () => {
    expect(texts({ text: 'one\r\n\n  \ntwo' })).toEqual(['PRIVMSG #lobby :one', 'PRIVMSG #lobby :two']);
    expect(texts({ text: ': leading colon' })).toEqual(['PRIVMSG #lobby :: leading colon']);
    expect(texts({ text: 'careful', notice: true })).toEqual(['NOTICE #lobby :careful']);
    expect(texts({ text: 'waves', emote: true })).toEqual(['PRIVMSG #lobby :\x01ACTION waves\x01']);
  });

  it('asks nothing of anybody’s client, however it is written', () => {
    expect(texts({ text: '\x01DCC SEND x\x01' })).toEqual(['PRIVMSG #lobby :DCC SEND x']);
  });

  it('fills a line as others receive it to the last byte', () => {
    const room = roomFor('PRIVMSG', '#lobby', look);
    const received = `:alice!a@example.org PRIVMSG #lobby :${'x'.repeat(room)}\r\n`;
    expect(received).toHaveLength(512);
    expect(texts({ text: 'x'.repeat(room) })).toHaveLength(1);
    expect(texts({ text: 'x'.repeat(room + 1) })).toHaveLength(2);
    const emote = linesOf(envelope({ text: 'é'.repeat(400), emote: true }), look);
    if ('code' in emote) throw new Error(emote.code);
    for (const { text } of emote) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(room);
  });

  it('is refused when it is nothing, too much, to nobody, or cannot be said', () => {
    expect(texts({ text: ' \n ' })).toBe('unsupported');
    expect(texts({ text: 'x'.repeat(1_000_000) })).toBe('too-large');
    expect(texts({ text: 'x\n'.repeat(51) })).toBe('too-large');
    for (const to of ['account:alice', 'a b', 'a,b', 'bob\r\nQUIT']) {
      expect(texts({ text: 'x' }, { to })).toBe('not-found');
    }
    for (const kind of ['edit', 'retraction', 'reaction'] as const) {
      expect(texts({ text: 'x' }, { kind })).toBe('unsupported');
    }
  });

  it('falls back to words for what IRC does not know', () => {
    const target = { remoteIds: [], text: 'shall\nwe meet?' };
    expect(texts({ text: 'yes', replyTo: newId() }, { target })).toEqual([
      'PRIVMSG #lobby :> shall we meet?',
      'PRIVMSG #lobby :yes',
    ]);
    expect(texts({ text: '* tomorrow' }, { target })).toEqual(['PRIVMSG #lobby :* tomorrow']);
    const attachments = [{ name: 'plan.pdf', mediaType: 'application/pdf', url: 'https://example.org/f/1' }];
    expect(texts({ text: 'here', attachments })).toEqual([
      'PRIVMSG #lobby :here',
      'PRIVMSG #lobby :plan.pdf: https://example.org/f/1',
    ]);
  });
});

it('says presence as AWAY, and nothing for what AWAY cannot say', () => {
  expect(awayOf({ presence: 'available' })).toBe('AWAY');
  expect(awayOf({ presence: 'chatty', note: 'hi' })).toBe('AWAY');
  expect(awayOf({ presence: 'away', note: 'lunch' })).toBe('AWAY :lunch');
  expect(awayOf({ presence: 'extended-away' })).toBe('AWAY :away');
  expect(awayOf({ presence: 'busy', note: 'exam' })).toBe('AWAY :busy: exam');
  expect(awayOf({ presence: 'busy' })).toBe('AWAY :busy');
  expect(awayOf({ presence: 'offline' })).toBeUndefined();
});

it('joins many rooms in few lines, those with keys first, so that keys meet their rooms', () => {
  const rooms = [{ name: '#a' }, { name: '#b', key: 'k' }, { name: '#c' }, { name: '#d', key: 'l' }];
  expect(joinsOf(rooms, 3).map(({ line }) => line)).toEqual(['JOIN #b,#d,#a k,l', 'JOIN #c']);
  const many = joinsOf(
    Array.from({ length: 100 }, (_, at) => ({ name: `#${'x'.repeat(60)}${String(at)}` })),
    10,
  );
  expect(many.every(({ line }) => Buffer.byteLength(line) < 510)).toBe(true);
  expect(many.flatMap(({ names }) => names)).toHaveLength(100);
  expect(joinsOf([], 10)).toEqual([]);
});
