import { deflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wireIdOf } from '#connector';
import { newId } from '#model';
import { requestOf, type SipRequest } from '#protocols/sip';
import { readMessage, type Heard, type MessageHearing } from './from-sip.js';

const account = newId<'AccountId'>();
const now = new Date('2026-11-22T12:00:00Z');
const how: MessageHearing = { account, domain: 'example.org', now };
const wireId = wireIdOf(newId<'EnvelopeId'>(), 0);

function message(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): SipRequest {
  return requestOf(
    'MESSAGE',
    'sip:alice@example.org',
    {
      From: '"Bob" <sip:bob@example.org>;tag=b1',
      To: '<sip:alice@example.org>',
      'Call-ID': 'c1',
      CSeq: '1 MESSAGE',
      'Content-Type': 'text/plain',
      ...headers,
    },
    body,
  );
}
const heard = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Heard =>
  readMessage(message(body, headers), how);
const text = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): string | undefined => {
  const one = heard(body, headers);
  return one.heard === 'message' ? one.event.content.text : undefined;
};
const idOf = (headers: Readonly<Record<string, string>>) => {
  const one = heard('x', headers);
  return one.heard === 'message' ? one.event.remoteId : undefined;
};
const cpim = (headers: string, content: string, body: string): string =>
  `${headers}\r\n\r\n${content}\r\n\r\n${body}`;
const cpimHeaders = [
  'From: <im:bob@example.org>',
  'To: <im:alice@example.org>',
  'DateTime: 2026-11-22T11:30:00Z',
  'NS: imdn <urn:ietf:params:imdn>',
  'imdn.Message-ID: 34jk324j',
  'imdn.Disposition-Notification: positive-delivery, display',
].join('\r\n');

describe('what somebody says', () => {
  test('is theirs, in the conversation with them', () => {
    expect(heard('hello')).toEqual({
      heard: 'message',
      event: {
        type: 'message',
        account,
        conversation: 'bob@example.org',
        conversationKind: 'direct',
        author: { address: 'bob@example.org', kind: 'stable', name: 'Bob' },
        content: { text: 'hello' },
        origin: 'remote',
        mode: 'live',
        at: now,
        remoteId: { scope: 'sip', id: expect.stringMatching(/^[\w-]{43}$/), by: 'sender' },
      },
    });
  });

  test('is known by Call-ID, number and tag together, on whatever way it came', () => {
    const usual = idOf({});
    expect(idOf({ Via: 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKother' })).toEqual(usual);
    // One who numbers all messages of one Call-ID says a new thing with each.
    expect(idOf({ CSeq: '2 MESSAGE' })).not.toEqual(usual);
    expect(idOf({ 'Call-ID': 'c2' })).not.toEqual(usual);
    expect(idOf({ From: '<sip:bob@example.org>;tag=b2' })).not.toEqual(usual);
  });

  test('is by whoever the network vouches for', () => {
    const author = { address: 'carol@example.org', kind: 'stable' } as const;
    expect(readMessage(message('hi'), { ...how, author, conversation: 'room@example.org' })).toMatchObject({
      event: { author, conversation: 'room@example.org' },
    });
  });

  test('is read in its character set, its packing and the best of its parts', () => {
    expect(text(Buffer.from('schön', 'latin1'), { 'Content-Type': 'text/plain;charset=iso-8859-1' })).toBe(
      'schön',
    );
    expect(text(deflateSync(Buffer.from('hi')), { 'Content-Encoding': 'deflate' })).toBe('hi');
    expect(text('<p>Hi <b>you</b></p>', { 'Content-Type': 'text/html' })).toBe('Hi you');
    expect(
      text('--b\r\nContent-Type: text/html\r\n\r\n<i>hi</i>\r\n--b\r\n\r\nhi\r\n--b--', {
        'Content-Type': 'multipart/alternative; boundary=b',
      }),
    ).toBe('hi');
  });

  test('is said with its subject (RFC 7572)', () => {
    expect(text('words', { Subject: 'About tea' })).toBe('About tea\nwords');
    expect(text('words', { Subject: 'words' })).toBe('words');
  });

  test('was said when the server that kept it says, unless that makes no sense', () => {
    const at = (date: string) => {
      const one = heard('x', { Date: date });
      return one.heard === 'message' ? one.event.at.toISOString() : undefined;
    };
    expect(at('Sat, 21 Nov 2026 08:00:00 GMT')).toBe('2026-11-21T08:00:00.000Z');
    expect(at('Mon, 23 Nov 2026 08:00:00 GMT')).toBe(now.toISOString());
    expect(at('Thu, 01 Jan 1970 00:00:00 GMT')).toBe(now.toISOString());
    expect(at('yesterday')).toBe(now.toISOString());
  });

  test('that is empty says nothing', () => {
    expect(heard('')).toEqual({ heard: 'nothing' });
    expect(heard('\r\n')).toEqual({ heard: 'nothing' });
  });
});

describe('a message in CPIM', () => {
  const packed = cpim(cpimHeaders, 'Content-Type: text/plain; charset=utf-8', 'Hello World');
  const type = { 'Content-Type': 'message/cpim' };

  test('says what it holds, and whom to tell what of it', () => {
    expect(heard(packed, type)).toMatchObject({
      heard: 'message',
      event: {
        content: { text: 'Hello World' },
        at: new Date('2026-11-22T11:30:00Z'),
        otherIds: [{ scope: 'imdn', id: '34jk324j', by: 'sender' }],
      },
      ask: {
        messageId: '34jk324j',
        to: 'sip:bob@example.org',
        from: 'sip:alice@example.org',
        at: '2026-11-22T11:30:00.000Z',
        asks: new Set(['positive-delivery', 'display']),
      },
    });
  });

  test('that asks without saying what it is called is told nothing', () => {
    const nameless = packed.replace(/imdn\.Message-ID.*\r\n/, '');
    expect(heard(nameless, type)).not.toHaveProperty('ask');
  });

  test('is told to whoever sent it, not to whom its own headers name', () => {
    const forged = packed.replace('From: <im:bob@', 'From: <im:victim@');
    expect(heard(forged, type)).toMatchObject({
      event: { author: { address: 'bob@example.org' } },
      ask: { to: 'sip:bob@example.org' },
    });
  });

  test('may be packed again, but not for ever', () => {
    const again = (inner: string): string =>
      cpim('From: <im:bob@example.org>', 'Content-Type: message/cpim', inner);
    expect(text(again(packed), type)).toBe('Hello World');
    expect(heard(again(again(again(again(packed)))), type)).toMatchObject({
      heard: 'unreadable',
      status: 400,
    });
  });
});

describe('what became of ours', () => {
  const imdn = (id: string, kind: string, status: string): string =>
    `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${id}</message-id><${kind}-notification><status><${status}/></status></${kind}-notification></imdn>`;
  const type = { 'Content-Type': 'message/imdn+xml' };

  test.each([
    ['delivery', 'delivered', 'delivered'],
    ['display', 'displayed', 'read'],
    ['delivery', 'failed', 'failed'],
  ])('is told: %s %s is %s', (kind, status, state) => {
    expect(heard(imdn(wireId, kind, status), type)).toMatchObject({
      heard: 'receipt',
      event: { type: 'receipt', account, about: { wireId }, state },
    });
  });

  test('is told in CPIM, and packed by deflate, as Linphone does', () => {
    const inner = cpim(cpimHeaders, 'Content-Type: message/imdn+xml', imdn(wireId, 'display', 'displayed'));
    const packed = deflateSync(Buffer.from(inner));
    expect(heard(packed, { 'Content-Type': 'message/cpim', 'Content-Encoding': 'deflate' })).toMatchObject({
      heard: 'receipt',
      event: { about: { wireId }, state: 'read' },
    });
  });

  test('is not told where they will not say, or it lies somewhere on the way', () => {
    expect(heard(imdn(wireId, 'delivery', 'forbidden'), type)).toEqual({ heard: 'nothing' });
    expect(heard(imdn(wireId, 'processing', 'stored'), type)).toEqual({ heard: 'nothing' });
  });

  test('of another device is named by its own id', () => {
    expect(heard(imdn('theirs', 'delivery', 'delivered'), type)).toMatchObject({
      event: { about: { remoteId: { scope: 'imdn', id: 'theirs', by: 'sender' } } },
    });
  });
});

test('who is writing is told as what it is', () => {
  const body =
    '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><refresh>90</refresh></isComposing>';
  expect(heard(body, { 'Content-Type': 'application/im-iscomposing+xml' })).toMatchObject({
    heard: 'composing',
    conversation: 'bob@example.org',
    author: { address: 'bob@example.org' },
    composing: { state: 'active', refreshSeconds: 90 },
  });
});

describe('what cannot be read', () => {
  test.each([
    ['another type', 'x', { 'Content-Type': 'image/png' }, 415],
    ['another packing', 'x', { 'Content-Encoding': 'br' }, 415],
    ['an unknown character set', 'x', { 'Content-Type': 'text/plain;charset=klingon' }, 415],
    ['broken CPIM', 'x', { 'Content-Type': 'message/cpim' }, 400],
    ['broken XML', '<', { 'Content-Type': 'message/imdn+xml' }, 400],
    ['a From of nobody', 'x', { From: '<tel:>' }, 400],
    ['a bomb', deflateSync(Buffer.alloc(9_000_000)), { 'Content-Encoding': 'deflate' }, 413],
  ])('is refused with the status that says so: %s', (_, body, headers: Record<string, string>, status) => {
    const one = heard(body, headers);
    expect(one).toMatchObject({ heard: 'unreadable', status });
    if (status === 415) {
      expect(one).toMatchObject({
        headers: {
          accept: expect.stringContaining('message/cpim'),
          'accept-encoding': expect.stringContaining('deflate'),
        },
      });
    }
  });

  test('never makes it throw', () => {
    const types = fc.constantFrom(
      'text/plain',
      'text/html',
      'message/cpim',
      'message/imdn+xml',
      'application/im-iscomposing+xml',
      'multipart/mixed; boundary=b',
      '',
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array()), types, fc.string(), (body, type, from) => {
        readMessage(message(Buffer.from(body as string), { 'Content-Type': type, From: from }), how);
      }),
      { numRuns: 500 },
    );
  });
});
