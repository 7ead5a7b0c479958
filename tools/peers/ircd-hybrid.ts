/*
 * IRCD-Hybrid 8, an own instance on a free loopback port: some of IRCv3 (account-notify, away-notify, chghost,
 * extended-join, multi-prefix, userhost-in-names, MONITOR), but neither tags nor echoes.
 */
import { chmodSync, chownSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon, unprivileged, type Daemon } from './daemon.js';
import { binaryOf, freePort, scratchDirectory, type Peer } from './peer.js';

export const ircdHybrid: Peer = {
  name: 'IRCD-Hybrid',
  package: 'ircd-hybrid',
  binaries: ['/usr/sbin/ircd-hybrid'],
};

export async function startIrcdHybrid(): Promise<Daemon> {
  const scratch = scratchDirectory('ircd-hybrid');
  const port = await freePort();
  const data = join(scratch.path, 'data');
  await mkdir(data);
  const file = join(data, 'ircd.conf');
  await writeFile(file, configuration(port));
  const as = unprivileged();
  if (as) {
    chmodSync(scratch.path, 0o755);
    chownSync(data, as.uid, as.gid);
  }
  const own = (name: string): readonly string[] => [`-${name}file`, join(data, name)];
  return startDaemon({
    name: ircdHybrid.name,
    binary: binaryOf(ircdHybrid) ?? 'ircd-hybrid',
    args: [
      '-foreground',
      '-configfile',
      file,
      ...['kline', 'dline', 'xline', 'resv', 'log', 'pid'].flatMap(own),
    ],
    cwd: data,
    scratch,
    as,
    port,
  });
}

function configuration(port: number): string {
  return `
serverinfo {
  name = "hybrid.example.org";
  sid = "0HY";
  description = "Parley test";
  network_name = "ParleyHybrid";
  network_description = "Parley test";
  default_max_clients = 2000;
  max_nick_length = 30;
  max_topic_length = 300;
};
admin { name = "test"; description = "test"; email = "test@example.org"; };
class {
  name = "users";
  ping_time = 2 minutes;
  number_per_ip_local = 2000;
  number_per_ip_global = 2000;
  max_number = 2000;
  max_channels = 200;
  sendq = 8 megabytes;
  recvq = 8000 bytes;
};
listen { host = "127.0.0.1"; port = ${String(port)}; };
auth { user = "*@*"; class = "users"; flags = exceed_limit, can_flood, no_tilde; };
channel {
  max_channels = 200;
  disable_fake_channels = yes;
  knock_client_count = 100;
  knock_delay_channel = 1 second;
  invite_client_count = 1000;
  invite_delay_channel = 1 second;
  default_join_flood_count = 0;
};
general {
  disable_auth = yes;
  invisible_on_connect = yes;
  max_monitor = 200;
  default_floodcount = 0;
  anti_nick_flood = no;
  anti_spam_exit_message_time = 0;
  away_count = 1000;
  pace_wait_simple = 0;
  pace_wait = 0;
  throttle_count = 10000;
  max_targets = 4;
};
modules { path = "/usr/lib/ircd-hybrid/modules"; path = "/usr/lib/ircd-hybrid/modules/autoload"; };
log { use_logging = no; };
`;
}
