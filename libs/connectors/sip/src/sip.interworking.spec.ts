/* SIP's half of what SIP and XMPP mean by the same thing. */
import { describe, expect, test } from '@jest/globals';
import { directText, interworking } from '#connector/testing';
import { newId } from '#model';
import { buildMessage, parseMessage, readPidf, requestOf, writePidf, type SipRequest } from '#protocols/sip';
import { readMessage } from './from-sip.js';
import { pidfOf, presenceFrom } from './presence-states.js';
import { addressOf, uriOf } from './sip.addresses.js';
import { composingMessage, messagesOf, notificationOf } from './to-sip.js';

const account = newId<'AccountId'>();
const now = new Date('2026-11-22T12:00:00Z');

/** As it comes from the wire. */
function received(bytes: Buffer): SipRequest {
  const parsed = parseMessage(bytes);
  if (!('message' in parsed) || 'fault' in parsed || parsed.message.type !== 'request') {
    throw new Error('That is no request.');
  }
  return parsed.message;
}
const written = (text: string): Buffer => {
  const [head = '', ...body] = text.split('\n\n');
  const bytes = Buffer.from(body.join('\n\n'));
  const counted = head.replace(/Content-Length: \d+/, `Content-Length: ${String(bytes.length)}`);
  return Buffer.concat([Buffer.from(`${counted.replaceAll('\n', '\r\n')}\r\n\r\n`), bytes]);
};

test.each(interworking.addresses)('$of', ({ sip, sipAddress }) => {
  expect(addressOf(sip)).toBe(sipAddress);
  expect(addressOf(uriOf(sipAddress))).toBe(sipAddress);
});

describe.each(interworking.messages)('$of', ({ from, to, text, sip }) => {
  const read = (request: SipRequest) => readMessage(request, { account, domain: 'example.com', now });

  test('is read as what the model has', () => {
    expect(read(received(written(sip)))).toMatchObject({
      heard: 'message',
      event: { type: 'message', conversation: from, author: { address: from }, content: { text } },
    });
  });

  test.each([
    ['plain', false],
    ['in CPIM', true],
  ])('is said as what reads so, %s', (_, cpim) => {
    const envelope = directText(account, to, text);
    const messages = messagesOf(envelope, { from: uriOf(from), cpim, now });
    if ('code' in messages) throw new Error(messages.code);
    const said = messages.map(({ to: uri, headers, body, wireId }) =>
      requestOf(
        'MESSAGE',
        uri,
        {
          via: 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1',
          from: `<${uriOf(from)}>;tag=1`,
          to: `<${uri}>`,
          'call-id': wireId,
          cseq: '1 MESSAGE',
          ...headers,
        },
        body,
      ),
    );
    expect(said.map((request) => read(received(buildMessage(request))))).toMatchObject([
      { heard: 'message', event: { author: { address: from }, content: { text } } },
    ]);
    expect(said[0]?.uri).toBe(`sip:${to}`);
  });
});

/** What a MESSAGE with such a body says. */
function said(body: Buffer | string, headers: Readonly<Record<string, string>>) {
  const from = { from: '<sip:juliet@example.com>;tag=1', to: '<sip:romeo@example.net>' };
  const request = requestOf(
    'MESSAGE',
    'sip:romeo@example.net',
    { ...from, 'call-id': '1', cseq: '1 MESSAGE', ...headers },
    body,
  );
  return readMessage(request, { account, domain: 'example.net', now });
}

test.each(interworking.composing)('$of', ({ active, sip }) => {
  const state = active ? 'active' : 'idle';
  const expected = { heard: 'composing', author: { address: 'juliet@example.com' }, composing: { state } };
  expect(said(sip, { 'content-type': 'application/im-iscomposing+xml' })).toMatchObject(expected);
  const ours = composingMessage({ state });
  expect(said(ours.body, ours.headers)).toMatchObject(expected);
});

test.each(interworking.reports)('$of', ({ id, sip }) => {
  const expected = { heard: 'receipt', event: { state: 'delivered', about: { remoteId: { id } } } };
  expect(said(sip, { 'content-type': 'message/imdn+xml' })).toMatchObject(expected);
  const ask = {
    messageId: id,
    to: 'sip:romeo@example.net',
    from: 'sip:juliet@example.com',
    at: now.toISOString(),
  };
  const ours = notificationOf(ask, 'delivered', now);
  expect(said(ours.body, ours.headers)).toMatchObject(expected);
});

describe.each(interworking.presence)('$of', ({ state, sip, told = state.presence }) => {
  const read = (body: Buffer) => {
    const pidf = readPidf(body);
    if ('fault' in pidf) throw new Error(pidf.fault);
    return presenceFrom(pidf, now);
  };

  test('is read as what the model has', () => {
    expect(read(Buffer.from(sip))).toMatchObject(state);
  });

  test('is told as what reads so', () => {
    const body = writePidf(pidfOf(state, 'juliet@example.com', { now, id: 'desk' }));
    expect(read(body)).toMatchObject({ ...state, presence: told });
  });
});
