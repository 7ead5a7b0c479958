import { describe, expect, it } from '@jest/globals';
import { Challenger } from './challenger.js';
import { Credentials } from './credentials.js';
import { ha1Of, type DigestAlgorithm } from './digest.js';
import { responseOf, type SipRequest } from './message.js';
import { aRequest, ManualClock } from './stack.fixture.js';

const secretOf = (user: string): { password: string } | undefined =>
  user === 'alice' ? { password: 'secret' } : undefined;

function made(algorithms?: readonly DigestAlgorithm[]): { clock: ManualClock; challenger: Challenger } {
  const clock = new ManualClock();
  const realm = 'example.org';
  return {
    clock,
    challenger: new Challenger({ realm, clock, ...(algorithms !== undefined && { algorithms }) }),
  };
}

/** A request with the answer to what a challenger asks. */
function signed(challenger: Challenger, credentials: Credentials, request = aRequest()): SipRequest {
  const response = responseOf(401, '', { 'www-authenticate': challenger.challenge() });
  const again = credentials.attempt().again(request, response);
  if (typeof again === 'string') throw new Error(again);
  return again;
}

const alice = (password = 'secret', user = 'alice'): Credentials => new Credentials({ user, password });

describe('a challenger', () => {
  it.each<DigestAlgorithm>(['MD5', 'SHA-256', 'SHA-512-256'])(
    'knows who knows the password, by %s',
    (algorithm) => {
      const { challenger } = made([algorithm]);
      expect(challenger.verify(signed(challenger, alice()), secretOf)).toEqual({
        verdict: 'ok',
        user: 'alice',
      });
      const ha1 = (): { ha1: string } => ({ ha1: ha1Of(algorithm, 'alice', 'example.org', 'secret') });
      expect(challenger.verify(signed(challenger, alice()), ha1).verdict).toBe('ok');
      expect(challenger.verify(signed(challenger, alice('wrong')), secretOf).verdict).toBe('rejected');
      expect(challenger.verify(signed(challenger, alice('secret', 'mallory')), secretOf).verdict).toBe(
        'rejected',
      );
      expect(challenger.verify(aRequest(), secretOf).verdict).toBe('none');
    },
  );

  it('takes each use of a nonce once, in whatever order they come', () => {
    const { challenger } = made();
    const credentials = alice();
    const first = signed(challenger, credentials);
    const [second, third] = [1, 2].map(() => credentials.attempt().anticipate(aRequest()));
    if (second === undefined || third === undefined) throw new Error('not signed');
    expect(challenger.verify(third, secretOf).verdict).toBe('ok');
    expect(challenger.verify(first, secretOf).verdict).toBe('ok');
    expect(challenger.verify(second, secretOf).verdict).toBe('ok');
    for (const again of [first, second, third])
      expect(challenger.verify(again, secretOf).verdict).toBe('stale');
  });

  it('takes no count for another than it is', () => {
    const { challenger } = made();
    const request = signed(challenger, alice());
    const header = request.headers.get('authorization') ?? '';
    request.headers.set('authorization', header.replace('nc=00000001', 'nc=00000002'));
    expect(challenger.verify(request, secretOf).verdict).toBe('rejected');
  });

  it('calls a nonce stale that is old, or that another made', () => {
    const { clock, challenger } = made();
    const request = signed(challenger, alice());
    expect(made().challenger.verify(request, secretOf).verdict).toBe('stale');
    clock.advance(300_001);
    expect(challenger.verify(request, secretOf).verdict).toBe('stale');
    expect(challenger.challenge(true)[0]).toContain('stale=true');
  });

  it('takes credentials for another request as none of this', () => {
    const { challenger } = made();
    const request = signed(challenger, alice());
    expect(challenger.verify({ ...request, uri: 'sip:carol@example.org' }, secretOf).verdict).toBe(
      'malformed',
    );
    expect(challenger.verify({ ...request, method: 'REGISTER' }, secretOf).verdict).toBe('rejected');
    // A parameter that a proxy added changes nothing of who is meant.
    expect(challenger.verify({ ...request, uri: `${request.uri};transport=tcp` }, secretOf).verdict).toBe(
      'ok',
    );
  });

  it('takes credentials for the server as a whole, once', () => {
    const { challenger } = made();
    const request = signed(challenger, alice(), { ...aRequest(), uri: 'sip:192.0.2.1:5060' });
    expect(challenger.verify({ ...request, uri: 'sip:bob@example.org' }, secretOf).verdict).toBe('ok');
    expect(challenger.verify({ ...request, uri: 'sip:bob@example.org' }, secretOf).verdict).toBe('stale');
  });

  it('takes nothing that could be used twice, and nothing that cannot be read', () => {
    const { challenger } = made();
    const header = signed(challenger, alice()).headers.get('authorization') ?? '';
    for (const broken of [
      header.replace(', qop=auth', ''),
      header.replace('nc=00000001', 'nc=1'),
      header.replace(/, cnonce="[^"]*"/, ''),
      header.replace('SHA-256', 'SHA-3'),
      'Digest realm="example.org"',
      'Digest ,,,=',
    ]) {
      const request = aRequest();
      request.headers.set('authorization', broken);
      expect(challenger.verify(request, secretOf).verdict).toBe('malformed');
    }
  });
});
