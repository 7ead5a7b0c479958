import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildMessage } from './build.js';
import { usualLimits, type Limits } from './limits.js';
import { requestOf } from './message.js';
import { StreamReader } from './stream-reader.js';

const fields = {
  via: 'SIP/2.0/TCP alice.example.org;branch=z9hG4bK1',
  from: '<sip:alice@example.org>;tag=1',
  to: '<sip:bob@example.org>',
  cseq: '1 MESSAGE',
};

function messageOf(id: string, body: Buffer | string = 'hello'): Buffer {
  return buildMessage(requestOf('MESSAGE', 'sip:bob@example.org', { ...fields, 'call-id': id }, body));
}

/** What is told of these bytes, in order. */
function toldOf(bytes: Buffer, sizes: readonly number[] = [], limits: Limits = usualLimits): string[] {
  const told: string[] = [];
  const reader = new StreamReader(
    {
      message: ({ headers, body }) => told.push(`${headers.get('call-id') ?? ''}:${body.toString('latin1')}`),
      fault: (fault, message) =>
        told.push(`fault ${String(fault.status)} ${message?.headers.get('call-id') ?? '-'}`),
      ping: () => told.push('ping'),
      pong: () => told.push('pong'),
      broken: (_reason, fault, message) =>
        told.push(`broken ${String(fault?.status ?? '-')} ${message?.headers.get('call-id') ?? '-'}`),
    },
    limits,
  );
  let at = 0;
  for (const size of sizes) {
    reader.push(bytes.subarray(at, at + size));
    at = Math.min(at + size, bytes.length);
  }
  reader.push(bytes.subarray(at));
  return told;
}

/** A message of these lines as they stand. */
function raw(lines: readonly string[], body = ''): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

const lines = [
  'MESSAGE sip:bob@example.org SIP/2.0',
  ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
  'Call-ID: a',
];

describe('a stream', () => {
  it('is cut into messages by their lengths, wherever the chunks end', () => {
    const stream = Buffer.concat([
      messageOf('a'),
      messageOf('b', ''),
      messageOf('c', Buffer.of(0, 13, 10, 13, 10)),
    ]);
    const whole = ['a:hello', 'b:', 'c:\0\r\n\r\n'];
    expect(toldOf(stream)).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 }), (sizes) => {
        expect(toldOf(stream, sizes)).toEqual(whole);
      }),
    );
  });

  it('tells pings and pongs between messages', () => {
    const stream = Buffer.concat([
      Buffer.from('\r\n\r\n'),
      messageOf('a'),
      Buffer.from('\r\n'),
      messageOf('b'),
    ]);
    expect(toldOf(stream)).toEqual(['ping', 'a:hello', 'pong', 'b:hello']);
    expect(toldOf(Buffer.from('\r\n\r\n\r\n\r\n'))).toEqual(['ping', 'ping']);
  });

  it('answers a ping that is cut in two', () => {
    expect(toldOf(Buffer.from('\r\n\r\n'), [2])).toContain('ping');
    expect(toldOf(Buffer.from('\r\n\r\n'), [1, 1, 1])).toContain('ping');
    // The half of one before a message is none of the next.
    const stream = Buffer.concat([Buffer.from('\r\n'), messageOf('a'), Buffer.from('\r\n')]);
    expect(toldOf(stream, [2, messageOf('a').length])).toEqual(['pong', 'a:hello', 'pong']);
  });

  it('goes on after a message that is wrong inside its frame', () => {
    const wrong = raw([...lines, 'Subject', 'Content-Length: 5'], 'hello');
    expect(toldOf(Buffer.concat([wrong, messageOf('b')]))).toEqual(['fault 400 a', 'b:hello']);
    const old = raw([(lines[0] ?? '').replace('2.0', '1.0'), ...lines.slice(1), 'Content-Length: 0']);
    expect(toldOf(Buffer.concat([old, messageOf('b')]))).toEqual(['fault 505 a', 'b:hello']);
  });

  it.each([
    ['no length', raw(lines), 'broken 400 a'],
    ['a length that is no number', raw([...lines, 'l: five']), 'broken 400 a'],
    ['a length below nothing', raw([...lines, 'l: -1']), 'broken 400 a'],
    ['two lengths', raw([...lines, 'l: 1', 'l: 2']), 'broken 400 a'],
    ['a body above the limit', raw([...lines, `l: ${String(usualLimits.body + 1)}`]), 'broken 513 a'],
    ['a length above all numbers', raw([...lines, `l: ${'9'.repeat(30)}`]), 'broken 400 a'],
    ['a bare LF in its header', raw([...lines, 'X: a\nl: 5', 'l: 0']), 'broken 400 a'],
    ['a bare CR in its header', raw([...lines, 'X: a\rl: 5', 'l: 0']), 'broken 400 a'],
    ['what is not SIP', raw(['GET / HTTP/1.1', 'Content-Length: 0']), 'broken - -'],
    ['a CR alone', Buffer.from('\rx'), 'broken - -'],
  ])('ends with %s, since nobody knows where the next message begins', (_what, bytes, told) => {
    expect(toldOf(Buffer.concat([bytes, messageOf('b')]))).toEqual([told]);
  });

  it('ends with a header that has no end, as soon as it is too long', () => {
    const told = toldOf(Buffer.concat([raw(lines).subarray(0, -4), Buffer.alloc(usualLimits.header, 'x')]));
    expect(told).toEqual(['broken - -']);
  });

  it('says whether a message has begun', () => {
    const nothing = (): void => undefined;
    const handlers = { message: nothing, fault: nothing, ping: nothing, pong: nothing, broken: nothing };
    const reader = new StreamReader(handlers);
    const bytes = messageOf('a');
    expect(reader.isAmid).toBe(false);
    reader.push(bytes.subarray(0, 10));
    expect(reader.isAmid).toBe(true);
    reader.push(bytes.subarray(10));
    expect(reader.isAmid).toBe(false);
    expect(reader.isBroken).toBe(false);
    reader.push(raw(lines));
    expect(reader.isBroken).toBe(true);
    expect(reader.isAmid).toBe(false);
  });

  it('keeps no chunk: what comes later in the same memory changes no body', () => {
    const bodies: Buffer[] = [];
    const nothing = (): void => undefined;
    const reader = new StreamReader({
      message: ({ body }) => bodies.push(body),
      fault: nothing,
      ping: nothing,
      pong: nothing,
      broken: nothing,
    });
    const chunk = Buffer.from(messageOf('a'));
    reader.push(chunk);
    chunk.fill(0);
    reader.push(messageOf('b', 'other'));
    expect(bodies.map(String)).toEqual(['hello', 'other']);
  });

  it('takes time in proportion to its length, however small its chunks are', () => {
    const time = (octets: number): number => {
      const bytes = messageOf('a', Buffer.alloc(octets, 'x'));
      const took = Array.from({ length: 5 }, () => {
        const before = performance.now();
        expect(toldOf(bytes, Array<number>(bytes.length - 1).fill(1))).toHaveLength(1);
        return performance.now() - before;
      });
      return Math.min(...took);
    };
    time(1_000);
    // Ten times as much in about ten times the time; were each octet to cost what came before it, in a hundred.
    expect(time(200_000) / time(20_000)).toBeLessThan(40);
  });
});
