/* Signing in by writing to the services, and taking the nick back, where the settings ask for it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Rigs } from '#connectors/irc/testing';
import { eventually, scriptedIrc, type ScriptClient, type ScriptOptions, type ScriptServer } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';

const rigs = new Rigs();
let open: AsyncDisposable[] = [];
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
  for (const one of open) await one[Symbol.asyncDispose]();
  open = [];
});

const password = 'sesame';
const secrets = { password };
const byServices = { saslAccount: 'alice', signIn: 'services' };
const auto = { saslAccount: 'alice', signIn: 'auto' };

async function sandbox(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const server = await startSandboxIrc({ accounts: [{ name: 'alice', password }], ...options });
  open.push(server);
  return server;
}
async function scripted(options: ScriptOptions): Promise<ScriptServer> {
  const server = await scriptedIrc(options);
  open.push(server);
  return server;
}
/** Answers IDENTIFY with these lines. */
const answering = (...lines: readonly string[]): ScriptOptions => ({
  answer: (line: string, client: ScriptClient) => {
    if (line.includes(' :IDENTIFY ')) client.send(...lines);
    return line.includes(' :IDENTIFY ');
  },
});
const notice = (text: string): string => `:NickServ!services@services.example.org NOTICE alice :${text}`;

describe('by the services', () => {
  it('signs in before it is online, and before it joins rooms', async () => {
    const server = await sandbox({ withoutCaps: ['sasl'] });
    const { until } = rigs.begin({ port: server.port, settings: auto, secrets, rooms: ['#members'] });
    await until('online');
    const client = await server.client('alice');
    expect(client.account).toBe('alice');
    const lines = await eventually('it joins', () =>
      client.lines.some((line) => line.startsWith('JOIN')) ? client.lines : undefined,
    );
    const identified = lines.indexOf('PRIVMSG NickServ :IDENTIFY sesame');
    expect(identified).toBeGreaterThan(0);
    expect(lines.findIndex((line) => line.startsWith('JOIN'))).toBeGreaterThan(identified);
  });

  it('keeps the password out of the history, though the server echoes it', async () => {
    const server = await sandbox({ withoutCaps: ['sasl'] });
    const settings = { ...auto, nick: 'al' };
    const { house, until } = rigs.begin({ port: server.port, settings, secrets });
    await until('online');
    const client = await server.client('al');
    expect(client.caps.has('echo-message')).toBe(true);
    expect(client.lines).toContain('PRIVMSG NickServ :IDENTIFY alice sesame');
    client.say(':al!al@example.org PRIVMSG NickServ :IDENTIFY alice sesame', ':bob!b@x PRIVMSG al :done');
    await eventually('all was heard', () => house.messages().some(({ content }) => content.text === 'done'));
    expect(JSON.stringify([house.storage.stored, house.logged, house.states])).not.toContain(password);
  });

  it('prefers SASL where it is offered, and does not write to anybody', async () => {
    const server = await sandbox();
    await rigs.begin({ port: server.port, settings: auto, secrets }).until('online');
    const { lines } = await server.client('alice');
    expect(lines.filter((line) => line.startsWith('PRIVMSG'))).toEqual([]);
    expect(lines).toContain('AUTHENTICATE SCRAM-SHA-256');
  });

  it('asks nobody but the services of the server that the settings name', async () => {
    const server = await scripted(answering(notice('You are now identified for alice.')));
    const settings = { ...byServices, servicesNick: 'NickServ@services.example.org' };
    await rigs.begin({ port: server.port, settings, secrets }).until('online');
    expect(server.clients[0]?.lines).toContain('PRIVMSG NickServ@services.example.org :IDENTIFY sesame');
  });

  it.each([
    ['900', ':script 900 alice alice!a@example.org alice :You are now logged in as alice'],
    ['account-notify', ':alice!a@example.org ACCOUNT alice'],
    ['the user mode for it', ':NickServ MODE alice :+r'],
    ['Anope', notice('Password accepted - you are now recognized.')],
    ['Atheme', notice('You are now identified for \x02alice\x02.')],
    ['a certificate that was quicker', notice('You are already identified.')],
  ])('believes %s', async (_what, line) => {
    const server = await scripted(answering(line));
    await rigs.begin({ port: server.port, settings: byServices, secrets }).until('online');
  });

  it.each([
    ['Invalid password for \x02alice\x02.', 'auth-failed'],
    ['Password incorrect.', 'auth-failed'],
    ["Your nick isn't registered.", 'auth-failed'],
    ['\x02alice\x02 is not a registered nickname.', 'auth-failed'],
  ])('tries once and asks the person: %s', async (text, code) => {
    const asked = notice('This nickname is registered. Please choose another, or identify.');
    const server = await scripted(answering(asked, notice(text)));
    const { house, until } = rigs.begin({ port: server.port, settings: byServices, secrets });
    expect(await until('needs-person')).toMatchObject({ code });
    expect(server.clients).toHaveLength(1);
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
  });

  it.each([
    ['nobody goes by that nick', [':script 401 alice NickServ :No such nick']],
    ['nobody answers', []],
    ['somebody else says so', [':bob!b@example.org NOTICE alice :You are now identified.']],
    ['somebody else is signed in', [':bob!b@example.org ACCOUNT bob', ':bob MODE bob :+r']],
  ])('is never online unsigned, but tries again later: %s', async (_what, lines) => {
    const server = await scripted(answering(...lines));
    const { house, until } = rigs.begin({
      port: server.port,
      settings: byServices,
      secrets,
      timings: { register: 400 },
    });
    expect(await until('backing-off')).toMatchObject({ code: 'auth-method' });
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
  });

  it('signs in anew when the services have signed it out', async () => {
    const server = await sandbox();
    const { until } = rigs.begin({ port: server.port, settings: { saslAccount: 'alice' }, secrets });
    await until('online');
    server.signIn('alice', undefined);
    expect(await until('backing-off')).toMatchObject({ code: 'auth-required' });
    await until('online');
    expect((await server.client('alice')).account).toBe('alice');
  });
});

describe('the nick', () => {
  const settings = { saslAccount: 'alice', regainNick: true };

  it('is taken back from whoever sits on it, where the person wants that', async () => {
    const server = await sandbox();
    await rigs.begin({ port: server.port, timings: { reclaim: 60_000 } }).until('online');
    const { until, house } = rigs.begin({
      port: server.port,
      settings,
      secrets,
      timings: { reclaim: 60_000 },
    });
    await until('online');
    await eventually('it has its nick', () => {
      const state = house.stateOf();
      return state?.state === 'online' && state.localAddress === 'alice';
    });
    expect(server.log).toContain('PRIVMSG NickServ :REGAIN alice');
  });

  it('is asked for in words that the services know', async () => {
    const server = await scripted({
      taken: ['alice'],
      caps: ['sasl=PLAIN'],
      answer: (line, client) => {
        if (line === 'AUTHENTICATE PLAIN') client.send('AUTHENTICATE +');
        else if (line.startsWith('AUTHENTICATE')) client.send(':script 903 alice :done');
        else if (/^PRIVMSG NickServ :(?:REGAIN|RECOVER)/.test(line)) {
          client.send(notice('Unknown command. "/msg NickServ HELP" for help.'));
        } else if (line.startsWith('PRIVMSG NickServ :GHOST')) {
          server.set({});
          client.send(notice('Ghost with your nick has been killed.'));
        } else return false;
        return true;
      },
    });
    const { house } = rigs.begin({ port: server.port, settings, secrets, timings: { reclaim: 60_000 } });
    await eventually('it has its nick', () => {
      const state = house.stateOf();
      return state?.state === 'online' && state.localAddress === 'alice';
    });
    const said = server.clients[0]?.lines.filter((line) => line.startsWith('PRIVMSG'));
    expect(said).toEqual(['REGAIN', 'RECOVER', 'GHOST'].map((verb) => `PRIVMSG NickServ :${verb} alice`));
  });

  it('is left to its holder otherwise', async () => {
    const server = await sandbox();
    await rigs.begin({ port: server.port }).until('online');
    const { until } = rigs.begin({ port: server.port, settings: { saslAccount: 'alice' }, secrets });
    expect(await until('online')).toMatchObject({ localAddress: 'alice_' });
    expect(server.log.filter((line) => line.startsWith('PRIVMSG'))).toEqual([]);
  });
});
