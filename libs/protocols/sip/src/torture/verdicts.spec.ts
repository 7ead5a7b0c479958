import { describe, expect, it } from '@jest/globals';
import { buildMessage } from '../build.js';
import type { SipMessage } from '../message.js';
import { parseMessage } from '../parse.js';
import { StreamReader } from '../stream-reader.js';
import { isSane, verdictOn, verdictOnBody, type Expected, type Verdict } from '../validate.js';
import { bytesOf, ipv6, messageIn, old, requestIn } from './read.fixture.js';

const all = [...old, ...ipv6];

const phone: Expected = { methods: ['INVITE', 'ACK', 'OPTIONS', 'BYE', 'MESSAGE', 'REGISTER'], options: [] };

/** What a datagram is answered with: a refusal by its status, or nothing because it is dropped. */
function fateOf(bytes: Buffer, expected = phone): 'accepted' | 'dropped' | Verdict {
  const { message, fault } = parseMessage(bytes);
  if (fault !== undefined) return message === undefined ? 'dropped' : fault;
  if (message.type === 'response') return isSane(message) ? 'accepted' : 'dropped';
  return verdictOn(message, expected) ?? 'accepted';
}

/** What becomes of each message of RFC 4475: what it asks for, and where it leaves a choice, ours. */
const verdicts: [section: string, name: string, fate: 'accepted' | 'dropped' | number][] = [
  ['3.1.1.1', 'wsinv', 'accepted'],
  ['3.1.1.2', 'intmeth', 501],
  ['3.1.1.3', 'esc01', 'accepted'],
  ['3.1.1.4', 'escnull', 'accepted'],
  ['3.1.1.5', 'esc02', 501],
  ['3.1.1.6', 'lwsdisp', 'accepted'],
  ['3.1.1.7', 'longreq', 'accepted'],
  ['3.1.1.8', 'dblreq', 'accepted'],
  ['3.1.1.9', 'semiuri', 'accepted'],
  ['3.1.1.10', 'transports', 'accepted'],
  ['3.1.1.11', 'mpart01', 'accepted'],
  ['3.1.1.12', 'unreason', 'accepted'],
  ['3.1.1.13', 'noreason', 'accepted'],
  ['3.1.2.1', 'badinv01', 400],
  ['3.1.2.2', 'clerr', 400],
  ['3.1.2.3', 'ncl', 400],
  ['3.1.2.4', 'scalar02', 400],
  ['3.1.2.5', 'scalarlg', 'dropped'],
  ['3.1.2.6', 'quotbal', 400],
  ['3.1.2.7', 'ltgtruri', 400],
  ['3.1.2.8', 'lwsruri', 400],
  ['3.1.2.9', 'lwsstart', 400],
  ['3.1.2.10', 'trws', 400],
  ['3.1.2.11', 'escruri', 400],
  // Refused only by whom the date matters to.
  ['3.1.2.12', 'baddate', 'accepted'],
  ['3.1.2.13', 'regbadct', 400],
  ['3.1.2.14', 'badaspec', 400],
  // Liberal, since many phones write names like these; nothing of them is passed on.
  ['3.1.2.15', 'baddn', 'accepted'],
  ['3.1.2.16', 'badvers', 505],
  ['3.1.2.17', 'mismatch01', 400],
  ['3.1.2.18', 'mismatch02', 501],
  ['3.1.2.19', 'bigcode', 'dropped'],
  // Left to the transactions, which tell such requests apart by other fields.
  ['3.2.1', 'badbranch', 'accepted'],
  ['3.3.1', 'insuf', 400],
  ['3.3.2', 'unkscm', 416],
  ['3.3.3', 'novelsc', 416],
  // Refused by a registrar, which looks at To.
  ['3.3.4', 'unksm2', 'accepted'],
  ['3.3.5', 'bext01', 420],
  ['3.3.6', 'invut', 'accepted'],
  ['3.3.7', 'regaut01', 'accepted'],
  ['3.3.8', 'multi01', 400],
  ['3.3.9', 'mcl01', 400],
  ['3.3.10', 'bcast', 'dropped'],
  ['3.3.11', 'zeromf', 'accepted'],
  ['3.3.12', 'cparam01', 'accepted'],
  ['3.3.13', 'cparam02', 'accepted'],
  ['3.3.14', 'regescrt', 'accepted'],
  ['3.3.15', 'sdp01', 'accepted'],
  ['3.4.1', 'inv2543', 'accepted'],
];

describe('the messages of RFC 4475', () => {
  it('are all judged', () => {
    expect(verdicts.map(([, name]) => name)).toEqual([...old.keys()]);
    expect(old.size).toBe(49);
  });

  it.each(verdicts)('§%s %s: %s', (_section, name, fate) => {
    const seen = fateOf(bytesOf(name));
    expect(typeof seen === 'string' ? seen : seen.status).toBe(fate);
  });
});

describe('what is answered to them', () => {
  it('intmeth, mismatch02: 501 with what is allowed', () => {
    expect(fateOf(bytesOf('intmeth'))).toMatchObject({ headers: { allow: phone.methods.join(', ') } });
  });

  it('bext01: 420 with what an endpoint lacks, and with what a proxy lacks', () => {
    expect(fateOf(bytesOf('bext01'))).toMatchObject({
      headers: { unsupported: 'nothingSupportsThis, nothingSupportsThisEither' },
    });
    expect(fateOf(bytesOf('bext01'), { ...phone, forwards: true })).toMatchObject({
      status: 420,
      headers: { unsupported: 'noProxiesSupportThis, norDoAnyProxiesSupportThis' },
    });
  });

  it('zeromf: 483 by a proxy alone', () => {
    expect(fateOf(bytesOf('zeromf'), { ...phone, forwards: true })).toMatchObject({ status: 483 });
  });

  it('regaut01: 405 by whom is no registrar', () => {
    const methods = phone.methods.filter((method) => method !== 'REGISTER');
    expect(fateOf(bytesOf('regaut01'), { ...phone, methods })).toMatchObject({ status: 405 });
  });

  it('invut: 415 with what can be read', () => {
    const readable = { types: ['application/sdp'], encodings: [] };
    expect(verdictOnBody(requestIn('invut'), readable)).toEqual({
      status: 415,
      reason: 'Unsupported Media Type',
      headers: { accept: 'application/sdp' },
    });
    expect(verdictOnBody(requestIn('sdp01'), readable)).toBeUndefined();
  });

  it('ncl, mcl01: the end of a stream, with 400', () => {
    for (const name of ['ncl', 'mcl01']) {
      const told: unknown[] = [];
      const reader = new StreamReader({
        message: () => told.push('message'),
        fault: () => told.push('fault'),
        ping: () => told.push('ping'),
        pong: () => told.push('pong'),
        broken: (_reason, fault, message) => told.push(fault?.status, message?.headers.get('call-id')),
      });
      reader.push(bytesOf(name));
      expect(told).toEqual([400, expect.stringContaining(name)]);
      expect(reader.isBroken).toBe(true);
    }
  });

  it('clerr: nothing in a stream, where more may come', () => {
    const told: unknown[] = [];
    const tell = (): void => void told.push('anything');
    const reader = new StreamReader({ message: tell, fault: tell, ping: tell, pong: tell, broken: tell });
    reader.push(bytesOf('clerr'));
    expect(told).toEqual([]);
    expect(reader.isAmid).toBe(true);
  });
});

describe('the messages of RFC 5118', () => {
  it.each([...ipv6.keys()])('%s', (name) => {
    const seen = fateOf(bytesOf(name));
    expect(typeof seen === 'string' ? seen : seen.status).toBe(name === 'ipv6-bad' ? 400 : 'accepted');
  });
});

describe('every one of them that can be read', () => {
  it('can be written, and is read as the same again', () => {
    for (const [name, bytes] of all) {
      const { message, fault } = parseMessage(bytes);
      if (fault !== undefined) continue;
      const again = messageIn(buildMessage(message));
      const fieldsOf = ({ headers }: SipMessage): unknown[] => [
        ...[...headers].filter(([field]) => field !== 'content-length'),
        name,
      ];
      expect(fieldsOf(again)).toEqual(fieldsOf(message));
      expect(again.body).toEqual(message.body);
    }
  });

  it('comes out of a stream as out of a datagram, however it is cut', () => {
    const read = all.flatMap(([, bytes]) => {
      const { message, fault } = parseMessage(bytes);
      return fault === undefined ? [message] : [];
    });
    const stream = Buffer.concat(read.map((message) => buildMessage(message)));
    for (const size of [1, 7, 100, stream.length]) {
      const seen: SipMessage[] = [];
      const fail = (): never => {
        throw new Error('not a message');
      };
      const reader = new StreamReader({
        message: (message) => seen.push(message),
        fault: fail,
        ping: fail,
        pong: fail,
        broken: fail,
      });
      for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
      expect(seen.map(({ headers }) => headers.get('call-id'))).toEqual(
        read.map(({ headers }) => headers.get('call-id')),
      );
      expect(seen.map(({ body }) => body)).toEqual(read.map(({ body }) => body));
      expect(reader.isAmid).toBe(false);
    }
  });
});
