import { describe, expect, test } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { newId } from '#model';
import { cpimHeader, imdnAskOf, readCpim, readComposing, requestOf, type Cpim } from '#protocols/sip';
import { readMessage } from './from-sip.js';
import { composingMessage, messagesOf, mostText, notificationOf, type OutgoingMessage } from './to-sip.js';

const account = newId<'AccountId'>();
const now = new Date('2026-11-22T12:00:00Z');
const manner = { from: 'sip:alice@example.org', cpim: false, now };
const id = newId<'EnvelopeId'>();

function envelope(more: Partial<OutboundEnvelope> = {}): OutboundEnvelope {
  return {
    id,
    account,
    kind: 'message',
    to: 'bob@example.org',
    conversationKind: 'direct',
    content: { text: 'hello' },
    attempt: 1,
    ...more,
  };
}
function only(more: Partial<OutboundEnvelope> = {}, cpim = false): OutgoingMessage {
  const messages = messagesOf(envelope(more), { ...manner, cpim });
  if ('code' in messages) throw new Error(messages.detail);
  const [one, ...others] = messages;
  if (one === undefined || others.length > 0) throw new Error('There should be one message.');
  return one;
}
const words = (more: Partial<OutboundEnvelope> = {}): string => only(more).body.toString();
function unpacked(bytes: Buffer): Cpim {
  const cpim = readCpim(bytes);
  if ('fault' in cpim) throw new Error(cpim.fault);
  return cpim;
}

describe('what we say', () => {
  test('goes as plain text, under an id that is the same at every attempt', () => {
    expect(only()).toEqual({
      wireId: wireIdOf(id, 0),
      to: 'sip:bob@example.org',
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body: Buffer.from('hello'),
    });
    expect(only({ attempt: 2 })).toEqual(only());
  });

  test('goes in CPIM with the wish to be told what becomes of it', () => {
    const { headers, body, wireId } = only({ content: { text: 'schön' } }, true);
    expect(headers).toEqual({ 'content-type': 'message/cpim' });
    const cpim = unpacked(body);
    expect(cpimHeader(cpim, 'From')).toBe('<sip:alice@example.org>');
    expect(cpimHeader(cpim, 'To')).toBe('<sip:bob@example.org>');
    expect(cpimHeader(cpim, 'DateTime')).toBe('2026-11-22T12:00:00.000Z');
    expect(imdnAskOf(cpim)).toEqual({
      messageId: wireId,
      asks: new Set(['positive-delivery', 'negative-delivery', 'display']),
    });
    expect(cpim.content.headers.get('content-type')).toBe('text/plain; charset=UTF-8');
    expect(cpim.content.body.toString()).toBe('schön');
  });

  test('is an act in words, an answer behind what it answers, a file by its address', () => {
    expect(words({ content: { text: 'waves', emote: true } })).toBe('* waves');
    expect(
      words({
        content: { text: 'yes', replyTo: newId<'MessageId'>() },
        target: { remoteIds: [], text: 'Tea?\nOr cake?' },
      }),
    ).toBe('> Tea?\n> Or cake?\nyes');
    const attachments = [
      { name: 'tea.jpg', mediaType: 'image/jpeg', url: 'https://example.org/f/tea.jpg' },
      { name: 'cake.jpg', mediaType: 'image/jpeg', url: 'https://example.org/f/1' },
    ];
    expect(words({ content: { text: 'look', attachments } })).toBe(
      'look\nhttps://example.org/f/tea.jpg\ncake.jpg https://example.org/f/1',
    );
  });

  test.each<[string, Partial<OutboundEnvelope>, string]>([
    ['nothing', { content: { text: '' } }, 'unsupported'],
    ['too much', { content: { text: 'ü'.repeat(mostText) } }, 'too-large'],
    ['a change of what was said', { kind: 'edit' }, 'unsupported'],
    ['a reaction', { kind: 'reaction' }, 'unsupported'],
    ['for an address that is none', { to: 'bob@example.org\r\nSubject: x' }, 'not-found'],
    [
      'a file without an address',
      { content: { text: 'x', attachments: [{ name: 'a', mediaType: 'b/c' }] } },
      'unsupported',
    ],
  ])('is refused where it is %s', (_, more, code) => {
    expect(messagesOf(envelope(more), manner)).toMatchObject({ code });
  });
});

describe('what became of theirs', () => {
  const ask = {
    messageId: 'm1',
    to: 'sip:bob@example.org',
    from: 'sip:alice@example.org',
    at: '2026-11-22T11:00:00Z',
  };

  test.each([
    ['delivered', 'delivered'],
    ['displayed', 'read'],
  ] as const)('is told as %s, and asks for nothing itself', (status, state) => {
    const { headers, body } = notificationOf(ask, status, now);
    const cpim = unpacked(body);
    expect(imdnAskOf(cpim)).toEqual({ messageId: expect.any(String), asks: new Set() });
    expect(cpim.content.headers.get('content-disposition')).toBe('notification');
    const request = requestOf(
      'MESSAGE',
      ask.to,
      {
        From: '<sip:alice@example.org>;tag=1',
        To: '<sip:bob@example.org>',
        'Call-ID': '1',
        CSeq: '1 MESSAGE',
        ...headers,
      },
      body,
    );
    expect(readMessage(request, { account, domain: 'example.org', now })).toMatchObject({
      heard: 'receipt',
      event: { state, about: { remoteId: { id: 'm1' } } },
    });
  });
});

test('who is writing is told in its own type', () => {
  const { headers, body } = composingMessage({ state: 'active', refreshSeconds: 60 });
  expect(headers).toEqual({ 'content-type': 'application/im-iscomposing+xml' });
  expect(readComposing(body)).toEqual({ state: 'active', refreshSeconds: 60 });
});
