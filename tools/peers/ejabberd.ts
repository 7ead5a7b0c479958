/*
 * ejabberd 23, an own instance on free loopback ports. Its Erlang node has no name, so it needs no epmd and meets no
 * other node; accounts are made over its HTTP API, which listens on loopback only.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, openssl } from './certificates.js';
import { startDaemon } from './daemon.js';
import { binaryOf, eventually, freePort, scratchDirectory, type Peer } from './peer.js';
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

export const ejabberd: Peer = {
  name: 'ejabberd',
  package: 'ejabberd',
  binaries: ['/usr/sbin/ejabberdctl'],
};
const erlang: Peer = { name: 'Erlang', package: 'erlang-base', binaries: ['/usr/bin/erl'] };

/** What must be installed for `startEjabberd`. */
export const ejabberdPeers: readonly Peer[] = [ejabberd, erlang, openssl];

export interface Ejabberd extends XmppServer {
  /** Runs one of its administrator's commands (`kick_session`, `change_room_option`, …) and gives the answer. */
  command(name: string, options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Starts one. `extra` stands at the end of `modules`, as YAML that is indented by two. */
export async function startEjabberd(options: XmppServerOptions = {}): Promise<Ejabberd> {
  const scratch = scratchDirectory('ejabberd');
  const authority = await makeAuthority(scratch.path);
  const certificate = await authority.issue('server', options.certificateNames ?? certificateNames, {
    expired: options.expired === true,
  });
  const ports = await xmppPorts();
  const apiPort = await freePort();
  const componentSecret = freshSecret();
  const [data, uploads] = [join(scratch.path, 'data'), join(scratch.path, 'uploads')];
  await mkdir(data);
  await mkdir(uploads);
  // One file with both, which is what it takes.
  const pem = join(scratch.path, 'server.pem');
  await writeFile(
    pem,
    (await readFile(certificate.certificateFile, 'utf8')) + (await readFile(certificate.keyFile, 'utf8')),
  );
  const file = join(scratch.path, 'ejabberd.yml');
  await writeFile(
    file,
    configuration({
      ports,
      apiPort,
      pem,
      authority: authority.certificateFile,
      componentSecret,
      uploads,
      options,
    }),
  );
  const command: Ejabberd['command'] = async (name, body) => {
    const answer = await fetch(`http://127.0.0.1:${String(apiPort)}/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${name}: ${text}`);
    return JSON.parse(text) as unknown;
  };
  const daemon = await startDaemon({
    name: ejabberd.name,
    binary: binaryOf(erlang) ?? 'erl',
    args: [...['-noinput', '+A', '4', '+S', '2'], ...['-mnesia', 'dir', `"${data}"`], ...['-s', 'ejabberd']],
    cwd: scratch.path,
    scratch,
    env: {
      ...process.env,
      HOME: scratch.path,
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: join(scratch.path, 'ejabberd.log'),
      ERL_CRASH_DUMP_BYTES: '0',
      ERL_LIBS: homes(),
    },
    port: ports.clients,
  });
  // Its ports are open a moment before all of it is there.
  const ready = (): Promise<unknown> =>
    eventually('ejabberd takes commands', () => command('status', {}).catch(() => false));
  await ready();
  return {
    ...daemon,
    get pid() {
      return daemon.pid;
    },
    async start() {
      await daemon.start();
      await ready();
    },
    async restart() {
      await daemon.restart();
      await ready();
    },
    names: xmppNames,
    ports,
    authority,
    componentSecret,
    command,
    async createAccount(user: string, password: string) {
      const about = { user, host: xmppNames.domain };
      await command('register', { ...about, password }).catch(() =>
        command('change_password', { ...about, newpass: password }),
      );
    },
  };
}

/**
 * Where Debian keeps ejabberd itself: not with Erlang's libraries but in the directory of the machine's architecture.
 */
function homes(): string {
  return readdirSync('/usr/lib')
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => join('/usr/lib', name))
    .join(':');
}

const modules: readonly (readonly [yaml: string, feature?: XmppFeature])[] = [
  ...['adhoc', 'admin_extra', 'caps', 'client_state', 'disco', 'http_api', 'last', 'ping'].map(
    (name) => [`mod_${name}: {}`] as const,
  ),
  ...['private', 'muc_admin', 'version', 'vcard_xupdate'].map((name) => [`mod_${name}: {}`] as const),
  ['mod_roster: { versioning: true }'],
  ['mod_vcard: { search: false }'],
  ['mod_blocking: {}', 'blocking'],
  ['mod_privacy: {}', 'blocking'],
  ['mod_carboncopy: {}', 'carbons'],
  ['mod_avatar: {}', 'personal-events'],
  ['mod_pubsub: { plugins: [flat, pep], max_items_node: 1000, last_item_cache: false }', 'personal-events'],
  ['mod_mam: { default: always, assume_mam_usage: true, request_activates_archiving: false }', 'archive'],
  ['mod_offline: {}', 'offline-messages'],
  ['mod_register: { ip_access: all, access: all, allow_modules: all }', 'registration'],
];

interface Parts {
  readonly ports: XmppPorts;
  readonly apiPort: number;
  readonly pem: string;
  readonly authority: string;
  readonly componentSecret: string;
  readonly uploads: string;
  readonly options: XmppServerOptions;
}

function configuration({ ports, apiPort, pem, authority, componentSecret, uploads, options }: Parts): string {
  const without = new Set(options.without ?? []);
  const enabled = modules.flatMap(([yaml, feature]) =>
    feature !== undefined && without.has(feature) ? [] : [`  ${yaml}`],
  );
  if (!without.has('stream-management'))
    enabled.push(
      `  mod_stream_mgmt: { resend_on_timeout: if_offline, resume_timeout: ${String(options.resumableSeconds ?? 120)} }`,
    );
  if (!without.has('upload'))
    enabled.push(
      `  mod_http_upload: { access: all, host: "${xmppNames.upload}", put_url: "https://127.0.0.1:${String(ports.https)}/upload", docroot: "${uploads}", max_size: ${String(options.uploadLimit ?? 10 * 1_048_576)} }`,
    );
  const http = (port: number, tls: boolean): string => `  -
    port: ${String(port)}
    ip: "127.0.0.1"
    module: ejabberd_http
    tls: ${String(tls)}
    request_handlers:
      /upload: mod_http_upload`;
  return `
hosts: ["${xmppNames.domain}"]
loglevel: info
log_rotate_count: 0
certfiles: ["${pem}"]
ca_file: "${authority}"
auth_password_format: plain
auth_use_cache: false
registration_timeout: infinity
disable_sasl_mechanisms: ["digest-md5", "X-OAUTH2"]
listen:
  -
    port: ${String(ports.clients)}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    starttls: true
    starttls_required: ${String(options.requireTls === true)}
  -
    port: ${String(ports.tls)}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    tls: true
  -
    port: ${String(ports.component)}
    ip: "127.0.0.1"
    module: ejabberd_service
    hosts:
      "${xmppNames.gateway}":
        password: "${componentSecret}"
  -
    port: ${String(apiPort)}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
${http(ports.http, false)}
${http(ports.https, true)}
acl:
  loopback:
    ip: ["127.0.0.0/8"]
api_permissions:
  "tests":
    who: { access: { allow: { acl: loopback } } }
    what: "*"
shaper_rules:
  max_user_sessions: infinity
modules:
  mod_muc:
    host: "${xmppNames.rooms}"
    access: all
    access_create: all
    access_persistent: all
    default_room_options: { mam: ${String(!without.has('room-archive'))}, persistent: false }
${enabled.join('\n')}
${options.extra ?? ''}
`;
}
