/*
 * ZNC 1.8, an own bouncer on a free loopback port: it stays on the network in its users' place, plays back what they
 * missed, and shows each of a user's clients what the others say.
 */
import { chmodSync, chownSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon, unprivileged, type Daemon } from './daemon.js';
import { binaryOf, freePort, scratchDirectory, type Peer } from './peer.js';

export const znc: Peer = { name: 'ZNC', package: 'znc', binaries: ['/usr/bin/znc', '/usr/local/bin/znc'] };

export interface Znc extends Daemon {
  /** The server password with which a user's client comes in: `user/network:password`. */
  pass(user: string): string;
}

export interface ZncOptions {
  /** The network behind it, on this machine. */
  readonly upstream: { readonly port: number };
  /** Its users, each by the nick that it has on the network. */
  readonly users: readonly string[];
}

export async function startZnc(options: ZncOptions): Promise<Znc> {
  const scratch = scratchDirectory('znc');
  const port = await freePort();
  const data = join(scratch.path, 'data');
  const configs = join(data, 'configs');
  await mkdir(configs, { recursive: true });
  const file = join(configs, 'znc.conf');
  await writeFile(file, configuration(port, options));
  const as = unprivileged();
  if (as) {
    chmodSync(scratch.path, 0o755);
    for (const path of [data, configs, file]) chownSync(path, as.uid, as.gid);
  }
  const daemon = await startDaemon({
    name: znc.name,
    binary: binaryOf(znc) ?? 'znc',
    args: ['--foreground', '--no-color', '--datadir', data],
    cwd: data,
    scratch,
    as,
    port,
  });
  return Object.assign(daemon, { pass: (user: string) => `${user}/test:${passwordOf(user)}` });
}

/** Of a bouncer that lives as long as a test and listens on loopback only. */
function passwordOf(user: string): string {
  return `bouncer-of-${user}`;
}

function configuration(port: number, { upstream, users }: ZncOptions): string {
  return `
Version = 1.8.2
ConnectDelay = 1
ServerThrottle = 1
AnonIPLimit = 1000
<Listener test>
  Host = 127.0.0.1
  Port = ${String(port)}
  IPv4 = true
  IPv6 = false
  SSL = false
</Listener>
${users
  .map(
    (user) => `
<User ${user}>
  Pass = plain#${passwordOf(user)}
  Nick = ${user}
  AltNick = ${user}_
  Ident = ${user}
  RealName = ${user}
  AutoClearChanBuffer = true
  AutoClearQueryBuffer = true
  ChanBufferSize = 200
  QueryBufferSize = 200
  MultiClients = true
  <Network test>
    Server = 127.0.0.1 ${String(upstream.port)}
    FloodBurst = 1000
    FloodRate = 1000
    JoinDelay = 0
  </Network>
</User>`,
  )
  .join('')}
`;
}
