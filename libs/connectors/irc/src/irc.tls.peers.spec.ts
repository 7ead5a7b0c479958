/* Whom we trust, what we show, and how services sign us in: on the sandbox with TLS and on InspIRCd with Anope. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Rigs } from '#connectors/irc/testing';
import {
  anope,
  describeWithPeers,
  eventually,
  inspircdPeers,
  makeAuthority,
  openssl,
  scratchDirectory,
  scriptedIrc,
  startAnope,
  startInspircd,
  type Authority,
  type Inspircd,
} from '#peers';
import { newId } from '#model';
import { startSandboxIrc, type SandboxIrc } from '#sandbox';

const rigs = new Rigs();
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
});

interface Shown {
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint: string;
}

async function issue(authority: Authority, label: string, expired = false): Promise<Shown> {
  const files = await authority.issue(label, ['127.0.0.1', 'localhost'], { expired });
  const certificate = await readFile(files.certificateFile, 'utf8');
  const { fingerprint256 } = new X509Certificate(certificate);
  return { certificate, key: await readFile(files.keyFile, 'utf8'), fingerprint: fingerprint256 };
}

describeWithPeers('TLS', [openssl], () => {
  const scratch = scratchDirectory('irc-tls');
  let authority: Authority;
  let server: SandboxIrc;
  let own: Shown;
  let alice: Shown;

  beforeAll(async () => {
    authority = await makeAuthority(scratch.path);
    own = await issue(authority, 'server', true);
    alice = await issue(authority, 'alice');
    server = await startSandboxIrc({
      tls: own,
      accounts: [{ name: 'alice', password: 'sesame', fingerprint: alice.fingerprint }],
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const tls = { tls: true };

  describe('a pinned certificate', () => {
    it.each([
      ['with colons', (fingerprint: string) => fingerprint],
      ['without', (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase()],
    ])('is trusted whatever its authority and date: %s', async (_how, written) => {
      const settings = { ...tls, certificateFingerprint: written(own.fingerprint) };
      await rigs.begin({ port: server.tlsPort, settings }).until('online');
    });

    it('is the only one: to another nothing is said, and the person is shown which', async () => {
      const before = server.clients.length;
      const settings = { ...tls, certificateFingerprint: alice.fingerprint };
      const { until } = rigs.begin({
        port: server.tlsPort,
        settings,
        secrets: { serverPassword: 'sesame' },
      });
      const state = await until('needs-person');
      expect(state).toMatchObject({ code: 'tls-mismatch' });
      expect(state.detail).toContain(own.fingerprint);
      await new Promise((over) => setTimeout(over, 100));
      for (const client of server.clients.slice(before)) expect(client.lines).toEqual([]);
    });

    it('takes the place of a given authority too', async () => {
      const settings = {
        ...tls,
        caCertificate: authority.pem,
        certificateFingerprint: alice.fingerprint,
      };
      const { until } = rigs.begin({ port: server.tlsPort, settings });
      expect(await until('needs-person')).toMatchObject({ code: 'tls-mismatch' });
    });
  });

  it('says the fingerprint of what it does not trust, so that it can be compared and pinned', async () => {
    const { until } = rigs.begin({ port: server.tlsPort, settings: tls });
    const state = await until('needs-person');
    expect(['tls-untrusted', 'tls-expired']).toContain(state.code);
    const [fingerprint = ''] = /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(state.detail ?? '') ?? [];
    const pinned = { ...tls, certificateFingerprint: fingerprint };
    await rigs.begin({ port: server.tlsPort, settings: pinned }).until('online');
  });

  it('asks for the server by its name, and speaks nothing older than TLS 1.2', async () => {
    const asked: string[] = [];
    const versions: (string | null)[] = [];
    const served = {
      cert: own.certificate,
      key: own.key,
      SNICallback: (name: string, done: (error: null) => void) => {
        asked.push(name);
        done(null);
      },
    };
    const listen = async (old: TlsOptions): Promise<[Server, number]> => {
      const listening = createServer({ ...served, ...old }, (socket) => {
        versions.push(socket.getProtocol());
        socket.on('error', () => undefined).resume();
      }).listen(0, '127.0.0.1');
      await new Promise((ready) => listening.once('listening', ready));
      return [listening, (listening.address() as AddressInfo).port];
    };
    const settings = { ...tls, host: 'irc.example.org', certificateFingerprint: own.fingerprint };
    const [good, goodPort] = await listen({ minVersion: 'TLSv1', maxVersion: 'TLSv1.2' });
    const [old, oldPort] = await listen({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const first = rigs.begin({ port: goodPort, settings });
    await eventually('it came', () => versions.length === 1);
    const second = rigs.begin({ port: oldPort, settings });
    expect(await second.until('backing-off')).toMatchObject({ code: 'protocol-violation' });
    expect(asked[0]).toBe('irc.example.org');
    expect(versions).toEqual(['TLSv1.2']);
    for (const { session } of [first, second]) await session.close('asked');
    for (const one of [good, old]) await new Promise((closed) => one.close(closed));
  });

  describe('strict transport security', () => {
    let strict: SandboxIrc;
    beforeAll(async () => {
      strict = await startSandboxIrc({ tls: own, stsDuration: 3_600 });
    });
    afterAll(async () => {
      await strict[Symbol.asyncDispose]();
    });

    it('takes whoever comes in clear to TLS at once, and from then on straight there', async () => {
      const settings = { certificateFingerprint: own.fingerprint };
      const first = rigs.begin({ port: strict.port, settings });
      await first.until('online');
      expect(strict.clients.map(({ isRegistered }) => isRegistered)).toEqual([false, true]);
      expect(first.house.states.map(({ state }) => state.state)).not.toContain('backing-off');
      await first.session.close('asked');
      const { house, account } = first;
      await rigs.begin({ port: strict.port, settings, house, account }).until('online');
      expect(strict.clients).toHaveLength(3);
    });

    it('has no way back: a certificate that is not trusted leaves nothing to try', async () => {
      const before = strict.clients.length;
      const { house, until } = rigs.begin({ port: strict.port });
      expect(['tls-untrusted', 'tls-expired']).toContain((await until('needs-person')).code);
      expect(strict.clients.length - before).toBeLessThanOrEqual(2);
      expect(house.storage.read(house.states[0]?.account ?? newId(), 'irc.sts')).toBeUndefined();
    });

    it('is no merry-go-round: a server that sends us to its own clear port is left alone', async () => {
      const lies = await scriptedIrc();
      lies.set({ caps: [`sts=port=${String(lies.port)},duration=100`] });
      const { house } = rigs.begin({ port: lies.port });
      await eventually('it backs off', () => house.backoffs.length >= 3);
      for (const client of lies.clients.slice(1)) expect(client.lines.join('')).not.toContain('NICK');
      expect(lies.clients.length).toBeLessThanOrEqual(5);
      await rigs[Symbol.asyncDispose]();
      await lies[Symbol.asyncDispose]();
    });
  });

  describe('a client certificate', () => {
    const pinned = () => ({ ...tls, certificateFingerprint: own.fingerprint });

    it('signs in without a password (SASL EXTERNAL)', async () => {
      const settings = { ...pinned(), saslAccount: 'alice', clientCertificate: alice.certificate };
      const { until } = rigs.begin({ port: server.tlsPort, settings, secrets: { clientKey: alice.key } });
      await until('online');
      const client = await server.client('alice');
      expect(client.account).toBe('alice');
      expect(client.lines).toContain('AUTHENTICATE EXTERNAL');
    });

    it('may stand in one text with its key, and alone say who we are', async () => {
      const settings = { ...pinned(), nick: 'al', saslMechanism: 'EXTERNAL' };
      const secrets = { clientKey: `${alice.key}${alice.certificate}` };
      await rigs.begin({ port: server.tlsPort, settings, secrets }).until('online');
      expect((await server.client('al')).account).toBe('alice');
    });

    it('that the services do not know leaves the password to try, once', async () => {
      const unknown = await issue(authority, 'unknown');
      const settings = { ...pinned(), saslAccount: 'alice', clientCertificate: unknown.certificate };
      const secrets = { clientKey: unknown.key, password: 'sesame' };
      await rigs.begin({ port: server.tlsPort, settings, secrets }).until('online');
      const { until } = rigs.begin({
        port: server.tlsPort,
        settings: { ...settings, saslMechanism: 'EXTERNAL' },
        secrets,
      });
      expect(await until('needs-person')).toMatchObject({ code: 'auth-failed' });
    });

    it('that is none, or has another key, is said before anything is tried', async () => {
      const other = await issue(authority, 'other');
      const before = server.clients.length;
      for (const [clientCertificate, clientKey] of [
        ['-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----', alice.key],
        [alice.certificate, '-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----'],
        [alice.certificate, other.key],
      ] as const) {
        const { house, until } = rigs.begin({
          port: server.tlsPort,
          settings: { ...pinned(), clientCertificate },
          secrets: { clientKey },
        });
        const state = await until('needs-person');
        expect(state).toMatchObject({ code: 'auth-failed' });
        expect(state.detail).toContain('client certificate');
        expect(JSON.stringify([house.states, house.logged])).not.toContain('rubbish');
      }
      expect(server.clients).toHaveLength(before);
    });
  });
});

describeWithPeers('the services Anope on InspIRCd', [...inspircdPeers, anope], () => {
  const scratch = scratchDirectory('irc-certfp');
  const peers: AsyncDisposable[] = [];
  let server: Inspircd;

  beforeAll(async () => {
    server = await startInspircd({ hurried: true });
    peers.push(server);
    peers.push(await startAnope(server, [{ nick: 'alice', password: 'sesame' }]));
  });
  afterAll(async () => {
    for (const peer of peers.splice(0).reverse()) await peer[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  it('sign a certificate in once they know it', async () => {
    const shown = await issue(await makeAuthority(scratch.path), 'alice');
    const settings = {
      tls: true,
      caCertificate: server.authority.pem,
      saslAccount: 'alice',
      clientCertificate: shown.certificate,
    };
    const byPassword = rigs.begin({
      port: server.ports.tls,
      settings,
      secrets: { clientKey: shown.key, password: 'sesame' },
    });
    await byPassword.until('online');
    await byPassword.session.send(
      {
        id: '018f0000-0000-7000-8000-000000000001' as never,
        account: byPassword.account,
        kind: 'message',
        to: 'nickserv',
        conversationKind: 'direct',
        content: { text: 'CERT ADD' },
        attempt: 1,
      },
      new AbortController().signal,
    );
    await eventually('the services know it', () =>
      byPassword.house.messages().some(({ content }) => /added to/.test(content.text)),
    );
    await byPassword.session.close('asked');
    const byCertificate = rigs.begin({
      port: server.ports.tls,
      settings,
      secrets: { clientKey: shown.key },
    });
    await byCertificate.until('online');
  });

  it('sign in whoever writes to them, and give the nick back to its owner', async () => {
    const plain = { port: server.ports.plain };
    const secrets = { password: 'sesame' };
    const squatter = rigs.begin({ ...plain, timings: { reclaim: 60_000 } });
    await squatter.until('online');
    const settings = {
      saslAccount: 'alice',
      signIn: 'services',
      servicesNick: 'NickServ@services.test',
      regainNick: true,
    };
    const { house, until } = rigs.begin({
      ...plain,
      settings,
      secrets,
      timings: { reclaim: 60_000, register: 10_000 },
    });
    await until('online');
    await eventually('it has its nick', () => {
      const state = house.stateOf();
      return state?.state === 'online' && state.localAddress === 'alice';
    });
    expect(JSON.stringify(house.storage.stored)).not.toContain('sesame');
    const wrong = rigs.begin({
      ...plain,
      settings: { ...settings, nick: 'mallory' },
      secrets: { password: 'x' },
    });
    expect(await wrong.until('needs-person')).toMatchObject({ code: 'auth-failed' });
  });
});
