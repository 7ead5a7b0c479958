import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeUser, formatUri, parseUri, sameUri, unescaped, type SipUri } from './uri.js';

function uriOf(text: string): SipUri {
  const uri = parseUri(text);
  if (uri === undefined) throw new Error(`no URI: ${text}`);
  return uri;
}

describe('a URI', () => {
  it('has its parts', () => {
    expect(uriOf('sips:alice:secret@Example.ORG:5061;Transport=TCP;lr?Subject=a%20b&to=x')).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 'secret',
      host: 'example.org',
      port: 5061,
      params: new Map<string, string | true>([
        ['transport', 'TCP'],
        ['lr', true],
      ]),
      headers: [
        ['Subject', 'a%20b'],
        ['to', 'x'],
      ],
    });
  });

  it('has addresses of IPv6 without their brackets', () => {
    expect(uriOf('sip:alice@[2001:DB8::1]:5070')).toMatchObject({ host: '2001:db8::1', port: 5070 });
    expect(uriOf('sip:[2001:db8::10:5070]')).toMatchObject({ host: '2001:db8::10:5070' });
    expect(uriOf('sip:[2001:db8::10:5070]').port).toBeUndefined();
    expect(formatUri(uriOf('sip:alice@[2001:DB8::1]:5070'))).toBe('sip:alice@[2001:db8::1]:5070');
  });

  it('has the escapes that its user needs, and no others', () => {
    expect(uriOf('sip:%61li%63e%40home%00@example.org').user).toBe('alice%40home%00');
    expect(uriOf('sip:j%C3%B6rg%e9@example.org').user).toBe('j%C3%B6rg%E9');
    expect(uriOf('sip:user;par=u%40example.net@example.com').user).toBe('user;par=u%40example.net');
  });

  it('is never unescaped twice', () => {
    expect(uriOf('sip:a@example.org;n%61me=v%61lue%25%34%31').params.get('name')).toBe('value%2541');
  });

  it('is a number of the telephone with its separators', () => {
    expect(uriOf('tel:+1-202-555-0123;ext=5')).toMatchObject({
      scheme: 'tel',
      user: '+1-202-555-0123',
      host: '',
    });
    expect(formatUri(uriOf('tel:*31#5550123;phone-context=example.org'))).toBe(
      'tel:*31#5550123;phone-context=example.org',
    );
  });

  it('is opaque in any other scheme', () => {
    expect(uriOf('urn:service:sos')).toMatchObject({ scheme: 'urn', opaque: 'service:sos', host: '' });
    expect(formatUri(uriOf('soap.beep://192.0.2.103:3002'))).toBe('soap.beep://192.0.2.103:3002');
  });

  it.each([
    'alice',
    'sip:',
    'sip:@example.org',
    'sip:alice@',
    'sip:alice@bob@example.org',
    'sip:alice@example..org',
    'sip:alice@-example.org',
    'sip:alice@example.org:',
    'sip:alice@example.org:0',
    'sip:alice@example.org:65536',
    'sip:alice@example.org:50a',
    'sip:alice@example.org : 5060',
    'sip:2001:db8::10',
    'sip:[2001:db8::10',
    'sip:[2001:db8:::10]',
    'sip:[fe80::1%eth0]',
    'sip:[192.0.2.1]',
    'sip:al ice@example.org',
    'sip:al%ice@example.org',
    'sip:al"ice@example.org',
    'sip:jörg@example.org',
    'sip:alice@exämple.org',
    'sip:alice@example.org;',
    'sip:alice@example.org;;lr',
    'sip:alice@example.org;=x',
    'sip:alice@example.org;lr;LR',
    'sip:alice@example.org;x="y"',
    'sip:alice@example.org?subject',
    'sip:alice@example.org?=x',
    'sip:alice@example.org\r\nRoute: x',
    'tel:alice',
    'tel:',
    'tel:+',
    '1sip:alice@example.org',
    'name:John Smith',
  ])('is none: %s', (text) => {
    expect(parseUri(text)).toBeUndefined();
  });

  it('is written as it was read, and read as it was written, whatever its parts say', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 20 })
      .filter((one) => one.isWellFormed());
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.option(fc.integer({ min: 1, max: 65_535 })),
        (user, password, value, port) => {
          const uri: SipUri = {
            scheme: 'sip',
            user: escapeUser(user),
            password,
            host: 'example.org',
            ...(port !== null && { port }),
            params: new Map([['x', value]]),
            headers: [['subject', value]],
          };
          const written = formatUri(uri);
          const read = uriOf(written);
          expect(unescaped(read.user ?? '')).toBe(user);
          expect(read.port).toBe(port ?? undefined);
          expect(formatUri(read)).toBe(written);
          expect(parseUri(formatUri(read))).toEqual(read);
        },
      ),
    );
  });

  it('is anything at all without a complaint', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const one of [
          text,
          `sip:${text}`,
          `sip:a@${text}`,
          `tel:${text}`,
          `sip:a@b;${text}`,
          `sip:a@b?${text}`,
        ]) {
          const uri = parseUri(one);
          if (uri !== undefined) expect(parseUri(formatUri(uri))).toEqual(uri);
        }
      }),
    );
  });
});

describe('two URIs', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-202-555-0123', 'tel:+12025550123'],
    ['urn:service:sos', 'urn:service:sos'],
  ])('are the same: %s and %s', (a, b) => {
    expect(sameUri(uriOf(a), uriOf(b))).toBe(true);
    expect(sameUri(uriOf(b), uriOf(a))).toBe(true);
  });

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:bob:secret@biloxi.com'],
    ['tel:+12025550123', 'tel:+12025550123;ext=5'],
    ['urn:service:sos', 'urn:service:sos.fire'],
  ])('are not the same: %s and %s', (a, b) => {
    expect(sameUri(uriOf(a), uriOf(b))).toBe(false);
    expect(sameUri(uriOf(b), uriOf(a))).toBe(false);
  });
});
