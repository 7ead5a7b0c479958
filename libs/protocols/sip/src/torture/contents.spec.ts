import { describe, expect, it } from '@jest/globals';
import { parseNameAddr } from '../headers/name-addr.js';
import { parseVia } from '../headers/via.js';
import { parseUri, unescaped } from '../uri.js';
import { requestIn, responseIn } from './read.fixture.js';

describe('what is read in the messages of RFC 4475', () => {
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

describe('what is read in the messages of RFC 5118', () => {
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
