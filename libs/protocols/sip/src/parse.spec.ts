import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildMessage } from './build.js';
import { usualLimits } from './limits.js';
import { requestOf, responseOf, type SipMessage } from './message.js';
import { Headers } from './message-headers.js';
import { parseMessage } from './parse.js';

const head = [
  'MESSAGE sip:bob@example.org SIP/2.0',
  'Via: SIP/2.0/UDP alice.example.org;branch=z9hG4bK1',
  'From: <sip:alice@example.org>;tag=1',
  'To: <sip:bob@example.org>',
  'Call-ID: 1@alice.example.org',
  'CSeq: 1 MESSAGE',
];

/** A datagram of these lines and this body. */
function datagram(lines: readonly string[], body: Buffer | string = '', eol = '\r\n'): Buffer {
  return Buffer.concat([Buffer.from(lines.join(eol) + eol + eol), Buffer.from(body)]);
}

function messageIn(bytes: Buffer): SipMessage {
  const { message, fault } = parseMessage(bytes);
  if (fault !== undefined) throw new Error(`refused: ${fault.reason}`);
  return message;
}

describe('a datagram', () => {
  it('is a request with its fields in their order and a body of bytes', () => {
    const body = Buffer.from([0, 1, 0xff, 0x0d, 0x0a, 0x0d, 0x0a, 0]);
    const message = messageIn(datagram([...head, 'Content-Length: 8'], body));
    expect(message).toMatchObject({ type: 'request', method: 'MESSAGE', uri: 'sip:bob@example.org' });
    expect([...message.headers].map(([name]) => name)).toEqual([
      'via',
      'from',
      'to',
      'call-id',
      'cseq',
      'content-length',
    ]);
    expect(message.body).toEqual(body);
  });

  it('is a response, whatever its reason says', () => {
    for (const reason of ['Все хорошо', '', 'a\u2028b\x0bc', '200 OK SIP/2.0']) {
      const response = messageIn(datagram([`SIP/2.0 200 ${reason}`, ...head.slice(1)]));
      expect(response).toMatchObject({ type: 'response', status: 200, reason });
    }
  });

  it('has the rest as its body where no length is given, and no more than is given', () => {
    expect(messageIn(datagram(head, 'hello')).body.toString()).toBe('hello');
    expect(messageIn(datagram([...head, 'l: 2'], 'hello')).body.toString()).toBe('he');
  });

  it('may begin with ends of line, and may end all of its lines by LF', () => {
    const message = messageIn(Buffer.concat([Buffer.from('\r\n\n\r\n'), datagram(head, 'hello', '\n')]));
    expect(message.headers.get('call-id')).toBe('1@alice.example.org');
    expect(message.body.toString()).toBe('hello');
  });

  it('joins continuation lines by one space', () => {
    const { headers } = messageIn(
      datagram([...head, 'Subject: I know', '\t you are  ', '  there', 'X:', ' y']),
    );
    expect(headers.get('s')).toBe('I know you are there');
    expect(headers.get('x')).toBe('y');
  });

  it('keeps header text of UTF-8, replaces what is none, and leaves the body alone', () => {
    const bytes = Buffer.concat([
      Buffer.from(head.join('\r\n')),
      Buffer.from('\r\nSubject: \xe9 é\r\n\r\n', 'latin1'),
      Buffer.of(0xe9, 0xff),
    ]);
    const message = messageIn(bytes);
    expect(message.headers.get('subject')).toBe('� �');
    expect(message.body).toEqual(Buffer.of(0xe9, 0xff));
  });

  const faults: [what: string, bytes: Buffer, status: number, isAnswered: boolean][] = [
    ['nothing', Buffer.alloc(0), 400, false],
    ['ends of line alone', Buffer.from('\r\n\r\n'), 400, false],
    ['no SIP', Buffer.from('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'), 400, false],
    ['a header without end', Buffer.from(head.join('\r\n')), 400, true],
    ['a header without an empty line', Buffer.from(`${head.join('\r\n')}\r\n`), 400, true],
    ['a field without a colon', datagram([...head, 'Subject']), 400, true],
    ['a field without a name', datagram([...head, ': hello']), 400, true],
    ['a name with a space', datagram([...head, 'Sub ject: hello']), 400, true],
    ['a continuation of nothing', datagram([head[0] ?? '', ' folded', ...head.slice(1)]), 400, true],
    ['a bare LF', datagram([...head, 'Subject: a\nRoute: <sip:evil.example.org>']), 400, true],
    ['a bare CR', datagram([...head, 'Subject: a\rb']), 400, true],
    ['a CR among lines that end in LF', datagram([...head, 'Subject: a\r'], '', '\n'), 400, true],
    ['a NUL', datagram([...head, 'Subject: a\0b']), 400, true],
    ['a length that is no number', datagram([...head, 'Content-Length: five']), 400, true],
    ['a length of nothing', datagram([...head, 'Content-Length:']), 400, true],
    ['two lengths', datagram([...head, 'Content-Length: 1', 'l: 2'], 'hello'), 400, true],
    ['a body that is cut', datagram([...head, 'l: 6'], 'hello'), 400, true],
    ['another version', datagram(['OPTIONS sip:bob@example.org SIP/3.0', ...head.slice(1)]), 505, true],
    ['a status of 7xx', datagram(['SIP/2.0 700 No', ...head.slice(1)]), 400, false],
    ['a request that lacks what an answer needs', datagram([...head.slice(0, 4), 'Subject']), 400, false],
    [
      'a Request-URI without end',
      datagram([`MESSAGE sip:${'a'.repeat(usualLimits.startLine)} SIP/2.0`, ...head.slice(1)]),
      414,
      true,
    ],
    ['a field without end', datagram([...head, `X: ${'a'.repeat(usualLimits.field + 1)}`]), 400, true],
    ['too many fields', datagram([...head, ...Array<string>(usualLimits.fields).fill('X: y')]), 400, true],
    [
      'a header without end',
      datagram([...head, ...Array<string>(20).fill(`X: ${'a'.repeat(9_000)}`)]),
      513,
      false,
    ],
    ['a body above the limit', datagram(head, Buffer.alloc(usualLimits.body + 1)), 513, true],
  ];

  it.each(faults)('with %s is refused', (_what, bytes, status, isAnswered) => {
    const { fault, message } = parseMessage(bytes);
    expect(fault?.status).toBe(status);
    expect(message !== undefined).toBe(isAnswered);
  });
});

describe('what is built', () => {
  const token = fc.stringMatching(/^[-.!%*_+`'~0-9A-Za-z]{1,20}$/);
  const value = fc
    .string({ unit: 'grapheme', maxLength: 60 })
    .map((text) => text.replace(/[\r\n\0]|^[ \t]+|[ \t]+$/g, ''))
    .filter((text) => text.isWellFormed() && !/^[ \t]|[ \t]$/.test(text));
  const fields = fc.array(
    fc.tuple(
      token.filter((name) => !/^(content-length|l)$/i.test(name)),
      value,
    ),
    { maxLength: 20 },
  );
  const body = fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets));
  const message = fc.oneof(
    fc
      .tuple(token, fc.stringMatching(/^[a-z]{1,5}:[!#-;=?-~]{1,40}$/), fields, body)
      .map(([method, uri, all, bytes]) => requestOf(method, uri, new Headers(all), bytes)),
    fc
      .tuple(fc.integer({ min: 100, max: 699 }), value, fields, body)
      .map(([status, reason, all, bytes]) => responseOf(status, reason, new Headers(all), bytes)),
  );

  it('is read as what it was, with its length', () => {
    fc.assert(
      fc.property(message, (built) => {
        const read = messageIn(buildMessage(built));
        const fieldsOf = ({ headers }: SipMessage): unknown[] =>
          [...headers].filter(([name]) => name !== 'content-length');
        expect({ ...read, headers: fieldsOf(read) }).toEqual({ ...built, headers: fieldsOf(built) });
        expect(read.headers.get('content-length')).toBe(String(built.body.length));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a line end in a value', requestOf('MESSAGE', 'sip:bob@example.org', { subject: 'a\r\nRoute: b' })],
    ['a lone LF in a value', requestOf('MESSAGE', 'sip:bob@example.org', { subject: 'a\nb' })],
    ['a NUL in a value', requestOf('MESSAGE', 'sip:bob@example.org', { subject: 'a\0b' })],
    ['a line end in a reason', responseOf(200, 'OK\r\nRoute: b', {})],
    ['a method of two words', requestOf('MESS AGE', 'sip:bob@example.org', {})],
    ['a URI of two words', requestOf('MESSAGE', 'sip:bob @example.org', {})],
    ['a name with a colon', requestOf('MESSAGE', 'sip:bob@example.org', { 'x:y': 'z' })],
    ['a status of 99', responseOf(99, 'OK', {})],
  ])('never has %s', (_what, wrong) => {
    expect(() => buildMessage(wrong)).toThrow(TypeError);
  });

  it('keeps a NUL that a backslash escapes, so that such a name can be answered', () => {
    const response = responseOf(200, 'OK', { to: '"a\\\0" <sip:bob@example.org>' });
    expect(messageIn(buildMessage(response)).headers.get('to')).toBe('"a\\\0" <sip:bob@example.org>');
  });
});
