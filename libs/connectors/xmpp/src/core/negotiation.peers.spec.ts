import { expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import { describeWithPeers, xmppFamilies, type XmppFamily, type XmppServer } from '#peers';
import { negotiate, type Negotiated, type NegotiateOptions } from './negotiation.js';
import type { SaslMechanism } from './sasl.js';

const password = 'pässword “1”';

async function signIn(
  server: XmppServer,
  more: Partial<NegotiateOptions> = {},
  direct = false,
): Promise<Negotiated> {
  const { domain } = server.names;
  const outcome = await negotiate({
    clock: new TestContext().clock,
    target: { host: domain, port: direct ? server.ports.tls : server.ports.clients, directTls: direct },
    addresses: ['127.0.0.1'],
    domain,
    username: 'alice',
    password,
    tls: { caCertificate: server.authority.pem },
    encrypted: true,
    register: false,
    timings: { connect: 5_000, negotiate: 10_000, close: 1_000 },
    ...more,
  });
  if (outcome.ok) {
    outcome.stream.handle({ element: () => undefined, ended: () => undefined });
    await outcome.stream.close();
  }
  return outcome;
}

const told = (outcome: Negotiated): string => (outcome.ok ? 'in' : outcome.failure.code);

const mechanisms: Readonly<Record<XmppFamily['name'], readonly SaslMechanism[]>> = {
  Prosody: ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
  ejabberd: ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
};

for (const { name, peers, start } of xmppFamilies) {
  describeWithPeers(`signing in to ${name}`, peers, () => {
    it('works by STARTTLS and by TLS from the first byte, by every way that it offers', async () => {
      await using server = await start({ requireTls: true });
      await server.createAccount('alice', password);
      for (const direct of [false, true]) {
        expect(told(await signIn(server, {}, direct))).toBe('in');
        for (const mechanism of mechanisms[name]) {
          expect([mechanism, direct, told(await signIn(server, { mechanism }, direct))]).toEqual([
            mechanism,
            direct,
            'in',
          ]);
          const wrong = await signIn(server, { mechanism, password: 'wrong' }, direct);
          expect([mechanism, direct, told(wrong)]).toEqual([mechanism, direct, 'auth-failed']);
        }
      }
    });

    it('trusts the certificate of the domain alone', async () => {
      await using server = await start({ certificateNames: ['elsewhere.example', '127.0.0.1'] });
      await server.createAccount('alice', password);
      for (const direct of [false, true]) {
        expect(told(await signIn(server, {}, direct))).toBe('tls-mismatch');
        expect(told(await signIn(server, { tls: {} }, direct))).toBe('tls-untrusted');
      }
    });

    it('makes the account where it may', async () => {
      await using server = await start();
      expect(told(await signIn(server))).toBe('auth-failed');
      expect(told(await signIn(server, { register: true }))).toBe('in');
      expect(told(await signIn(server))).toBe('in');
      expect(told(await signIn(server, { register: true, password: 'another' }))).toBe('auth-failed');
    });

    it('says that it does not know a domain', async () => {
      await using server = await start();
      const outcome = await signIn(server, { domain: 'nowhere.example' });
      expect(told(outcome)).toBe('not-found');
    });
  });
}
