import { spawnSync } from 'node:child_process';
import { chownSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binaryOf, eventually, freePort, run, scratchDirectory, type Peer } from './peer.js';

/** PostgreSQL, the newest version that is here; Debian keeps its server's programs out of the search path. */
export const postgresPeer: Peer = {
  name: 'PostgreSQL',
  package: 'postgresql',
  binaries: [...installed('/usr/lib/postgresql'), '/usr/local/bin/postgres', '/usr/bin/postgres'],
};

export interface PostgresOptions {
  /** Server settings over ours: name and value. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningPostgres extends AsyncDisposable {
  /** Of an empty database, as its superuser. */
  readonly url: string;
  readonly port: number;
  /** The server goes at once, as in a crash; `start` brings it back on the same port with what it had stored. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * A PostgreSQL server of one's own on a free loopback port, without fsync: what it stored survives its processes, not
 * the machine. It refuses to run as root, so root runs it as the package's own user.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const found = binaryOf(postgresPeer);
  if (found === undefined) throw new Error(`missing package: ${postgresPeer.package} (npm run peers)`);
  const binary = realpathSync(found);
  const scratch = scratchDirectory('postgres');
  const as = process.getuid?.() === 0 ? packageUser() : undefined;
  if (as !== undefined) chownSync(scratch.path, as.uid, as.gid);
  const spawning = { ...as, cwd: scratch.path, env: { LC_ALL: 'C', TZ: 'UTC' } };
  const data = join(scratch.path, 'data');
  const made = spawnSync(
    join(dirname(binary), 'initdb'),
    ['-D', data, '--no-sync', '--auth=trust', '--encoding=UTF8', '--locale=C', '--username=parley'],
    { ...spawning, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`, { cause: made.error });
  const port = await freePort();
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: '200',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const begin = async () => {
    // SIGINT is its "fast" shutdown, which does not wait for clients to leave.
    const server = run(binary, ['-D', data, ...args], { ...spawning, endWith: 'SIGINT' });
    await eventually('PostgreSQL takes connections', () => {
      if (server.child.exitCode !== null) throw new Error(`PostgreSQL ended: ${server.output()}`);
      return server.output().includes('ready to accept connections');
    });
    return server;
  };
  let server = await begin();
  return {
    url: `postgresql://parley@127.0.0.1:${String(port)}/postgres`,
    port,
    async kill() {
      const first = server.child.pid ?? 0;
      const all = [first, ...childrenOf(first)];
      for (const pid of all) process.kill(pid, 'SIGKILL');
      await eventually('PostgreSQL is gone', () => server.child.signalCode !== null && !all.some(isAlive));
    },
    async start() {
      await server[Symbol.asyncDispose]();
      server = await begin();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

function installed(folder: string): string[] {
  try {
    const versions = readdirSync(folder).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(folder, version, 'bin/postgres'));
  } catch {
    return [];
  }
}

function packageUser(): { uid: number; gid: number } {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (line === null) throw new Error('PostgreSQL cannot run as root, and there is no user postgres');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
