/*
 * Kamailio 5.6: a registrar, proxy and presence server on free loopback ports, with an SQLite database of its own. It speaks
 * UDP, TCP and TLS, asks its users for digests, and knows who may watch whom.
 */
import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority, openssl, type Authority } from './certificates.js';
import { startDaemon, type Daemon } from './daemon.js';
import {
  kamailioConfiguration,
  kamailioDomain,
  tlsConfiguration,
  type KamailioOptions,
} from './kamailio-configuration.js';
import { scratchDirectory, type Peer } from './peer.js';
import { freeSipPort } from './sip-ports.js';

const binary = '/usr/sbin/kamailio';
const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'];
const tables = '/usr/share/kamailio/db_sqlite';
const execute = promisify(execFile);

/** What must be installed for `startKamailio`. */
export const kamailioPeers: readonly Peer[] = [
  { name: 'Kamailio', package: 'kamailio', binaries: [binary] },
  part('kamailio-presence-modules', 'presence'),
  part('kamailio-sqlite-modules', 'db_sqlite'),
  part('kamailio-tls-modules', 'tls'),
  { name: 'SQLite', package: 'sqlite3', binaries: ['/usr/bin/sqlite3'] },
  openssl,
];

export { kamailioDomain, type KamailioOptions, type KamailioTrunk } from './kamailio-configuration.js';

export class Kamailio implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly domain = kamailioDomain;
  /** Of UDP and TCP. */
  readonly port: number;
  readonly tlsPort: number;
  /** Whom to trust: its certificate is for its domain and 127.0.0.1. */
  readonly authority: Authority;
  readonly #daemon: Daemon;
  readonly #directory: string;

  private constructor(daemon: Daemon, parts: { directory: string; port: number; authority: Authority }) {
    this.#daemon = daemon;
    this.#directory = parts.directory;
    this.port = parts.port;
    this.tlsPort = daemon.port;
    this.authority = parts.authority;
  }

  static async start(options: KamailioOptions = {}): Promise<Kamailio> {
    const scratch = scratchDirectory('kamailio');
    const directory = scratch.path;
    const at = (name: string): string => join(directory, name);
    const authority = await makeAuthority(directory);
    const certificate = await authority.issue('server', [kamailioDomain, '127.0.0.1']);
    const [port, tlsPort] = [await freeSipPort(), await freeSipPort()];
    await writeFile(at('tls.cfg'), tlsConfiguration(certificate));
    await writeFile(at('kamailio.cfg'), kamailioConfiguration({ directory, port, tlsPort, options }));
    const creating = ['standard', 'auth_db', 'usrloc', 'presence', 'rls'].map(
      (name) => `.read ${tables}/${name}-create.sql`,
    );
    // A file keeps its mode. Kamailio is not told to set it again: each of its processes would want the file for itself.
    await sqlite(directory, ['PRAGMA journal_mode = WAL;', 'PRAGMA synchronous = OFF;', ...creating]);
    const daemon = await startDaemon({
      name: 'Kamailio',
      binary,
      args: [
        ...['-f', at('kamailio.cfg'), '-P', at('kamailio.pid'), '-Y', directory],
        // In the foreground. With less shared memory it fails under load.
        ...['-DD', '-E', '-m', '512', '-M', '16'],
      ],
      cwd: directory,
      scratch,
      // The last that it opens.
      port: tlsPort,
    });
    return new Kamailio(daemon, { directory, port, authority });
  }

  /** Makes a user, or gives an old one a new password. */
  async createAccount(user: string, password: string): Promise<void> {
    const [name, secret] = [quoted(user), quoted(password)];
    const where = `username = ${name} AND domain = '${kamailioDomain}'`;
    await sqlite(this.#directory, [
      `DELETE FROM subscriber WHERE ${where};`,
      `INSERT INTO subscriber (username, domain, password) VALUES (${name}, '${kamailioDomain}', ${secret});`,
    ]);
  }

  /** Says who may see a user's presence from now on, in place of all who might before (RFC 5025). */
  async admit(user: string, watchers: readonly string[]): Promise<void> {
    const ids = watchers.map((watcher) => `<one id="sip:${watcher}"/>`).join('');
    const rules = `<?xml version="1.0" encoding="UTF-8"?>
<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">
<rule id="admitted"><conditions><identity>${ids}</identity></conditions>
<actions><pr:sub-handling>allow</pr:sub-handling></actions>
<transformations><pr:provide-services><pr:all-services/></pr:provide-services>
<pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-all-attributes/></transformations></rule>
</ruleset>`;
    const where = `username = ${quoted(user)} AND domain = '${kamailioDomain}'`;
    const name = quoted(`${user}-rules`);
    await sqlite(this.#directory, [
      `DELETE FROM xcap WHERE ${where};`,
      'INSERT INTO xcap (username, domain, doc, doc_type, etag, source, doc_uri, port) VALUES ' +
        `(${quoted(user)}, '${kamailioDomain}', ${quoted(rules)}, 2, ${name}, 0, ${name}, 0);`,
    ]);
    await this.#command('presence.refreshWatchers', `sip:${user}@${kamailioDomain}`, 'presence', '0');
  }

  /** The contacts at which a user is registered. */
  async contactsOf(user: string): Promise<readonly string[]> {
    const told = await this.#command('ul.lookup', 's:location', `s:${user}`).catch(() => '');
    return [...told.matchAll(/^\s*Address: (\S+)/gm)].flatMap(([, address]) => address ?? []);
  }

  /** What it has said on its streams. */
  output(): string {
    return this.#daemon.output();
  }

  /** Ends it as an operator would. Users and rules stay, registrations do not. */
  async stop(): Promise<void> {
    await this.#daemon.stop();
    this.#reap();
  }

  /** Starts it again on the same ports. */
  start(): Promise<void> {
    return this.#daemon.start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends all its processes with SIGKILL. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.stop();
  }

  /** Stops all its processes in mid-air: ports take what comes, and nobody answers. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.#daemon[Symbol.asyncDispose]();
    this.#reap();
  }

  /** Ends what it has forked and left behind: the first process may die before it has ended the others. */
  #reap(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (commandOf(pid).includes(join(this.#directory, 'kamailio.cfg'))) tell(Number(pid), 'SIGKILL');
    }
  }

  /** To the first process and to those that it has forked: they do the work. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#daemon;
    if (pid === undefined) return;
    for (const one of [pid, ...childrenOf(pid)]) tell(one, signal);
  }

  async #command(...words: readonly string[]): Promise<string> {
    const { stdout } = await execute('/usr/sbin/kamcmd', ['-s', join(this.#directory, 'control'), ...words]);
    return stdout;
  }
}

function part(name: string, module: string): Peer {
  const binaries = libraries.map((library) => `${library}/kamailio/modules/${module}.so`);
  return { name, package: name, binaries, runs: false };
}

/** Nothing, where it has ended meanwhile. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const line = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
    return line.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A text as SQL writes it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function sqlite(directory: string, lines: readonly string[]): Promise<void> {
  const tool = spawn('sqlite3', ['-bail', join(directory, 'kamailio.db')], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaints = '';
  tool.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  tool.stdin.end(['.timeout 3000', ...lines, ''].join('\n'));
  const code = await new Promise<number | null>((done, fail) => tool.once('error', fail).once('close', done));
  if (code !== 0) throw new Error(`sqlite3 failed: ${complaints}`);
}
