/* Anope 2.0: the services (NickServ, SASL) of an InspIRCd of ours. Accounts are registered once, by a plain client. */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inspircd } from './inspircd.js';
import { plainClient } from './irc-client.js';
import { eventually, run, scratchDirectory, type Peer } from './peer.js';

export const anope: Peer = { name: 'Anope', package: 'anope', binaries: ['/usr/sbin/anope'] };

const nobody = 65_534;

export interface ServicesAccount {
  readonly nick: string;
  readonly password: string;
}

export interface Anope extends AsyncDisposable {
  /** Registers an account with NickServ. */
  register(account: ServicesAccount): Promise<void>;
  output(): string;
}

export async function startAnope(server: Inspircd, accounts: readonly ServicesAccount[]): Promise<Anope> {
  const scratch = scratchDirectory('anope');
  const at = (name: string): string => join(scratch.path, name);
  for (const name of ['conf', 'db', 'logs']) await mkdir(at(name));
  await writeFile(at('conf/services.motd'), 'Services for tests.\n');
  await writeFile(at('conf/services.conf'), configuration(server, scratch.path));
  // As root it waits for some seconds to let one think about it.
  const asNobody = process.getuid?.() === 0;
  if (asNobody) for (const name of ['', 'conf', 'db', 'logs']) await chown(at(name), nobody, nobody);
  const drop = [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, '--clear-groups'];
  const binary = anope.binaries[0] ?? 'anope';
  const running = run(asNobody ? 'setpriv' : binary, [
    ...(asNobody ? [...drop, binary] : []),
    `--confdir=${at('conf')}`,
    `--dbdir=${at('db')}`,
    `--logdir=${at('logs')}`,
    '--modulesdir=/usr/lib/anope',
    '--localedir=/usr/share/anope/locale',
    '--nofork',
  ]);
  const services: Anope = {
    output: () => running.output(),
    async register({ nick, password }) {
      await using client = await plainClient({ port: server.ports.plain, nick });
      client.say('NickServ', `REGISTER ${password} ${nick}@example.org`);
      const answer = await client.waitFor(/^:NickServ\S* NOTICE /);
      if (!answer.includes(' registered')) throw new Error(`NickServ refuses ${nick}: ${answer}`);
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
  try {
    await eventually('Anope is linked', async () => {
      if (running.child.exitCode !== null) throw new Error(`Anope did not start: ${running.output()}`);
      await using client = await plainClient({ port: server.ports.plain, nick: 'lookout' });
      client.send('WHOIS NickServ');
      return (await client.waitFor(/ (?:311|401) /)).includes(' 311 ');
    });
    for (const account of accounts) await services.register(account);
  } catch (error) {
    await services[Symbol.asyncDispose]();
    throw error;
  }
  return services;
}

/** Anope reads one item per line. */
function block(name: string, items: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(items).map(
    ([key, value]) => `  ${key} = ${typeof value === 'number' ? String(value) : `"${value}"`}`,
  );
  return `${name}\n{\n${lines.join('\n')}\n}\n`;
}

function configuration(server: Inspircd, directory: string): string {
  const uplink = { host: server.host, ipv6: 'no', ssl: 'no', port: server.ports.services };
  return [
    block('uplink', { ...uplink, password: server.linkPassword }),
    block('serverinfo', {
      name: 'services.test',
      description: 'Services for tests',
      pid: `${directory}/anope.pid`,
      motd: `${directory}/conf/services.motd`,
    }),
    block('module', { name: 'inspircd3' }),
    block('networkinfo', {
      networkname: 'ParleyTest',
      nicklen: 30,
      userlen: 11,
      hostlen: 64,
      chanlen: 64,
      modelistsize: 100,
      nick_chars: '',
      vhost_chars: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-',
      allow_undotted_vhosts: 'no',
      disallow_start_or_end: '.-',
    }),
    block('options', {
      casemap: 'rfc1459',
      passlen: 50,
      seed: 8_231_457,
      strictpasswords: 'no',
      badpasslimit: 0,
      updatetimeout: '2m',
      expiretimeout: '30m',
      readtimeout: '5s',
      warningtimeout: '4h',
      timeoutcheck: '1s',
      retrywait: '1s',
    }),
    block('service', {
      nick: 'NickServ',
      user: 'services',
      host: 'services.test',
      gecos: 'Nickname Registration Service',
    }),
    block('module', {
      name: 'nickserv',
      client: 'NickServ',
      forceemail: 'no',
      defaults: 'ns_private hide_email',
      regdelay: '0s',
      expire: '0',
      minpasslen: 1,
      guestnickprefix: 'Guest',
      releasetimeout: '1m',
      killquick: '20s',
      kill: '60s',
    }),
    block('module', {
      name: 'ns_register',
      registration: 'none',
      nickregdelay: '0s',
      unconfirmedexpire: '0',
    }),
    block('command', { service: 'NickServ', name: 'REGISTER', command: 'nickserv/register' }),
    block('module', { name: 'ns_identify' }),
    block('command', { service: 'NickServ', name: 'IDENTIFY', command: 'nickserv/identify' }),
    block('module', { name: 'ns_recover', restoreonrecover: 'yes' }),
    block('command', { service: 'NickServ', name: 'RECOVER', command: 'nickserv/recover' }),
    // Before SASL: with it, EXTERNAL is offered.
    block('module', { name: 'ns_cert', max: 5 }),
    block('command', { service: 'NickServ', name: 'CERT', command: 'nickserv/cert' }),
    block('module', { name: 'm_sasl' }),
    block('module', { name: 'enc_sha256' }),
    block('module', { name: 'db_flatfile', database: 'anope.db', fork: 'no' }),
  ].join('');
}
