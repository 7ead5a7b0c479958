import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildMessage } from './build.js';
import { parseSeconds } from './grammar.js';
import { parseAuth, parseAuthInfo } from './headers/auth.js';
import { parseCSeq } from './headers/cseq.js';
import { parseNameAddr } from './headers/name-addr.js';
import { parseDate, parseMediaType, parseParameterised, parseRetryAfter } from './headers/values.js';
import { parseVia } from './headers/via.js';
import type { SipMessage } from './message.js';
import { parseMessage } from './parse.js';
import { StreamReader } from './stream-reader.js';
import { tortures } from './torture/tortures.fixture.js';
import { parseUri, unescaped } from './uri.js';
import { isSane, verdictOn, verdictOnBody } from './validate.js';

const corpus = [...tortures('rfc4475.txt').values(), ...tortures('rfc5118.txt').values()];

/** What is put in, besides any octets: all that has a meaning in the grammar. */
const pieces = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '"',
    '\\',
    '<',
    '>',
    '(',
    ')',
    '@',
    '%',
    '%00',
    '=',
    '/',
  ],
  ...[
    '\r\n\r\n',
    '\r\n ',
    'SIP/2.0',
    'Content-Length: 7',
    'l: -1',
    'Via: ',
    '[::1]',
    '99999999999',
    'sip:',
    '\xff\xfe',
  ],
].map((piece) => Buffer.from(piece, 'latin1'));

interface Change {
  at: number;
  cut: number;
  put: Buffer;
}

const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(200)),
  put: fc.oneof(
    fc.constantFrom(...pieces),
    fc.uint8Array({ maxLength: 8 }).map((octets) => Buffer.from(octets)),
    fc
      .tuple(fc.constantFrom(...pieces), fc.integer({ min: 1, max: 300 }))
      .map(([piece, times]) => Buffer.concat(Array<Buffer>(times).fill(piece))),
  ),
});

function changed(bytes: Buffer, changes: readonly Change[]): Buffer {
  return changes.reduce((before, { at, cut, put }) => {
    const from = Math.floor(at * before.length);
    return Buffer.concat([before.subarray(0, from), put, before.subarray(from + cut)]);
  }, bytes);
}

const hostile = fc
  .tuple(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 6 }))
  .map(([bytes, changes]) => changed(bytes, changes));

/** Everything that anybody reads of a message. */
function readAll(message: SipMessage): void {
  if (message.type === 'request') {
    verdictOn(message, { methods: ['INVITE', 'MESSAGE'], options: [] });
    verdictOnBody(message, { types: ['text/plain'], encodings: ['deflate'] });
    parseUri(message.uri);
  } else isSane(message);
  for (const [name] of message.headers) {
    // A list of thousands is read by one reader, not by all of them.
    for (const value of message.headers.list(name).slice(0, 50)) readValue(value);
  }
}

function readValue(value: string): void {
  const uri = parseUri(parseNameAddr(value)?.uri ?? value);
  unescaped(uri?.user ?? value);
  parseVia(value);
  parseCSeq(value);
  parseAuth(value);
  parseAuthInfo(value);
  parseMediaType(value);
  parseParameterised(value);
  parseRetryAfter(value);
  parseSeconds(value);
  parseDate(value);
}

describe('hostile bytes', () => {
  it('are a message or a fault; what is a message can be written, and is read as the same', () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        const { message, fault } = parseMessage(bytes);
        if (message !== undefined) readAll(message);
        if (fault !== undefined) return;
        const again = parseMessage(buildMessage(message));
        expect(again.fault).toBeUndefined();
        const fieldsOf = (one: SipMessage | undefined): unknown[] =>
          [...(one?.headers ?? [])].filter(([name]) => name !== 'content-length');
        expect(fieldsOf(again.message)).toEqual(fieldsOf(message));
        expect(again.message?.body).toEqual(message.body);
      }),
      { numRuns: 3_000 },
    );
  });

  it('of no kind at all are a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (octets) => {
        const { fault } = parseMessage(Buffer.from(octets));
        expect(fault).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('in a stream say the same however they are cut', () => {
    const toldOf = (bytes: Buffer, sizes: readonly number[]): unknown[] => {
      const told: unknown[] = [];
      const reader = new StreamReader({
        message: (message) => {
          readAll(message);
          told.push([...message.headers], message.body.toString('hex'));
        },
        fault: (fault) => told.push(fault),
        // One ping or two pongs, as the chunks have it.
        ping: () => undefined,
        pong: () => undefined,
        broken: (reason) => told.push(reason),
      });
      let at = 0;
      for (const size of sizes) reader.push(bytes.subarray(at, (at += size)));
      reader.push(bytes.subarray(at));
      return told;
    };
    fc.assert(
      fc.property(
        fc.array(hostile, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 30 }),
        (all, sizes) => {
          const bytes = Buffer.concat(all);
          expect(toldOf(bytes, sizes)).toEqual(toldOf(bytes, []));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('made to be slow are not', () => {
    const fields = [
      'From',
      'Via',
      'Contact',
      'WWW-Authenticate',
      'Content-Type',
      'Event',
      'Retry-After',
      'CSeq',
      'Route',
    ];
    const endless = [
      ' ',
      '\t',
      ',',
      ';',
      '"',
      '\\',
      '<',
      '(',
      '=',
      'a',
      'a ',
      ' ,',
      ' ;',
      ';a',
      ';a=',
      '%',
      '%41',
      '\\"',
      '.',
      ':',
    ];
    const starts = [
      '',
      '"',
      '<',
      'sip:',
      'sip:a@',
      '<sip:a@b>',
      'Digest ',
      'SIP/2.0/UDP ',
      'text/plain',
      '1 ',
    ];
    const slowest = { took: 0, of: '' };
    for (const name of fields) {
      for (const start of starts) {
        for (const piece of endless) {
          const value = (start + piece.repeat(16_000 / piece.length)).slice(0, 16_000) + 'x';
          const bytes = Buffer.from(`MESSAGE sip:a@b SIP/2.0\r\n${name}: ${value}\r\n\r\n`);
          const before = performance.now();
          const { message } = parseMessage(bytes);
          if (message !== undefined) readAll(message);
          let took = performance.now() - before;
          if (took > 20) {
            // Once more, in case the machine was busy.
            const again = performance.now();
            if (message !== undefined) readAll(message);
            took = Math.min(took, performance.now() - again);
          }
          if (took > slowest.took) Object.assign(slowest, { took, of: `${name}: ${start}${piece}…` });
        }
      }
    }
    for (const fold of ['\r\n ', '\r\n x', '\r\n\t\t', '\r\nX:', '\n ', '\r ', ' \r\n']) {
      const bytes = Buffer.from(
        `MESSAGE sip:a@b SIP/2.0\r\nSubject: x${fold.repeat(65_000 / fold.length)}\r\n\r\n`,
      );
      const took = [1, 2, 3].map(() => {
        const before = performance.now();
        parseMessage(bytes);
        return performance.now() - before;
      });
      if (Math.min(...took) > slowest.took)
        Object.assign(slowest, { took: Math.min(...took), of: JSON.stringify(fold) });
    }
    expect(slowest.took > 50 ? slowest : undefined).toBeUndefined();
  });
});
