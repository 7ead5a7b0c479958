import { describe, expect, it } from '@jest/globals';
import { requestOf, responseOf, type SipRequest } from './message.js';
import { isSane, verdictOn, verdictOnBody } from './validate.js';

const fields = {
  via: 'SIP/2.0/UDP alice.example.org;branch=z9hG4bK1',
  from: '<sip:alice@example.org>;tag=1',
  to: '<sip:bob@example.org>',
  'call-id': '1@alice.example.org',
  cseq: '1 MESSAGE',
};

function request(
  more: Record<string, string | string[]> = {},
  method = 'MESSAGE',
  uri = 'sip:bob@example.org',
): SipRequest {
  return requestOf(method, uri, { ...fields, cseq: `1 ${method}`, ...more });
}

const expected = { methods: ['MESSAGE', 'INVITE', 'ACK', 'CANCEL'], options: ['path'] };

describe('a request', () => {
  it('that is whole is let pass', () => {
    expect(verdictOn(request(), expected)).toBeUndefined();
    expect(verdictOn(request({ require: 'path' }), expected)).toBeUndefined();
    expect(verdictOn(request({}, 'MESSAGE', 'tel:+12025550123'), expected)).toBeUndefined();
    expect(verdictOn(request({ contact: '*' }), expected)).toBeUndefined();
  });

  it.each([
    ['without a Via', { via: [] }, 400],
    ['with a second From', { from: [fields.from, fields.from] }, 400],
    ['with a second Event', { event: ['presence', 'presence'] }, 400],
    ['with a Via after the first that cannot be read', { via: [fields.via, 'x'] }, 400],
    ['with a Call-ID of two words', { 'call-id': 'a b' }, 400],
    ['with a From of no URI', { from: 'alice' }, 400],
    ['with a From of a URI that cannot be read', { from: '<sip:alice@[::1>' }, 400],
    ['with a Contact of all and one', { contact: '*, <sip:bob@example.org>' }, 400],
    ['with a Route that cannot be read', { route: '<sip:a@b' }, 400],
    ['with a CSeq of another method', { cseq: '1 INVITE' }, 400],
    ['that requires what is not known', { require: 'path, gruu' }, 420],
  ])('%s is refused', (_what, more: Record<string, string | string[]>, status) => {
    expect(verdictOn(request(more), expected)?.status).toBe(status);
  });

  it('of a method that is known but not done is 405, of any other 501', () => {
    expect(verdictOn(request({}, 'REFER'), expected)).toMatchObject({ status: 405 });
    expect(verdictOn(request({}, 'message'), expected)).toMatchObject({ status: 501 });
  });

  it('of a scheme that is not spoken is 416', () => {
    expect(verdictOn(request({}, 'MESSAGE', 'im:bob@example.org'), expected)?.status).toBe(416);
    const schemes = ['im'];
    expect(verdictOn(request({}, 'MESSAGE', 'im:bob@example.org'), { ...expected, schemes })).toBeUndefined();
    expect(verdictOn(request({}, 'MESSAGE', 'bob'), expected)?.status).toBe(400);
  });

  it('that is an ACK or CANCEL is not asked what it requires', () => {
    expect(verdictOn(request({ require: 'gruu' }, 'ACK'), expected)).toBeUndefined();
    expect(verdictOn(request({ require: 'gruu' }, 'CANCEL'), expected)).toBeUndefined();
  });
});

describe('a body', () => {
  const readable = { types: ['text/plain', 'multipart/*'], encodings: ['deflate'] };
  const withBody = (more: Record<string, string>): SipRequest => ({
    ...request(more),
    body: Buffer.from('hello'),
  });

  it('of a kind that is read, or of none, is let pass', () => {
    expect(verdictOnBody(withBody({ 'content-type': 'Text/Plain;charset=utf-8' }), readable)).toBeUndefined();
    expect(
      verdictOnBody(withBody({ 'content-type': 'multipart/mixed;boundary=x' }), readable),
    ).toBeUndefined();
    expect(verdictOnBody(withBody({}), readable)).toBeUndefined();
    expect(verdictOnBody(request({ 'content-type': 'image/png' }), readable)).toBeUndefined();
    const packed = withBody({ 'content-type': 'text/plain', 'content-encoding': 'Deflate, identity' });
    expect(verdictOnBody(packed, readable)).toBeUndefined();
  });

  it('of another kind is 415 with what is read, unless it does not matter', () => {
    const image = { 'content-type': 'image/png' };
    expect(verdictOnBody(withBody(image), readable)).toMatchObject({
      status: 415,
      headers: { accept: 'text/plain, multipart/*' },
    });
    const optional = { ...image, 'content-disposition': 'icon;handling=optional' };
    expect(verdictOnBody(withBody(optional), readable)).toBeUndefined();
    expect(verdictOnBody(withBody({ 'content-type': 'text' }), readable)?.status).toBe(400);
  });

  it('in a coding that is not read is 415 with those that are', () => {
    expect(verdictOnBody(withBody({ 'content-encoding': 'br' }), readable)).toMatchObject({
      status: 415,
      headers: { 'accept-encoding': 'identity, deflate' },
    });
  });
});

describe('a response', () => {
  it('is sane when it is whole and was for us', () => {
    expect(isSane(responseOf(200, 'OK', fields))).toBe(true);
    expect(isSane(responseOf(200, 'OK', { ...fields, cseq: '1' }))).toBe(false);
    expect(isSane(responseOf(200, 'OK', { ...fields, via: [fields.via, fields.via] }))).toBe(false);
    expect(isSane(responseOf(200, 'OK', { ...fields, 'call-id': [] }))).toBe(false);
  });
});
