import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseNumber, parseSeconds, type Params } from '../grammar.js';
import { formatAuth, parseAuth, parseAuthInfo } from './auth.js';
import { formatCSeq, parseCSeq } from './cseq.js';
import { formatNameAddr, parseNameAddr, tagOf } from './name-addr.js';
import {
  formatDate,
  formatMediaType,
  formatParameterised,
  parseDate,
  parseMediaType,
  parseParameterised,
  parseRetryAfter,
} from './values.js';
import { formatVia, parseVia } from './via.js';

const params = (...all: (readonly [string, string | true])[]): Params => new Map(all);

describe('an address with its name', () => {
  it.each([
    ['<sip:a@b>', { uri: 'sip:a@b', params: params() }],
    ['sip:a@b', { uri: 'sip:a@b', params: params() }],
    ['  sip:a@b ; tag = x ', { uri: 'sip:a@b', params: params(['tag', 'x']) }],
    ['sip:a@b;transport=tcp', { uri: 'sip:a@b', params: params(['transport', 'tcp']) }],
    ['<sip:a@b;transport=tcp>;tag=x', { uri: 'sip:a@b;transport=tcp', params: params(['tag', 'x']) }],
    ['"a \\"b\\" <c>" <sip:a@b>', { display: 'a "b" <c>', uri: 'sip:a@b', params: params() }],
    ['Alice Doe <sip:a@b>', { display: 'Alice Doe', uri: 'sip:a@b', params: params() }],
    ['Jörg (x) <sip:a@b>', { display: 'Jörg (x)', uri: 'sip:a@b', params: params() }],
    ['"" <sip:a@b>', { uri: 'sip:a@b', params: params() }],
    ['<tel:+12025550123>;x="a;b"', { uri: 'tel:+12025550123', params: params(['x', 'a;b']) }],
    [
      '<sip:a@b>;+sip.instance="<urn:uuid:1>";reg-id=1',
      { uri: 'sip:a@b', params: params(['+sip.instance', '<urn:uuid:1>'], ['reg-id', '1']) },
    ],
  ])('is read: %s', (value, address) => {
    expect(parseNameAddr(value)).toEqual(address);
    expect(parseNameAddr(formatNameAddr(address))).toEqual(address);
  });

  it.each([
    '',
    '*',
    'alice',
    '"a <sip:a@b>',
    '<sip:a@b',
    '<>',
    '< sip:a@b >',
    'sip:a@b?x=y',
    'sip:a,b@c',
    '"a" sip:a@b',
    'a"b" <sip:a@b>',
    '<sip:a@b> x',
    '<sip:a@b>;',
    '<sip:a@b>;;tag=x',
    '<sip:a@b>;tag=x;TAG=y',
    '<sip:a@b>;tag="x',
    '<sip:a b@c>',
    '<sip:a@b><sip:c@d>',
  ])('is none: %s', (value) => {
    expect(parseNameAddr(value)).toBeUndefined();
  });

  it('is written so that any name is read again, without what no header can hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        (display, value) => {
          const kept = (text: string): string => text.replace(/[\r\n]+/g, ' ').replaceAll('\0', '');
          const written = formatNameAddr({ display, uri: 'sip:a@b', params: params(['x', value]) });
          expect(written).not.toMatch(/[\r\n\0]/);
          const read = parseNameAddr(written);
          expect(read?.display ?? '').toBe(kept(display));
          expect(read?.params.get('x')).toBe(kept(value));
        },
      ),
    );
  });

  it('has a tag, or none', () => {
    expect(tagOf('<sip:a@b>;tag=x')).toBe('x');
    expect(tagOf('<sip:a@b>;tag')).toBeUndefined();
    expect(tagOf('<sip:a@b>')).toBeUndefined();
    expect(tagOf(undefined)).toBeUndefined();
  });
});

describe('a Via', () => {
  it.each([
    [
      'SIP/2.0/UDP host.example.org:5070;branch=z9hG4bK1;rport',
      {
        protocol: 'SIP/2.0',
        transport: 'UDP',
        host: 'host.example.org',
        port: 5070,
        params: params(['branch', 'z9hG4bK1'], ['rport', true]),
      },
    ],
    [
      'sip / 2.0 / tls  [2001:DB8::1] : 5061 ; received=2001:db8::2',
      {
        protocol: 'SIP/2.0',
        transport: 'TLS',
        host: '2001:db8::1',
        port: 5061,
        params: params(['received', '2001:db8::2']),
      },
    ],
  ])('is read: %s', (value, via) => {
    expect(parseVia(value)).toEqual(via);
    expect(parseVia(formatVia(via))).toEqual(via);
  });

  it('is written with an address of IPv6 as it must be', () => {
    const via = parseVia('SIP/2.0/UDP [2001:db8::1]:5070;received=2001:db8::2;branch=z9hG4bK1');
    expect(via && formatVia(via)).toBe('SIP/2.0/UDP [2001:db8::1]:5070;received=2001:db8::2;branch=z9hG4bK1');
  });

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 host',
    'SIP/2.0/UDP ;branch=x',
    'SIP/2.0/UDP 2001:db8::1',
    'SIP/2.0/UDP a b',
  ])('is none: %s', (value) => {
    expect(parseVia(value)).toBeUndefined();
  });
});

describe('a CSeq', () => {
  it('is a number below 2^31 and a method', () => {
    expect(parseCSeq(' 2147483647  INVITE ')).toEqual({ number: 2_147_483_647, method: 'INVITE' });
    expect(parseCSeq('0009 OPTIONS')).toEqual({ number: 9, method: 'OPTIONS' });
    expect(formatCSeq({ number: 9, method: 'OPTIONS' })).toBe('9 OPTIONS');
  });

  it.each(['', '1', 'INVITE', '-1 INVITE', '2147483648 INVITE', '1 INVITE x', '0x1 INVITE', '1e3 INVITE'])(
    'is none: %s',
    (value) => {
      expect(parseCSeq(value)).toBeUndefined();
    },
  );
});

describe('a challenge', () => {
  it('has its scheme and its parameters without quotes', () => {
    expect(
      parseAuth(
        'DIGEST Realm="a \\"b\\"", nonce = "x,y=", algorithm=SHA-256,qop="auth,auth-int" , stale=TRUE',
      ),
    ).toEqual({
      scheme: 'digest',
      params: new Map([
        ['realm', 'a "b"'],
        ['nonce', 'x,y='],
        ['algorithm', 'SHA-256'],
        ['qop', 'auth,auth-int'],
        ['stale', 'TRUE'],
      ]),
    });
    expect(parseAuth('NoOneKnowsThisScheme opaque-data=here')?.scheme).toBe('nooneknowsthisscheme');
  });

  it('is written with quotes where they belong: qop has them here, and not in credentials', () => {
    const challenge = new Map([
      ['realm', 'a "b"'],
      ['qop', 'auth'],
      ['algorithm', 'MD5'],
      ['stale', 'true'],
    ]);
    expect(formatAuth({ scheme: 'digest', params: challenge })).toBe(
      'Digest realm="a \\"b\\"", qop="auth", algorithm=MD5, stale=true',
    );
    const credentials = new Map([
      ['username', 'alice'],
      ['qop', 'auth'],
      ['nc', '00000001'],
      ['response', 'ff'],
    ]);
    expect(formatAuth({ scheme: 'digest', params: credentials })).toBe(
      'Digest username="alice", qop=auth, nc=00000001, response="ff"',
    );
  });

  it('is read as it was written', () => {
    const text = fc.string({ unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(text, text, (realm, nonce) => {
        const auth = {
          scheme: 'digest',
          params: new Map([
            ['realm', realm],
            ['nonce', nonce],
          ]),
        };
        expect(parseAuth(formatAuth(auth))).toEqual(auth);
      }),
    );
  });

  it.each([
    '',
    'Digest',
    'Digest realm',
    'Digest realm="a',
    'Digest realm="a" nonce="b"',
    'Digest realm=a, realm=b',
  ])('is none: %s', (value) => {
    expect(parseAuth(value)).toBeUndefined();
  });

  it('may be answered by parameters alone', () => {
    expect(parseAuthInfo('nextnonce="x", rspauth="y"')).toEqual(
      new Map([
        ['nextnonce', 'x'],
        ['rspauth', 'y'],
      ]),
    );
  });
});

describe('values with parameters', () => {
  it('are media types, in small letters', () => {
    expect(parseMediaType('Multipart / Mixed; Boundary="a b"')).toEqual({
      type: 'multipart/mixed',
      params: params(['boundary', 'a b']),
    });
    expect(formatMediaType({ type: 'text/plain', params: params(['charset', 'utf-8'], ['x', 'a b']) })).toBe(
      'text/plain;charset=utf-8;x="a b"',
    );
    for (const value of ['', 'text', 'text/', '/plain', 'text/plain;', 'te xt/plain', 'text/plain x']) {
      expect(parseMediaType(value)).toBeUndefined();
    }
  });

  it('are words: of events, states and reasons', () => {
    expect(parseParameterised('Terminated; reason=timeout ;retry-after=5')).toEqual({
      value: 'Terminated',
      params: params(['reason', 'timeout'], ['retry-after', '5']),
    });
    // The text of a reason has quotes even where it is one word (RFC 3326 §2).
    expect(formatParameterised({ value: 'SIP', params: params(['cause', '486'], ['text', 'Busy']) })).toBe(
      'SIP;cause=486;text="Busy"',
    );
    expect(parseParameterised(';x')).toBeUndefined();
    expect(parseParameterised('a;;b')).toBeUndefined();
  });

  it('are numbers in digits alone', () => {
    expect(parseNumber('0070', 255)).toBe(70);
    for (const value of ['', '-1', '+1', '1.5', ' 1', '1e3', '0x1', 'five', '256']) {
      expect(parseNumber(value, 255)).toBeUndefined();
    }
    expect(parseNumber(undefined)).toBeUndefined();
  });

  it('are seconds, where too many are very many', () => {
    expect(parseSeconds('3600')).toBe(3_600);
    expect(parseSeconds('9'.repeat(400))).toBe(0xffff_ffff);
    expect(parseSeconds('-1')).toBeUndefined();
    expect(parseRetryAfter('18000;duration=3600')).toBe(18_000);
    expect(parseRetryAfter('120 (I am (not) in)')).toBe(120);
    expect(parseRetryAfter('soon')).toBeUndefined();
    expect(parseRetryAfter(undefined)).toBeUndefined();
  });

  it('are dates of GMT', () => {
    const date = new Date('2010-11-13T23:29:00Z');
    expect(parseDate('Sat, 13 Nov 2010 23:29:00 GMT')).toEqual(date);
    expect(formatDate(date)).toBe('Sat, 13 Nov 2010 23:29:00 GMT');
    for (const value of [
      '',
      '2010-11-13',
      'Fri, 01 Jan 2010 16:00:00 EST',
      'Fri, 99 Jan 2010 16:00:00 GMT',
    ]) {
      expect(parseDate(value)).toBeUndefined();
    }
  });
});
