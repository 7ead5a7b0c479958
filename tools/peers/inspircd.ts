/*
 * InspIRCd 3, an own instance on free loopback ports. Three ports for clients: `plain` and `tls` take whatever comes,
 * `strict` ends the connection of whoever sends faster than a line a second after a burst ("Excess Flood").
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, openssl, type Authority, type Certificate } from './certificates.js';
import { startDaemon, type Daemon } from './daemon.js';
import { binaryOf, freePort, scratchDirectory, type Peer } from './peer.js';

export const inspircd: Peer = { name: 'InspIRCd', package: 'inspircd', binaries: ['/usr/sbin/inspircd'] };

/** What tells a program that time passes faster than it does. */
const faketime: Peer = {
  name: 'libfaketime',
  package: 'libfaketime',
  binaries: ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`),
  runs: false,
};

/** What must be installed for `startInspircd`. */
export const inspircdPeers: readonly Peer[] = [inspircd, faketime, openssl];

export interface Inspircd extends Daemon {
  readonly ports: {
    readonly plain: number;
    readonly tls: number;
    readonly strict: number;
    /** Takes clients that give `serverPassword` only. */
    readonly locked: number;
    readonly services: number;
  };
  readonly authority: Authority;
  readonly serverPassword: string;
  /** What services link with. */
  readonly linkPassword: string;
}

/** Modules without which the IRCv3 side of a test means nothing. `plainest` loads none of them. */
const modern = [
  'cap',
  'ircv3',
  'ircv3_accounttag',
  'ircv3_batch',
  'ircv3_capnotify',
  'ircv3_chghost',
  'ircv3_ctctags',
  'ircv3_echomessage',
  'ircv3_invitenotify',
  'ircv3_labeledresponse',
  'ircv3_msgid',
  'ircv3_servertime',
  'monitor',
  'namesx',
  'uhnames',
  'services_account',
  'sslinfo',
  'botmode',
  'hidechans',
  'sasl',
  'chanhistory',
  'setname',
  'chghost',
];

/** How many of its seconds pass in one, where it is hurried. */
const haste = 8;

export interface InspircdOptions {
  /** Without any IRCv3: a server of the old kind. */
  readonly plainest?: boolean;
  /** The certificate's names; loopback unless said otherwise. */
  readonly names?: readonly string[];
  readonly expired?: boolean;
  /**
   * Its clock runs `haste` times as fast. It registers whoever comes at the turn of a second, and not before: most of
   * what a test of sessions waits for. Not for tests of pace (it would forgive more lines a second) or of when something
   * was said.
   */
  readonly hurried?: boolean;
  /** Further lines of configuration. */
  readonly extra?: string;
}

export async function startInspircd(options: InspircdOptions = {}): Promise<Inspircd> {
  const scratch = scratchDirectory('inspircd');
  const authority = await makeAuthority(scratch.path);
  const certificate = await authority.issue('server', options.names ?? ['127.0.0.1', 'localhost'], {
    expired: options.expired === true,
  });
  const ports = {
    plain: await freePort(),
    tls: await freePort(),
    strict: await freePort(),
    locked: await freePort(),
    services: await freePort(),
  };
  const serverPassword = randomBytes(12).toString('hex');
  const linkPassword = randomBytes(12).toString('hex');
  const data = join(scratch.path, 'data');
  await mkdir(data);
  await writeFile(join(data, 'motd.txt'), 'A server for tests.\n');
  const file = join(scratch.path, 'inspircd.conf');
  await writeFile(file, configuration({ ports, certificate, serverPassword, linkPassword, data, options }));

  const daemon = await startDaemon({
    name: inspircd.name,
    binary: binaryOf(inspircd) ?? 'inspircd',
    args: [`--config=${file}`, '--runasroot', '--nofork'],
    cwd: data,
    scratch,
    ...(options.hurried === true && {
      env: { ...process.env, LD_PRELOAD: binaryOf(faketime), FAKETIME: `+0 x${String(haste)}` },
    }),
    port: ports.plain,
  });
  return Object.assign(daemon, { ports, authority, serverPassword, linkPassword });
}

interface Parts {
  readonly ports: Inspircd['ports'];
  readonly certificate: Certificate;
  readonly serverPassword: string;
  readonly linkPassword: string;
  readonly data: string;
  readonly options: InspircdOptions;
}

function configuration({ ports, certificate, serverPassword, linkPassword, data, options }: Parts): string {
  // Its patience with us is the same by our clock.
  const patience = (seconds: number): string => String(options.hurried === true ? seconds * haste : seconds);
  const common =
    `allow="127.0.0.1" timeout="${patience(30)}" pingfreq="${patience(120)}" ` +
    'hardsendq="64M" softsendq="8M" localmax="2000" globalmax="2000" ' +
    'maxconnwarn="no" resolvehostnames="no" usednsbl="no" useident="no" limit="2000" maxchans="200"';
  const unhurried = 'recvq="4M" threshold="1000000" commandrate="10000000" fakelag="no"';
  const modules = ['ssl_gnutls', 'spanningtree', ...(options.plainest === true ? [] : modern)];
  return `
<server name="irc.test" description="Parley test" network="ParleyTest" id="1AA">
<admin name="test" nick="test" email="test@example.org">
<bind address="127.0.0.1" port="${String(ports.plain)}" type="clients">
<bind address="127.0.0.1" port="${String(ports.strict)}" type="clients">
<bind address="127.0.0.1" port="${String(ports.locked)}" type="clients">
<bind address="127.0.0.1" port="${String(ports.tls)}" type="clients" sslprofile="test">
<bind address="127.0.0.1" port="${String(ports.services)}" type="servers">
<sslprofile name="test" provider="gnutls" hash="sha256" certfile="${certificate.certificateFile}" keyfile="${certificate.keyFile}">
<connect name="strict" port="${String(ports.strict)}" recvq="8192" threshold="10" commandrate="1000" fakelag="no" ${common}>
<connect name="locked" port="${String(ports.locked)}" password="${serverPassword}" ${unhurried} ${common}>
<connect name="plain" port="${String(ports.plain)}" ${unhurried} ${common}>
<connect name="tls" port="${String(ports.tls)}" ${unhurried} ${common}>
<performance netbuffersize="65534" somaxconn="512" softlimit="4000" quietbursts="yes" nouserdns="yes">
<options prefixquit="Quit: " defaultmodes="not" xlinemessage="You are banned" allowzerolimit="no" splitwhois="no" hostintopic="yes">
<limits maxnick="30" maxchan="64" maxmodes="20" maxident="11" maxhost="64" maxquit="255" maxtopic="330" maxkick="255" maxgecos="128" maxaway="200">
<files motd="${data}/motd.txt">
<path datadir="${data}" logdir="${data}" runtimedir="${data}">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="inspircd.log">
<security announceinvites="dynamic" hidewhois="" flatlinks="no" hidebans="no" maxtargets="20" customversion="" runasuser="" runasgroup="">
${modules.map((name) => `<module name="${name}">`).join('\n')}
<sasl target="services.test" requiressl="no">
<chanhistory maxlines="50" notice="no" bots="yes" enableumode="yes" maxduration="1w">
<link name="services.test" ipaddr="127.0.0.1" port="${String(ports.services)}" allowmask="127.0.0.0/8" sendpass="${linkPassword}" recvpass="${linkPassword}">
<uline server="services.test" silent="yes">
${options.extra ?? ''}
`;
}
