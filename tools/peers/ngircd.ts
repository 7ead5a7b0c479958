/*
 * ngIRCd, an own instance on a free loopback port. It knows RFC 2812 and of IRCv3 nothing but CAP itself and
 * multi-prefix: what became of a message can only be inferred. Debian will not install it beside IRCD-Hybrid, so
 * tools/peers.sh unpacks it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon, type Daemon } from './daemon.js';
import { binaryOf, freePort, scratchDirectory, type Peer } from './peer.js';

export const ngircd: Peer = {
  name: 'ngIRCd',
  package: 'ngircd',
  binaries: ['/opt/parley-peers/ngircd/usr/sbin/ngircd', '/usr/sbin/ngircd'],
};

export async function startNgircd(): Promise<Daemon> {
  const scratch = scratchDirectory('ngircd');
  const port = await freePort();
  const file = join(scratch.path, 'ngircd.conf');
  await writeFile(file, configuration(port));
  return startDaemon({
    name: ngircd.name,
    binary: binaryOf(ngircd) ?? 'ngircd',
    args: ['--nodaemon', '--config', file],
    cwd: scratch.path,
    scratch,
    port,
  });
}

/** Root's instance becomes nobody by itself; its penalties for talking fast are off. */
function configuration(port: number): string {
  return `
[Global]
Name = ngircd.example.org
Info = Parley test
Network = ParleyPlain
AdminInfo1 = test
AdminEMail = test@example.org
Listen = 127.0.0.1
Ports = ${String(port)}
MotdPhrase = "A server for tests."
ServerUID = 65534
ServerGID = 65534
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 30
MaxPenaltyTime = 0
PingTimeout = 120
PongTimeout = 60
[Options]
DNS = no
Ident = no
PAM = no
`;
}
