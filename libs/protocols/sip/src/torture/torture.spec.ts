import { describe, expect, it } from '@jest/globals';
import { buildMessage } from '../build.js';
import { parseNameAddr } from '../headers/name-addr.js';
import { parseVia } from '../headers/via.js';
import type { SipMessage, SipRequest, SipResponse } from '../message.js';
import { parseMessage } from '../parse.js';
import { StreamReader } from '../stream-reader.js';
import { parseUri, unescaped } from '../uri.js';
import { isSane, verdictOn, verdictOnBody, type Expected, type Verdict } from '../validate.js';
import { tortures } from './tortures.fixture.js';

const old = tortures('rfc4475.txt');
const ipv6 = tortures('rfc5118.txt');
const all = [...old, ...ipv6];

const phone: Expected = { methods: ['INVITE', 'ACK', 'OPTIONS', 'BYE', 'MESSAGE', 'REGISTER'], options: [] };

function bytesOf(name: string): Buffer {
  const bytes = old.get(name) ?? ipv6.get(name);
  if (bytes === undefined) throw new Error(`no message ${name}`);
  return bytes;
}

function messageIn(bytes: Buffer): SipMessage {
  const { message, fault } = parseMessage(bytes);
  if (fault !== undefined) throw new Error(`refused: ${fault.reason}`);
  return message;
}

function requestIn(name: string): SipRequest {
  const message = messageIn(bytesOf(name));
  if (message.type !== 'request') throw new Error(`${name} is a response`);
  return message;
}

function responseIn(name: string): SipResponse {
  const message = messageIn(bytesOf(name));
  if (message.type !== 'response') throw new Error(`${name} is a request`);
  return message;
}

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

describe('what is read in them', () => {
  it('wsinv: folds, blanks, short names and lists', () => {
    const { uri, headers } = requestIn('wsinv');
    expect(parseUri(uri)?.params).toEqual(new Map([['unknownparam', true]]));
    expect(parseNameAddr(headers.get('to') ?? '')?.params.get('tag')).toBe('1918181833n');
    expect(parseNameAddr(headers.get('from') ?? '')).toEqual({
      display: 'J Rosenberg \\"',
      uri: 'sip:jdrosen@example.com',
      params: new Map([['tag', '98asjd8']]),
    });
    expect(headers.get('max-forwards')).toBe('0068');
    expect(headers.get('cseq')).toBe('0009 INVITE');
    expect(headers.get('subject')).toBe('');
    expect(headers.get('newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(headers.all('unknownheaderwithunusualvalue')).toEqual([';;,,;;,;']);
    expect(headers.list('via').map(parseVia)).toMatchObject([
      { transport: 'UDP', host: '192.0.2.2', params: new Map([['branch', '390skdjuw']]) },
      { transport: 'TCP', host: 'spindle.example.com', params: new Map([['branch', 'z9hG4bK9ikj8']]) },
      { transport: 'UDP', host: '192.168.255.111', params: new Map([['branch', 'z9hG4bK30239']]) },
    ]);
    const contact = parseNameAddr(headers.get('contact') ?? '');
    expect(contact?.display).toBe('Quoted string ""');
    expect(contact?.params).toEqual(
      new Map<string, string | true>([
        ['newparam', 'newvalue'],
        ['secondparam', true],
        ['q', '0.33'],
      ]),
    );
  });

  it('intmeth: every character that there may be', () => {
    const { method, uri, headers } = requestIn('intmeth');
    expect(method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(parseUri(uri)).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: 'example.com',
    });
    expect(parseNameAddr(headers.get('to') ?? '')?.display).toBe('BEL:\x07 NUL:\0 DEL:\x7f');
    const from = parseNameAddr(headers.get('from') ?? '');
    expect(from?.display).toBe("token1~` token2'+_ token3*%!.-");
    expect(from?.params.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(from?.params.get('tag')).toBe("_token~1'+`*%!-.");
    expect(headers.get('call-id')).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
    expect(headers.get("extensionHeader-!.%*+_`'~")).toBe('﻿大停電');
  });

  it('esc01, escnull, esc02: an escape where it is one, once', () => {
    const esc01 = requestIn('esc01');
    expect(parseUri(esc01.uri)).toMatchObject({ user: 'sips%3Auser%40example.com', host: 'example.net' });
    expect(parseUri(parseNameAddr(esc01.headers.get('to') ?? '')?.uri ?? '')?.user).toBe('user');
    const from = parseUri(parseNameAddr(esc01.headers.get('from') ?? '')?.uri ?? '');
    expect(unescaped(from?.user ?? '')).toBe('I have spaces');
    const contact = parseUri(parseNameAddr(esc01.headers.get('contact') ?? '')?.uri ?? '');
    expect(contact?.user).toBe('caller');
    expect(contact?.params.get('lr')).toBe(true);
    expect(unescaped(contact?.params.get('name') as string)).toBe('value%41');

    const contacts = requestIn('escnull').headers.list('contact');
    const users = contacts.map((one) => parseUri(parseNameAddr(one)?.uri ?? '')?.user);
    expect(users).toEqual(['%00', '%00%00']);

    const esc02 = requestIn('esc02');
    expect(esc02.method).toBe('RE%47IST%45R');
    expect(esc02.headers.list('contact')).toHaveLength(2);
    expect(parseNameAddr(esc02.headers.get('to') ?? '')?.display).toBe('%Z%45');
  });

  it('lwsdisp, baddn: a name beside its bracket, and one without quotes', () => {
    expect(parseNameAddr(requestIn('lwsdisp').headers.get('from') ?? '')?.display).toBe('caller');
    expect(parseNameAddr(requestIn('baddn').headers.get('from') ?? '')?.display).toBe('Bell, Alexander');
  });

  it('longreq: all of it', () => {
    const { headers } = requestIn('longreq');
    expect(headers.list('via')).toHaveLength(34);
    expect(parseVia(headers.list('via')[33] ?? '')?.params.get('received')).toBe('192.0.2.5');
    expect(parseNameAddr(headers.get('from') ?? '')?.params.get('tag')).toBe(`12${'982'.repeat(50)}424`);
    expect(headers.get('call-id')).toBe(`longreq.one${'really'.repeat(20)}longcallid`);
  });

  it('dblreq: one request, and no octet of what stands behind it', () => {
    expect(requestIn('dblreq')).toMatchObject({ method: 'REGISTER', body: Buffer.alloc(0) });
  });

  it('semiuri, transports: a semicolon of the user, and any transport', () => {
    const user = parseUri(requestIn('semiuri').uri)?.user ?? '';
    expect(unescaped(user)).toBe('user;par=u@example.net');
    const vias = requestIn('transports').headers.list('via').map(parseVia);
    expect(vias.map((via) => via?.transport)).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']);
  });

  it('mpart01, inv2543: a body with NUL, and one without a length', () => {
    expect(requestIn('mpart01').body).toHaveLength(553);
    expect(requestIn('mpart01').body.includes(0)).toBe(true);
    expect(requestIn('inv2543').body.toString()).toMatch(/^v=0\r\n[^]*RTP\/AVP 0\r\n$/);
  });

  it('unreason, noreason: a reason of any language, or none', () => {
    expect(responseIn('unreason').reason).toBe('= 2**3 * 5**2 но сто девяносто девять - простое');
    expect(responseIn('noreason')).toMatchObject({ status: 100, reason: '' });
  });

  it('cparam01, cparam02, regescrt: parameters of a contact, of its URI, and headers in one', () => {
    const contactOf = (name: string): ReturnType<typeof parseNameAddr> =>
      parseNameAddr(requestIn(name).headers.get('contact') ?? '');
    expect(contactOf('cparam01')).toMatchObject({
      uri: 'sip:+19725552222@gw1.example.net',
      params: new Map([['unknownparam', true]]),
    });
    expect(contactOf('cparam02')?.params.size).toBe(0);
    expect(parseUri(contactOf('cparam02')?.uri ?? '')?.params.has('unknownparam')).toBe(true);
    expect(parseUri(contactOf('regescrt')?.uri ?? '')?.headers).toEqual([
      ['Route', '%3Csip:sip.example.com%3E'],
    ]);
  });

  it('unksm2: schemes that a registrar finds not to be its own', () => {
    const { headers } = requestIn('unksm2');
    expect(parseUri(parseNameAddr(headers.get('to') ?? '')?.uri ?? '')?.scheme).toBe('isbn');
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

  it('have their addresses and ports where they are', () => {
    const uriIn = (name: string): unknown => parseUri(requestIn(name).uri);
    expect(uriIn('ipv6-good')).toMatchObject({ host: '2001:db8::10' });
    expect(uriIn('port-ambiguous')).toMatchObject({ host: '2001:db8::10:5070' });
    expect(uriIn('port-unambiguous')).toMatchObject({ host: '2001:db8::10', port: 5070 });
    expect(uriIn('ipv6-bug-abnf-3-colons')).toMatchObject({ host: '2001:db8::192.0.2.1' });
    expect(uriIn('ipv6-correct-abnf-2-colons')).toMatchObject({ host: '2001:db8::192.0.2.1' });
    const viasIn = (name: string): unknown => requestIn(name).headers.list('via').map(parseVia);
    expect(viasIn('via-received-param-with-delim')).toMatchObject([
      {
        host: '2001:db8::9:1',
        params: new Map([
          ['received', '[2001:db8::9:255]'],
          ['branch', 'z9hG4bKas3-111'],
        ]),
      },
    ]);
    expect(viasIn('via-received-param-no-delim')).toMatchObject([
      {
        params: new Map([
          ['received', '2001:db8::9:255'],
          ['branch', 'z9hG4bKas3'],
        ]),
      },
    ]);
    expect(viasIn('mult-ip-in-header')).toMatchObject([
      { host: '2001:db8::9:1', port: 6050 },
      { host: '192.0.2.1' },
      { transport: 'TCP', host: '2001:db8::9:255' },
    ]);
    expect(viasIn('ipv4-mapped-ipv6')).toMatchObject([
      { host: '::ffff:192.0.2.10', port: 19823 },
      { host: '::ffff:192.0.2.2' },
    ]);
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
