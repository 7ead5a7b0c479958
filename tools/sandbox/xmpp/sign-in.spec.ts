/* How one comes in: TLS, SASL, binding, registration. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithPeers, makeAuthority, openssl, scratchDirectory } from '#peers';
import { startSandboxXmpp, type SandboxXmpp, type SandboxXmppOptions } from '#sandbox';
import { RawXmpp } from './raw-client.fixture.js';

const alice = { name: 'alice', password: 'tulip' };

async function using(
  options: SandboxXmppOptions,
  test: (sandbox: SandboxXmpp, raw: RawXmpp) => Promise<void>,
): Promise<void> {
  await using sandbox = await startSandboxXmpp({ accounts: [alice], ...options });
  await using raw = new RawXmpp(sandbox.port, sandbox.domain);
  await test(sandbox, raw);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";

describe('signing in', () => {
  it('takes a password by PLAIN, and no wrong one', async () => {
    await using({}, async (_, raw) => {
      expect(await raw.open()).toMatch(
        /<mechanism>SCRAM-SHA-256<\/mechanism><mechanism>SCRAM-SHA-1<\/mechanism><mechanism>PLAIN/,
      );
      await raw.ask(
        `<auth ${sasl} mechanism='PLAIN'>${base64('\0alice\0rose')}</auth>`,
        /<failure[^>]*><not-authorized\/>/,
      );
      await raw.ask(
        `<auth ${sasl} mechanism='PLAIN'>${base64('bob@xmpp.sandbox\0alice\0tulip')}</auth>`,
        /<invalid-authzid\/>/,
      );
      await raw.ask(`<auth ${sasl} mechanism='MAGIC'>eA==</auth>`, /<invalid-mechanism\/>/);
      await raw.signIn('alice', 'tulip');
      await raw.bind('desk');
      expect(raw.text).toContain('<jid>alice@xmpp.sandbox/desk</jid>');
    });
  });

  it.each([
    ['SCRAM-SHA-1', 'sha1', 20],
    ['SCRAM-SHA-256', 'sha256', 32],
  ] as const)(
    'takes a password by %s, and proves that it knows it, unless it shall lie',
    async (name, hash, length) => {
      const attempt = async (raw: RawXmpp, password: string): Promise<boolean | string> => {
        const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
        if (raw.text === '') await raw.open();
        const [, challenge = ''] = await raw.ask(
          `<auth ${sasl} mechanism='${name}'>${base64('n,,n=alice,r=mine')}</auth>`,
          /<challenge[^>]*>([^<]+)</,
        );
        const first = Buffer.from(challenge, 'base64').toString();
        const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first) ?? [];
        expect(nonce.startsWith('mine')).toBe(true);
        const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), length, hash);
        const clientKey = hmac(salted, 'Client Key');
        const all = `n=alice,r=mine,${first},c=biws,r=${nonce}`;
        const signature = hmac(createHash(hash).update(clientKey).digest(), all);
        const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString(
          'base64',
        );
        const [, outcome = '', content = ''] = await raw.ask(
          `<response ${sasl}>${base64(`c=biws,r=${nonce},p=${proof}`)}</response>`,
          /<(success|failure)[^>]*>(.*)<\/\1>/,
        );
        if (outcome === 'failure') return content;
        const honest = hmac(hmac(salted, 'Server Key'), all).toString('base64');
        return Buffer.from(content, 'base64').toString() === `v=${honest}`;
      };
      await using({}, async (sandbox, raw) => {
        expect(await attempt(raw, 'rose')).toBe('<not-authorized/>');
        expect(await attempt(raw, 'tulip')).toBe(true);
        sandbox.misbehave({ lieInScram: true });
        await using other = new RawXmpp(sandbox.port, sandbox.domain);
        expect(await attempt(other, 'tulip')).toBe(false);
      });
    },
  );

  it('refuses whom it was told to refuse, and other hosts', async () => {
    await using({}, async (sandbox, raw) => {
      sandbox.misbehave({ refuseSignIn: 'account-disabled' });
      await raw.open();
      await raw.ask(
        `<auth ${sasl} mechanism='PLAIN'>${base64('\0alice\0tulip')}</auth>`,
        /<account-disabled\/>/,
      );
      await using lost = new RawXmpp(sandbox.port, sandbox.domain);
      expect(await lost.open('elsewhere.example.org')).toContain('<host-unknown');
      await lost.gone();
      sandbox.refuse({ condition: 'see-other-host', detail: '127.0.0.1:1' });
      await using late = new RawXmpp(sandbox.port, sandbox.domain);
      expect(await late.open()).toMatch(/<see-other-host[^>]*>127\.0\.0\.1:1<\/see-other-host>/);
      await late.gone();
    });
  });

  it('ends the older of two sessions with one resource, or renames the newer', async () => {
    await using({}, async (sandbox, raw) => {
      await raw.signIn('alice', 'tulip');
      await raw.bind('desk');
      await using second = await new RawXmpp(sandbox.port, sandbox.domain).signIn('alice', 'tulip');
      await second.bind('desk');
      await raw.waitFor(/<stream:error><conflict /);
      await raw.gone();
    });
    await using({ onConflict: 'rename-newer' }, async (sandbox, raw) => {
      await raw.signIn('alice', 'tulip');
      await raw.bind('desk');
      await using second = await new RawXmpp(sandbox.port, sandbox.domain).signIn('alice', 'tulip');
      await second.bind('desk');
      expect(second.text).toMatch(/<jid>alice@xmpp\.sandbox\/desk-\d+<\/jid>/);
      expect(raw.isClosed).toBe(false);
    });
  });

  it('lets somebody register, once, and change their password', async () => {
    await using({}, async (sandbox, raw) => {
      expect(await raw.open()).toContain('<register ');
      const set = (content: string): string =>
        `<iq type='set' id='r'><query xmlns='jabber:iq:register'>${content}</query></iq>`;
      await raw.ask(
        "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>",
        /<username\/><password\/>/,
      );
      await raw.ask(set('<username>alice</username><password>x</password>'), /<conflict /);
      await raw.ask(set('<username>dora</username><password>y</password>'), /<iq [^>]*type='result'/);
      await raw.signIn('dora', 'y');
      await raw.bind('desk');
      await raw.ask(set('<username>dora</username><password>z</password>'), /<iq [^>]*type='result' id='r'/);
      await using again = new RawXmpp(sandbox.port, sandbox.domain);
      await again.signIn('dora', 'z');
    });
  });
});

describeWithPeers('TLS', [openssl], () => {
  const scratch = scratchDirectory('sandbox-tls');
  let tls: { readonly certificate: string; readonly key: string };
  let ca: string;
  beforeAll(async () => {
    const authority = await makeAuthority(scratch.path);
    const { certificateFile, keyFile } = await authority.issue('sandbox', ['xmpp.sandbox']);
    tls = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    ca = authority.pem;
  });
  afterAll(() => {
    scratch[Symbol.dispose]();
  });

  it('is spoken after STARTTLS, where nobody may sign in before it, and from the first byte', async () => {
    await using({ tls, needsTls: true }, async (sandbox, raw) => {
      const offered = await raw.open();
      expect(offered).toContain('<required/>');
      expect(offered).not.toContain('<mechanisms');
      await raw.secure({ ca, servername: 'xmpp.sandbox' });
      expect(await raw.open()).toContain('<mechanisms');
      await raw.signIn('alice', 'tulip');
      await using direct = new RawXmpp(sandbox.tlsPort, sandbox.domain, { ca, servername: 'xmpp.sandbox' });
      expect(await direct.open()).not.toContain('<starttls');
      await direct.signIn('alice', 'tulip');
      expect(sandbox.clients.map(({ isTls }) => isTls)).toEqual([true, true]);
    });
  });
});
