/* From the socket to the welcome: CAP, SASL, passwords, STS. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  describeWithPeers,
  makeAuthority,
  openssl,
  plainClient,
  scratchDirectory,
  type Certificate,
} from '#peers';
import { plainOptions, startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';
import { RawClient, register } from './raw-client.fixture.js';

const password = 'tulip-tree';
const accounts = [{ name: 'alice', password }];

async function using(options: SandboxOptions, test: (sandbox: SandboxIrc) => Promise<void>): Promise<void> {
  await using sandbox = await startSandboxIrc(options);
  await test(sandbox);
}

async function authenticating(port: number, mechanism: string, tls?: object): Promise<RawClient> {
  const client = new RawClient(port, tls);
  client.send('CAP REQ :sasl', 'NICK alice', 'USER alice 0 * :Alice');
  await client.waitFor(/ ACK /);
  client.send(`AUTHENTICATE ${mechanism}`);
  return client;
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');

describe('capability negotiation', () => {
  it('holds the welcome back until CAP END', async () => {
    await using({}, async ({ port }) => {
      await using client = new RawClient(port);
      client.send('CAP LS 302', 'NICK alice', 'USER alice 0 * :Alice');
      expect((await client.waitFor(/ LS :/)).startsWith(':irc.sandbox CAP')).toBe(true);
      expect((await client.all()).some((line) => line.includes(' 001 '))).toBe(false);
      expect(client.lines.join(' ')).toContain('sasl=PLAIN,EXTERNAL,SCRAM-SHA-256');
      expect(await client.ask('CAP END', / 001 /)).toMatch(/ 001 alice :/);
    });
  });

  it('shows no values to those who do not say 302', async () => {
    await using({}, async ({ port }) => {
      await using client = new RawClient(port);
      expect(await client.ask('CAP LS', / LS :/)).toMatch(/ sasl /);
      expect(client.lines.length).toBe(1);
      expect(await client.ask('CAP NONSENSE', / 410 /)).toMatch(/ 410 \* NONSENSE :/);
    });
  });

  it('tells what comes and goes, with values', async () => {
    await using({ withoutCaps: ['away-notify'] }, async (sandbox) => {
      await using client = await register(sandbox.port, 'alice', ['batch', 'cap-notify']);
      sandbox.offer('away-notify');
      expect(await client.waitFor(/ CAP alice NEW /)).toMatch(/ NEW :away-notify$/);
      sandbox.withdraw('batch');
      expect(await client.waitFor(/ CAP alice DEL /)).toMatch(/ DEL :batch$/);
      expect(await client.ask('CAP LIST', / LIST :/)).not.toContain('batch');
      sandbox.services(false);
      await client.waitFor(/ DEL :sasl$/);
      expect(await client.ask('CAP REQ :sasl', / NAK /)).toContain('sasl');
      sandbox.services(true);
      await client.waitFor(/ NEW :sasl=PLAIN,EXTERNAL,SCRAM-SHA-256$/);
    });
  });
});

describe('SASL', () => {
  it('takes PLAIN with the right password only', async () => {
    await using({ accounts }, async ({ port }) => {
      await using client = await authenticating(port, 'PLAIN');
      expect(await client.waitFor(/^AUTHENTICATE/)).toBe('AUTHENTICATE +');
      expect(await client.ask(`AUTHENTICATE ${encoded('\0alice\0wrong')}`, / 90\d /)).toMatch(/ 904 /);
      await client.ask('AUTHENTICATE PLAIN', /^AUTHENTICATE \+$/);
      expect(await client.ask(`AUTHENTICATE ${encoded(`\0alice\0${password}`)}`, / 900 /)).toMatch(
        / 900 alice \S+ alice :/,
      );
      await client.waitFor(/ 903 /);
      expect(await client.ask('AUTHENTICATE GSSAPI', / 908 /)).toContain('PLAIN,EXTERNAL');
      await client.ask('AUTHENTICATE PLAIN', /^AUTHENTICATE \+$/);
      await client.ask('AUTHENTICATE *', / 906 /);
    });
  });

  it('joins messages of 400 bytes and more', async () => {
    const long = 'p'.repeat(600);
    await using({ accounts: [{ name: 'alice', password: long }] }, async ({ port }) => {
      await using client = await authenticating(port, 'PLAIN');
      const message = encoded(`\0alice\0${long}`);
      for (let at = 0; at < message.length; at += 400)
        client.send(`AUTHENTICATE ${message.slice(at, at + 400)}`);
      await client.waitFor(/ 903 /);
    });
  });

  /** RFC 5802 §3 and §5, from the client's side. */
  async function scram(client: RawClient, secret: string): Promise<{ end: string; isHonest: boolean }> {
    const bare = `n=alice,r=${randomBytes(12).toString('hex')}`;
    const decoded = (line: string): string => Buffer.from(line.split(' ').at(-1) ?? '', 'base64').toString();
    const first = decoded(await client.ask(`AUTHENTICATE ${encoded(`n,,${bare}`)}`, /^AUTHENTICATE /));
    const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first) ?? [];
    const salted = pbkdf2Sync(secret, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256');
    const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const final = `c=biws,r=${nonce}`;
    const all = `${bare},${first},${final}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), all);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString('base64');
    const answer = await client.ask(`AUTHENTICATE ${encoded(`${final},p=${proof}`)}`, /^AUTHENTICATE | 904 /);
    if (answer.includes(' 904 ')) return { end: answer, isHonest: false };
    const isHonest = decoded(answer) === `v=${hmac(hmac(salted, 'Server Key'), all).toString('base64')}`;
    return { end: await client.ask('AUTHENTICATE +', / 90[34] /), isHonest };
  }

  it('takes SCRAM-SHA-256, proves that it knows the password too, and can be told to lie', async () => {
    await using({ accounts }, async (sandbox) => {
      await using client = await authenticating(sandbox.port, 'SCRAM-SHA-256');
      await client.waitFor(/^AUTHENTICATE \+$/);
      expect(await scram(client, password)).toMatchObject({
        end: expect.stringContaining(' 903 '),
        isHonest: true,
      });
      await client.ask('AUTHENTICATE SCRAM-SHA-256', /^AUTHENTICATE \+$/);
      expect(await scram(client, 'wrong')).toMatchObject({ end: expect.stringContaining(' 904 ') });
      sandbox.misbehave({ scramLies: true });
      await client.ask('AUTHENTICATE SCRAM-SHA-256', /^AUTHENTICATE \+$/);
      expect((await scram(client, password)).isHonest).toBe(false);
    });
  });

  it('can be insisted on', async () => {
    await using({ accounts, needsSasl: true }, async ({ port }) => {
      await using client = new RawClient(port);
      client.send('NICK alice', 'USER alice 0 * :Alice');
      expect(await client.waitFor(/^ERROR /)).toContain('SASL access only');
      await client.gone();
    });
  });
});

describe('other ways in', () => {
  it('wants the server password where it has one', async () => {
    await using({ serverPassword: 'open-sesame' }, async ({ port }) => {
      await using client = new RawClient(port);
      client.send('PASS wrong', 'NICK alice', 'USER alice 0 * :Alice');
      await client.waitFor(/ 464 /);
      expect(await client.waitFor(/^ERROR /)).toContain('Bad Password');
      await using bob = await plainClient({ port, nick: 'bob', password: 'open-sesame' });
      expect(bob.isClosed).toBe(false);
    });
  });

  it('can be a server of RFC 1459: no CAP, no 005, none of the later commands', async () => {
    await using(plainOptions, async ({ port }) => {
      await using client = new RawClient(port);
      client.send('CAP LS 302', 'NICK alice', 'USER alice 0 * :Alice');
      await client.waitFor(/ 001 /);
      expect(client.lines[0]).toMatch(/ 421 \S+ CAP :/);
      const told = await client.all('MONITOR + bob', 'WHO alice %n', 'JOIN #a', 'WATCH +bob');
      expect(told.filter((line) => line.includes(' 421 ')).length).toBe(2);
      expect(told.some((line) => line.includes(' 352 '))).toBe(true);
      expect(client.lines.some((line) => line.includes(' 005 '))).toBe(false);
    });
  });

  it('has a NickServ that registers, identifies and gives a nick back', async () => {
    await using({ accounts }, async ({ port }) => {
      await using ghost = await plainClient({ port, nick: 'alice' });
      expect(await ghost.waitFor(/ NOTICE /)).toContain('NickServ IDENTIFY');
      await using client = await plainClient({ port, nick: 'alice_' });
      client.say('NickServ', 'IDENTIFY alice wrong');
      await client.waitFor(/Invalid password/);
      client.say('NickServ', `IDENTIFY alice ${password}`);
      await client.waitFor(/ 900 .*logged in as alice/);
      client.say('NickServ', 'REGAIN alice');
      await client.waitFor(/^:alice_!\S+ NICK :?alice$/);
      await ghost.waitFor(/^ERROR .*REGAIN command/);
      await using carol = await plainClient({ port, nick: 'carol' });
      carol.say('NickServ', 'REGISTER secret carol@example.org');
      await carol.waitFor(/ NOTICE carol :.*registered/);
    });
  });
});

describeWithPeers('TLS', [openssl], () => {
  const scratch = scratchDirectory('sandbox-tls');
  let sandbox: SandboxIrc;
  let ca: string;
  let hers: Certificate;
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  beforeAll(async () => {
    const authority = await makeAuthority(scratch.path);
    ca = authority.pem;
    const own = await authority.issue('server', ['127.0.0.1', 'localhost']);
    hers = await authority.issue('alice', ['alice.example.org']);
    const pem = await read(hers.certificateFile);
    const der = Buffer.from(pem.replace(/-----.*?-----|\s/g, ''), 'base64');
    const fingerprint = createHash('sha256')
      .update(der)
      .digest('hex')
      .toUpperCase()
      .replace(/(..)(?=.)/g, '$1:');
    sandbox = await startSandboxIrc({
      tls: { certificate: await read(own.certificateFile), key: await read(own.keyFile) },
      accounts: [{ name: 'alice', fingerprint }],
      stsDuration: 300,
    });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  it('takes EXTERNAL from whoever shows the certificate of the account', async () => {
    const shown = { ca, cert: await read(hers.certificateFile), key: await read(hers.keyFile) };
    await using client = await authenticating(sandbox.tlsPort, 'EXTERNAL', shown);
    await client.ask('AUTHENTICATE +', / 903 /);
    await using stranger = await authenticating(sandbox.tlsPort, 'EXTERNAL', { ca });
    await stranger.ask('AUTHENTICATE +', / 904 /);
  });

  it('tells those without TLS the port, and those with it the duration (sts)', async () => {
    await using bare = new RawClient(sandbox.port);
    bare.send('CAP LS 302');
    await bare.waitFor(/ LS :/);
    expect(bare.lines.join(' ')).toContain(`sts=port=${String(sandbox.tlsPort)},duration=300`);
    await using secure = new RawClient(sandbox.tlsPort, { ca });
    secure.send('CAP LS 302');
    await secure.waitFor(/ LS :/);
    expect(secure.lines.join(' ')).toMatch(/ sts=duration=300( |$)/);
  });
});
