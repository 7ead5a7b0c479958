/* Signing in: by whatever the server offers and the settings give, once, or not at all. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Rigs, type RigOptions } from '#connectors/irc/testing';
import { scriptedIrc, type ScriptClient, type ScriptOptions, type ScriptServer } from '#peers';
import { startSandboxIrc, type SandboxOptions } from '#sandbox';

const password = 'sesame, open=up';
const signingIn: Omit<RigOptions, 'port'> = { settings: { saslAccount: 'alice' }, secrets: { password } };
let open: AsyncDisposable[] = [];
const rigs = new Rigs();
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
  for (const one of open) await one[Symbol.asyncDispose]();
  open = [];
});

async function sandbox(options: SandboxOptions = {}) {
  const server = await startSandboxIrc({ accounts: [{ name: 'alice', password }], ...options });
  open.push(server);
  return server;
}

async function scripted(options: ScriptOptions): Promise<ScriptServer> {
  const server = await scriptedIrc(options);
  open.push(server);
  return server;
}

const verbs = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => /^AUTHENTICATE [A-Z]/.test(line) && line.length < 30);

describe('by SASL', () => {
  it('takes SCRAM-SHA-256 where it is offered, and the password never leaves', async () => {
    const server = await sandbox({ mechanisms: ['PLAIN', 'SCRAM-SHA-256'] });
    const { until } = rigs.begin({ port: server.port, ...signingIn });
    await until('online');
    const client = await server.client('alice');
    expect(client.account).toBe('alice');
    expect(client.lines).toContain('AUTHENTICATE SCRAM-SHA-256');
    const said = client.lines.map((line) => Buffer.from(line.split(' ')[1] ?? '', 'base64').toString());
    expect([...client.lines, ...said].join('\n')).not.toContain(password);
  });

  it('takes PLAIN where nothing better is offered, and only what the person allows', async () => {
    const plain = await sandbox({ mechanisms: ['PLAIN'] });
    await rigs.begin({ port: plain.port, ...signingIn }).until('online');
    const scram = { ...signingIn, settings: { ...signingIn.settings, saslMechanism: 'SCRAM-SHA-256' } };
    const refused = rigs.begin({ port: plain.port, ...scram });
    expect(await refused.until('needs-person')).toMatchObject({ code: 'auth-method' });
    expect(plain.clients).toHaveLength(2);
    expect(verbs(plain.clients[1]?.lines ?? [])).toEqual([]);
  });

  it('parts a long password as the protocol wants it, and ends what fills the last piece', async () => {
    for (const length of [180, 281, 289, 295, 500]) {
      const long = 'x'.repeat(length);
      const server = await sandbox({
        accounts: [{ name: 'alice', password: long }],
        mechanisms: ['PLAIN'],
      });
      await rigs.begin({ port: server.port, ...signingIn, secrets: { password: long } }).until('online');
      for (const line of (await server.client('alice')).lines) expect(line.length).toBeLessThanOrEqual(413);
    }
  });

  it.each(['PLAIN', 'SCRAM-SHA-256'] as const)('tries a wrong password once: %s', async (mechanism) => {
    const server = await sandbox({ mechanisms: [mechanism] });
    const { house, until } = rigs.begin({ port: server.port, ...signingIn, secrets: { password: 'wrong' } });
    expect(await until('needs-person')).toMatchObject({ code: 'auth-failed', remedy: 'ask-person' });
    await new Promise((over) => setTimeout(over, 200));
    expect(server.clients).toHaveLength(1);
    expect(verbs(server.clients[0]?.lines ?? [])).toEqual([`AUTHENTICATE ${mechanism}`]);
    expect(JSON.stringify([house.logged, house.states])).not.toContain('wrong');
  });

  it('does not trust a server that cannot prove that it knows the password', async () => {
    const server = await sandbox({ mechanisms: ['SCRAM-SHA-256', 'PLAIN'] });
    server.misbehave({ scramLies: true });
    const { house, until } = rigs.begin({ port: server.port, ...signingIn });
    expect(await until('needs-person')).toMatchObject({ code: 'auth-failed' });
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
    expect(server.clients).toHaveLength(1);
  });

  it('takes what the server names when it has refused a mechanism (908)', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (!line.startsWith('AUTHENTICATE')) return false;
      if (line === 'AUTHENTICATE PLAIN') {
        client.send(
          ':script 908 alice SCRAM-SHA-256,EXAMPLE :are available SASL mechanisms',
          ':script 904 alice :SASL authentication failed',
        );
      } else if (line === 'AUTHENTICATE SCRAM-SHA-256') client.send('AUTHENTICATE +');
      else client.send(':script 904 alice :SASL authentication failed');
      return true;
    };
    const server = await scripted({ caps: ['sasl'], answer });
    const { until } = rigs.begin({ port: server.port, ...signingIn });
    expect(await until('needs-person')).toMatchObject({ code: 'auth-failed' });
    expect(verbs(server.clients[0]?.lines ?? [])).toEqual([
      'AUTHENTICATE PLAIN',
      'AUTHENTICATE SCRAM-SHA-256',
    ]);
  });

  const first = 'AUTHENTICATE SCRAM-SHA-256';
  /** Plays a server that answers our client-first-message with something of its own. */
  const lying = (reply: (nonce: string) => string, ...more: readonly string[]) => {
    return (line: string, client: ScriptClient): boolean => {
      if (!line.startsWith('AUTHENTICATE')) return false;
      if (line === first) client.send('AUTHENTICATE +');
      else {
        const said = Buffer.from(line.split(' ')[1] ?? '', 'base64').toString();
        const [, nonce = ''] = /,r=([^,]+)$/.exec(said) ?? [];
        client.send(`AUTHENTICATE ${Buffer.from(reply(nonce)).toString('base64')}`, ...more);
      }
      return true;
    };
  };
  it.each<readonly [string, ScriptOptions['answer']]>([
    ['another nonce', lying(() => 'r=other,s=c2FsdA==,i=4096')],
    ['no salt', lying((nonce) => `r=${nonce}x,s=,i=4096`)],
    ['one round', lying((nonce) => `r=${nonce}x,s=c2FsdA==,i=1`)],
    ['a billion rounds', lying((nonce) => `r=${nonce}x,s=c2FsdA==,i=999999999`)],
    ['an error', lying(() => 'e=other-error')],
    ['noise', lying(() => '\0\x01\x02')],
    ['success before its proof', lying((nonce) => `r=${nonce}x,s=c2FsdA==,i=4096`, ':script 903 alice :yes')],
  ])('is not led astray by a SCRAM server that gives %s', async (_what, answer) => {
    const server = await scripted({ caps: ['sasl=SCRAM-SHA-256'], ...(answer && { answer }) });
    const { house, until } = rigs.begin({ port: server.port, ...signingIn });
    expect(await until('needs-person')).toMatchObject({ code: 'auth-failed' });
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
    for (const client of server.clients) expect(client.lines).not.toContain('CAP END');
  });

  it.each<readonly [string, readonly string[]]>([
    ['success without a question', [':script 903 alice :SASL authentication successful']],
    ['pieces without end', Array.from({ length: 200 }, () => `AUTHENTICATE ${'A'.repeat(400)}`)],
    ['an old sign-in', [':script 907 alice :You have already authenticated']],
    ['an abort', [':script 906 alice :SASL authentication aborted']],
    ['a refusal at once', [':script 904 alice :SASL authentication failed']],
  ])('never goes on unsigned, but tries again later: %s', async (_what, lines) => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (line.startsWith('AUTHENTICATE')) client.send(...lines);
      return line.startsWith('AUTHENTICATE');
    };
    const server = await scripted({ caps: ['sasl=PLAIN'], answer });
    const { house, until } = rigs.begin({ port: server.port, ...signingIn });
    expect(await until('backing-off')).toMatchObject({ code: 'auth-method' });
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
  });

  it('waits until the services are back', async () => {
    const server = await sandbox();
    server.services(false);
    const { until } = rigs.begin({ port: server.port, ...signingIn });
    expect(await until('backing-off')).toMatchObject({ code: 'auth-method' });
    server.services(true);
    await until('online');
  });

  it('asks for what is missing before it tries anything', async () => {
    const server = await sandbox();
    for (const [settings, secrets] of [
      [{ saslAccount: 'alice' }, {}],
      [{ saslAccount: 'alice', saslMechanism: 'EXTERNAL' }, { password }],
      [{ clientCertificate: '-----BEGIN CERTIFICATE-----' }, {}],
    ] as const) {
      const { until } = rigs.begin({ port: server.port, settings, secrets });
      expect(await until('needs-person')).toMatchObject({ code: 'auth-required' });
    }
    expect(server.clients).toHaveLength(0);
  });
});
