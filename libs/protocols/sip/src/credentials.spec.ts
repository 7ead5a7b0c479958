import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Credentials } from './credentials.js';
import { digestOf, ha1Of, type DigestAlgorithm } from './digest.js';
import { parseAuth } from './headers/auth.js';
import { responseOf, type SipRequest, type SipResponse } from './message.js';
import { aRequest } from './stack.fixture.js';

describe('the digest', () => {
  const mufasa = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
  it.each<[string, DigestAlgorithm, string, string, string, string]>([
    [
      'RFC 7616 §3.9.1',
      'MD5',
      ha1Of('MD5', 'Mufasa', 'http-auth@example.org', 'Circle of Life'),
      '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      mufasa,
      '8ca523f5e9506fed4657c9700eebdbec',
    ],
    [
      'RFC 7616 §3.9.1',
      'SHA-256',
      ha1Of('SHA-256', 'Mufasa', 'http-auth@example.org', 'Circle of Life'),
      '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      mufasa,
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    ],
    [
      'RFC 2617 §3.5',
      'MD5',
      '939e7578ed9e3c518a452acee763bce9',
      'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      '0a4f113b',
      '6629fae49393a05397450978507c4ef1',
    ],
  ])('is that of %s with %s', (_where, algorithm, ha1, nonce, cnonce, response) => {
    const qop = { nc: '00000001', cnonce };
    const uri = '/dir/index.html';
    expect(digestOf({ algorithm, isSession: false, ha1, method: 'GET', uri, nonce, qop })).toBe(response);
  });
});

/** A 401, or a 407, with these challenges. */
function challenged(status: 401 | 407, ...challenges: readonly string[]): SipResponse {
  const name = status === 401 ? 'www-authenticate' : 'proxy-authenticate';
  return responseOf(status, '', { [name]: challenges });
}

function paramsOf(request: SipRequest | string, field = 'authorization'): ReadonlyMap<string, string> {
  if (typeof request === 'string') throw new Error(request);
  return parseAuth(request.headers.get(field) ?? '')?.params ?? new Map<string, string>();
}

const alice = (): Credentials => new Credentials({ user: 'alice', password: 'secret' });
const challenge = (nonce: string, more = ', qop="auth"'): string =>
  `Digest realm="example.org", nonce="${nonce}"${more}`;

describe('credentials', () => {
  it('answer a challenge with what the server reckons too', () => {
    const request = aRequest();
    const answer = paramsOf(
      alice()
        .attempt()
        .again(request, challenged(401, challenge('n', ', opaque="o", qop="auth,auth-int"'))),
    );
    const cnonce = answer.get('cnonce') ?? '';
    expect(Object.fromEntries(answer)).toEqual({
      username: 'alice',
      realm: 'example.org',
      nonce: 'n',
      uri: 'sip:bob@example.org',
      qop: 'auth',
      nc: '00000001',
      cnonce,
      opaque: 'o',
      response: digestOf({
        algorithm: 'MD5',
        isSession: false,
        ha1: ha1Of('MD5', 'alice', 'example.org', 'secret'),
        method: 'MESSAGE',
        uri: 'sip:bob@example.org',
        nonce: 'n',
        qop: { nc: '00000001', cnonce },
      }),
    });
  });

  it('answer without qop where the server knows none (RFC 2069)', () => {
    const answer = paramsOf(
      alice()
        .attempt()
        .again(aRequest(), challenged(401, challenge('n', ''))),
    );
    expect(answer.has('cnonce') || answer.has('nc') || answer.has('qop')).toBe(false);
    const ha1 = ha1Of('MD5', 'alice', 'example.org', 'secret');
    const uri = 'sip:bob@example.org';
    const input = { algorithm: 'MD5', isSession: false, ha1, method: 'MESSAGE', uri, nonce: 'n' } as const;
    expect(answer.get('response')).toBe(digestOf(input));
  });

  it('answer the strongest challenge of a realm, whatever their order', () => {
    const response = challenged(
      401,
      challenge('weak', ', algorithm=MD5, qop="auth"'),
      challenge('strong', ', algorithm=SHA-256, qop="auth"'),
      challenge('unknown', ', algorithm=SHA-3, qop="auth"'),
      'Basic realm="example.org"',
    );
    const answer = paramsOf(alice().attempt().again(aRequest(), response));
    expect([answer.get('nonce'), answer.get('algorithm')]).toEqual(['strong', 'SHA-256']);
    expect(answer.get('response')).toHaveLength(64);
  });

  it('use the nonce and the cnonce with HA1 for -sess', () => {
    const response = challenged(401, challenge('n', ', algorithm=MD5-sess, qop="auth"'));
    const answer = paramsOf(alice().attempt().again(aRequest(), response));
    const cnonce = answer.get('cnonce') ?? '';
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const ha1 = md5(`${md5('alice:example.org:secret')}:n:${cnonce}`);
    const ha2 = md5('MESSAGE:sip:bob@example.org');
    expect(answer.get('response')).toBe(md5(`${ha1}:n:00000001:${cnonce}:auth:${ha2}`));
  });

  it('cannot answer what they do not know: auth-int alone, other schemes and algorithms', () => {
    for (const unknown of [
      challenge('n', ', qop="auth-int"'),
      challenge('n', ', algorithm=SHA-3'),
      'Basic realm="example.org"',
      'Digest realm="example.org"',
      'Digest realm="a", realm="b", nonce="n"',
    ]) {
      expect(alice().attempt().again(aRequest(), challenged(401, unknown))).toBe('unsupported');
    }
  });

  it('try once for a nonce, and again only where it was stale', () => {
    const credentials = alice();
    const attempt = credentials.attempt();
    const first = attempt.again(aRequest(), challenged(401, challenge('1')));
    expect(paramsOf(first).get('nonce')).toBe('1');
    const second = attempt.again(aRequest(), challenged(401, challenge('2', ', stale=TRUE, qop="auth"')));
    expect(paramsOf(second).get('nonce')).toBe('2');
    expect(attempt.again(aRequest(), challenged(401, challenge('3')))).toBe('rejected');
    // What was refused is not tried again unasked.
    expect(credentials.attempt().anticipate(aRequest()).headers.has('authorization')).toBe(false);
  });

  it('give up on a server whose nonces are always stale', () => {
    const attempt = alice().attempt();
    let rounds = 0;
    while (
      typeof attempt.again(aRequest(), challenged(401, challenge(String(rounds), ', stale=true'))) !==
      'string'
    ) {
      rounds++;
    }
    expect(rounds).toBeLessThan(10);
  });

  it('go with the next request unasked, counting', () => {
    const credentials = alice();
    credentials.attempt().again(aRequest(), challenged(401, challenge('n')));
    const [second, third] = [1, 2].map(() => paramsOf(credentials.attempt().anticipate(aRequest())));
    expect([second?.get('nc'), third?.get('nc')]).toEqual(['00000002', '00000003']);
    // Not to another host: it has nothing to do with this one's challenge.
    const elsewhere = { ...aRequest(), uri: 'sip:bob@example.com' };
    expect(credentials.attempt().anticipate(elsewhere).headers.has('authorization')).toBe(false);
  });

  it('go with no other kind of request unasked, for it may reach somebody who could try passwords on them', () => {
    const credentials = alice();
    const [register, message] = [{ ...aRequest(), method: 'REGISTER' }, aRequest()];
    const isSigned = (request: SipRequest): boolean =>
      credentials.attempt().anticipate(request).headers.has('authorization');
    credentials.attempt().again(register, challenged(401, challenge('1')));
    expect([isSigned(register), isSigned(message)]).toEqual([true, false]);
    // Who asks about each kind has each signed.
    credentials.attempt().again(message, challenged(401, challenge('2')));
    expect([isSigned(register), isSigned(message)]).toEqual([true, true]);
  });

  it('take a nonce that the server no longer knows for stale, though it does not say so', () => {
    const credentials = alice();
    credentials.attempt().again(aRequest(), challenged(401, challenge('old')));
    const attempt = credentials.attempt();
    attempt.anticipate(aRequest());
    expect(paramsOf(attempt.again(aRequest(), challenged(401, challenge('new')))).get('nonce')).toBe('new');
  });

  it('take the next nonce that the server gives', () => {
    const credentials = alice();
    const attempt = credentials.attempt();
    attempt.again(aRequest(), challenged(401, challenge('n')));
    attempt.learn(responseOf(200, '', { 'authentication-info': 'nextnonce="m", qop=auth' }));
    const next = paramsOf(credentials.attempt().anticipate(aRequest()));
    expect([next.get('nonce'), next.get('nc')]).toEqual(['m', '00000001']);
  });

  it('answer a server and the proxies on the way at once', () => {
    const attempt = alice().attempt();
    const proxies = ['a', 'b'].map((realm) => `Digest realm="${realm}", nonce="n${realm}", qop="auth"`);
    const first = attempt.again(aRequest(), challenged(407, ...proxies));
    if (typeof first === 'string') throw new Error(first);
    expect(first.headers.all('proxy-authorization')).toHaveLength(2);
    const second = attempt.again(aRequest(), challenged(401, challenge('n')));
    if (typeof second === 'string') throw new Error(second);
    expect(second.headers.all('proxy-authorization')).toHaveLength(2);
    expect(paramsOf(second).get('realm')).toBe('example.org');
  });

  it('need no password where there is HA1, in its realm and with its algorithm', () => {
    const ha1 = ha1Of('MD5', 'alice', 'example.org', 'secret').toUpperCase();
    const credentials = new Credentials({ user: 'alice', ha1, realm: 'example.org' });
    const answer = paramsOf(credentials.attempt().again(aRequest(), challenged(401, challenge('n', ''))));
    const known = paramsOf(
      alice()
        .attempt()
        .again(aRequest(), challenged(401, challenge('n', ''))),
    );
    expect(answer.get('response')).toBe(known.get('response'));
    const other = challenged(401, 'Digest realm="other", nonce="n"', challenge('n', ', algorithm=SHA-256'));
    expect(credentials.attempt().again(aRequest(), other)).toBe('unsupported');
  });

  it('write quotes so that they are read again', () => {
    const credentials = new Credentials({ user: 'al"ice\\', password: 'p' });
    const response = challenged(401, 'Digest realm="a \\"b\\"", nonce="n"');
    const answer = credentials.attempt().again(aRequest(), response);
    expect(paramsOf(answer).get('username')).toBe('al"ice\\');
    expect(paramsOf(answer).get('realm')).toBe('a "b"');
  });
});
