/*
 * Prosody 0.12, an own instance on free loopback ports. Accounts are files, so a login is made in no time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, openssl, type Certificate } from './certificates.js';
import { startDaemon } from './daemon.js';
import { binaryOf, scratchDirectory, type Peer } from './peer.js';
import {
  certificateNames,
  freshSecret,
  xmppNames,
  xmppPorts,
  type XmppFeature,
  type XmppPorts,
  type XmppServer,
  type XmppServerOptions,
} from './xmpp-server.js';

export const prosody: Peer = { name: 'Prosody', package: 'prosody', binaries: ['/usr/bin/prosody'] };

/** What must be installed for `startProsody`. */
export const prosodyPeers: readonly Peer[] = [prosody, openssl];

/** Starts one. `extra` stands in the section of the domain, where what has no section of its own belongs. */
export async function startProsody(options: XmppServerOptions = {}): Promise<XmppServer> {
  const scratch = scratchDirectory('prosody');
  const authority = await makeAuthority(scratch.path);
  const certificate = await authority.issue('server', options.certificateNames ?? certificateNames, {
    expired: options.expired === true,
  });
  const ports = await xmppPorts();
  const componentSecret = freshSecret();
  const data = join(scratch.path, 'data');
  const accounts = join(data, stored(xmppNames.domain), 'accounts');
  await mkdir(accounts, { recursive: true });
  const file = join(scratch.path, 'prosody.cfg.lua');
  await writeFile(
    file,
    configuration({ ports, certificate, componentSecret, directory: scratch.path, data, options }),
  );
  const daemon = await startDaemon({
    name: prosody.name,
    binary: binaryOf(prosody) ?? 'prosody',
    args: ['-F', '--config', file],
    cwd: scratch.path,
    scratch,
    port: ports.clients,
  });
  return Object.assign(daemon, {
    names: xmppNames,
    ports,
    authority,
    componentSecret,
    createAccount: (user: string, password: string) =>
      writeFile(
        join(accounts, `${stored(user)}.dat`),
        `return { ["password"] = ${JSON.stringify(password)}; };\n`,
      ),
  });
}

/** A name as Prosody's file storage writes it. */
function stored(name: string): string {
  return Buffer.from(name)
    .toString('latin1')
    .replace(/[^A-Za-z0-9]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

const modules: readonly (readonly [name: string, feature?: XmppFeature])[] = [
  ...['roster', 'saslauth', 'tls', 'disco', 'posix', 'private', 'vcard4', 'vcard_legacy', 'version'].map(
    (name) => [name] as const,
  ),
  ...['time', 'uptime', 'ping', 'lastactivity', 'csi_simple', 'admin_adhoc'].map((name) => [name] as const),
  ['pep', 'personal-events'],
  ['bookmarks', 'bookmarks'],
  ['carbons', 'carbons'],
  ['mam', 'archive'],
  ['smacks', 'stream-management'],
  ['blocklist', 'blocking'],
  ['register', 'registration'],
  ['register_ibr', 'registration'],
  ['offline', 'offline-messages'],
];

interface Parts {
  readonly ports: XmppPorts;
  readonly certificate: Certificate;
  readonly componentSecret: string;
  readonly directory: string;
  readonly data: string;
  readonly options: XmppServerOptions;
}

function configuration({ ports, certificate, componentSecret, directory, data, options }: Parts): string {
  const without = new Set(options.without ?? []);
  const enabled = modules.flatMap(([name, feature]) =>
    feature !== undefined && without.has(feature) ? [] : [`"${name}"`],
  );
  const tls = `{ certificate = "${certificate.certificateFile}"; key = "${certificate.keyFile}" }`;
  const archives = options.archiveInMemory === true ? 'archive = "memory"; muc_log = "memory"' : '';
  return `
run_as_root = true
pidfile = "${directory}/prosody.pid"
data_path = "${data}"
interfaces = { "127.0.0.1" }
c2s_ports = { ${String(ports.clients)} }
legacy_ssl_ports = { }
c2s_direct_tls_ports = { ${String(ports.tls)} }
c2s_direct_tls_ssl = ${tls}
s2s_ports = { }
component_ports = { ${String(ports.component)} }
component_interfaces = { "127.0.0.1" }
http_ports = { ${String(ports.http)} }
http_interfaces = { "127.0.0.1" }
https_ports = { ${String(ports.https)} }
https_interfaces = { "127.0.0.1" }
https_ssl = ${tls}
ssl = ${tls}
network_backend = "epoll"
default_storage = "internal"
storage = { ${archives} }
authentication = "internal_plain"
c2s_require_encryption = ${String(options.requireTls === true)}
allow_unencrypted_plain_auth = ${String(options.requireTls !== true)}
allow_registration = true
registration_throttle_max = 100000
modules_disabled = { "s2s" }
modules_enabled = { ${enabled.join(', ')} }
smacks_hibernation_time = ${String(options.resumableSeconds ?? 120)}
archive_expires_after = "1w"
limits = { }
log = { { levels = { min = "info" }, to = "file", filename = "${directory}/prosody.log" } }
VirtualHost "${xmppNames.domain}"
${options.extra ?? ''}
Component "${xmppNames.rooms}" "muc"
  modules_enabled = { ${without.has('room-archive') ? '' : '"muc_mam"'} }
  restrict_room_creation = false
  muc_room_default_persistent = false
${
  without.has('upload')
    ? ''
    : `Component "${xmppNames.upload}" "http_file_share"
  http_host = "127.0.0.1"
  http_external_url = "https://127.0.0.1:${String(ports.https)}/"
  http_file_share_size_limit = ${String(options.uploadLimit ?? 10 * 1_048_576)}`
}
Component "${xmppNames.gateway}"
  component_secret = "${componentSecret}"
`;
}
