import { describe, expect, it } from '@jest/globals';
import type { Answered } from './ask.js';
import { requestOf, responseOf, type SipRequest } from './message.js';
import { Headers } from './message-headers.js';
import { redirected } from './redirect.js';
import type { Flow } from './transport/flow.js';

const message = (uri = 'sip:bob@example.org'): SipRequest =>
  requestOf(
    'MESSAGE',
    uri,
    { from: '<sip:alice@example.org>;tag=a', to: `<${uri}>`, 'call-id': 'call', cseq: '1 MESSAGE' },
    'hello',
  );

/** What a message is made of by an answer to it, which came after one challenge. */
function led(contact: readonly string[], status = 302, asked = message()): SipRequest | undefined {
  const request = { ...asked, headers: Headers.from(asked.headers).set('cseq', '2 MESSAGE') };
  const response = responseOf(status, 'Moved', { cseq: '2 MESSAGE', contact });
  const answer: Answered = { answer: 'response', response, request, flow: {} as Flow };
  return redirected(asked, answer);
}

describe('a redirection', () => {
  it.each([300, 301, 302])('with %i is followed: the same once more, with the next CSeq', (status) => {
    const again = led(['<sip:bob@192.0.2.7:5070>'], status);
    expect(again).toMatchObject({ method: 'MESSAGE', uri: 'sip:bob@192.0.2.7:5070' });
    expect(again?.headers.get('cseq')).toBe('3 MESSAGE');
    expect([...(again?.headers ?? [])].filter(([name]) => name !== 'cseq')).toEqual(
      [...message().headers].filter(([name]) => name !== 'cseq'),
    );
    expect(again?.body.toString()).toBe('hello');
  });

  it('leads to what it likes best, and never to the same again', () => {
    const places = [
      '<sip:bob@a.example.org>;q=0.2',
      '<sip:bob@b.example.org>;q=0.9',
      '<sip:bob@c.example.org>;q=0.9',
    ];
    expect(led(places)?.uri).toBe('sip:bob@b.example.org');
    expect(led(['<sip:bob@example.org>', '<sip:bob@a.example.org>;q=0.1'])?.uri).toBe(
      'sip:bob@a.example.org',
    );
    expect(led(['<sip:bob@example.org>'])).toBeUndefined();
  });

  it('says where to ask and not what', () => {
    const hostile = '<sip:bob@a.example.org;method=INVITE;transport=tcp?Subject=x&body=y>';
    expect(led([hostile])?.uri).toBe('sip:bob@a.example.org;transport=tcp');
    expect(led([hostile])?.method).toBe('MESSAGE');
  });

  it.each([
    ['nowhere', []],
    ['to what is not SIP', ['<tel:+12025550123>', '<mailto:bob@example.org>']],
    ['to what cannot be read', ['<sip:@>', '*', '"']],
  ])('that leads %s is not followed', (_, contact) => {
    expect(led(contact)).toBeUndefined();
  });

  it('leads nobody astray who wanted it safe', () => {
    const asked = message('sips:bob@example.org');
    expect(led(['<sip:bob@a.example.org>'], 302, asked)).toBeUndefined();
    expect(led(['<sips:bob@a.example.org>'], 302, asked)?.uri).toBe('sips:bob@a.example.org');
  });

  it.each([305, 380, 404, 200])('is not what %i is', (status) => {
    expect(led(['<sip:bob@a.example.org>'], status)).toBeUndefined();
  });
});
