/*
 * Kannel 1.4, an own bearerbox and smsbox on free loopback ports. Programs send through it by HTTP; on the other side it
 * has phones (its fake SMSC, a line protocol) and, if told so, an SMSC that it binds to as an SMPP client.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startDaemon, type Daemon } from './daemon.js';
import { eventually, freePort, scratchDirectory, type Peer } from './peer.js';
import { plainOctets } from './web-desk.js';

/** What must be installed for `startKannel`. */
export const kannelPeers: readonly Peer[] = [
  { name: 'Kannel', package: 'kannel', binaries: ['/usr/sbin/bearerbox'] },
];

/** An SMSC that Kannel binds to. */
export interface KannelUplink {
  readonly host?: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** One connection for both ways, or one for each. */
  readonly binds?: 'transceiver' | 'separate';
  /** How many submits may be unanswered; Kannel's 10 if unsaid. */
  readonly window?: number;
  /** Kannel's `msg-id-type`: 1 where answers say ids in hex, 2 where receipts do, 3 where both do; text if unsaid. */
  readonly idType?: 0 | 1 | 2 | 3;
  /** Further lines of its section. */
  readonly extra?: readonly string[];
}

export interface KannelOptions {
  /** Told of every text from a phone: a URL with Kannel's escapes (`kannelInbound` makes one). None: nobody is told. */
  readonly inbound?: string;
  /** Told of what became of a text, if the sender asked by `dlr-mask` and named no URL (`kannelReceipts` makes one). */
  readonly receipts?: string;
  readonly uplink?: KannelUplink;
}

/** What a phone on the fake SMSC was sent. */
export interface KannelHeard {
  readonly from: string;
  readonly to: string;
  /** The user data header, empty where there is none. */
  readonly udh: Buffer;
  readonly coding: 'text' | 'data' | 'ucs-2';
  /** UTF-8 of a text, octets of data, UTF-16BE. */
  readonly octets: Buffer;
}

/** The answer of sendsms: 202 and `0: Accepted for delivery`, or why not. */
export interface KannelAnswer {
  readonly status: number;
  readonly text: string;
}

export class Kannel implements AsyncDisposable {
  /** Where programs send. */
  readonly url: string;
  readonly username = 'parley';
  readonly password: string;
  /** The name of the fake SMSC, for `smsc=`. */
  static readonly phones = 'PHONES';
  /** The name of the SMSC that it binds to. */
  static readonly uplink = 'UPLINK';
  readonly #bearerbox: Daemon;
  readonly #smsbox: Daemon;
  readonly #phonesPort: number;
  readonly #admin: string;
  readonly #heard: KannelHeard[] = [];
  #phones: Socket | undefined;

  private constructor(bearerbox: Daemon, smsbox: Daemon, ports: Ports, passwords: Passwords) {
    this.#bearerbox = bearerbox;
    this.#smsbox = smsbox;
    this.#phonesPort = ports.phones;
    this.#admin = `http://127.0.0.1:${String(ports.admin)}/status.txt?password=${passwords.admin}`;
    this.password = passwords.sendsms;
    this.url = `http://127.0.0.1:${String(ports.sendsms)}/cgi-bin/sendsms`;
  }

  static async start(options: KannelOptions = {}): Promise<Kannel> {
    const ports = {
      admin: await freePort(),
      smsbox: await freePort(),
      phones: await freePort(),
      sendsms: await freePort(),
    };
    const passwords = { admin: randomBytes(9).toString('hex'), sendsms: randomBytes(9).toString('hex') };
    const scratch = scratchDirectory('kannel');
    const file = join(scratch.path, 'kannel.conf');
    await writeFile(file, configuration({ ports, passwords, directory: scratch.path, options }));
    const common = { args: ['-v', '4', file], cwd: scratch.path };
    const bearerbox = await startDaemon({
      name: 'bearerbox',
      binary: '/usr/sbin/bearerbox',
      ...common,
      scratch,
      port: ports.smsbox,
    });
    try {
      const smsbox = await startDaemon({
        name: 'smsbox',
        binary: '/usr/sbin/smsbox',
        ...common,
        // The files are bearerbox's, and go with it.
        scratch: { [Symbol.dispose]: () => undefined },
        port: ports.sendsms,
      });
      const kannel = new Kannel(bearerbox, smsbox, ports, passwords);
      await kannel.#ready();
      return kannel;
    } catch (error) {
      await bearerbox[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What phones have heard, in order. */
  get heard(): readonly KannelHeard[] {
    return this.#heard;
  }

  /** Sends as a program does: `to`, `from`, `text` and what else sendsms knows, values as they go into the query. */
  async send(query: Readonly<Record<string, string>>): Promise<KannelAnswer> {
    const asked = new URLSearchParams({ username: this.username, password: this.password, ...query });
    const answer = await fetch(`${this.url}?${asked.toString()}`, { headers: { connection: 'close' } });
    return { status: answer.status, text: await answer.text() };
  }

  /** A phone sends a text; of other than ASCII, the octets of its data coding. */
  say(from: string, to: string, said: string | Buffer, udh?: Buffer): void {
    const kind =
      udh !== undefined
        ? `udh ${escapedOctets(udh)} ${escapedOctets(Buffer.from(said))}`
        : typeof said === 'string'
          ? `text ${said}`
          : `data ${escapedOctets(said)}`;
    this.#phones?.write(`${from} ${to} ${kind}\n`);
  }

  /** Its status page, in plain words. */
  async status(): Promise<string> {
    return (await fetch(this.#admin, { headers: { connection: 'close' } })).text();
  }

  /** Waits until it is bound to the SMSC. */
  async bound(deadlineMs?: number): Promise<void> {
    await eventually(
      'Kannel is bound',
      async () => {
        const links = (await this.status()).split('\n').filter((line) => line.includes(`${Kannel.uplink}[`));
        return links.length > 0 && links.every((line) => line.includes('(online'));
      },
      deadlineMs,
    );
  }

  async stop(): Promise<void> {
    this.#phones?.destroy();
    await this.#smsbox.stop();
    await this.#bearerbox.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#bearerbox.start();
    await this.#smsbox.start();
    await this.#ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#phones?.destroy();
    await this.#smsbox[Symbol.asyncDispose]();
    await this.#bearerbox[Symbol.asyncDispose]();
  }

  /** The phones are connected, and bearerbox has met its smsbox. */
  async #ready(): Promise<void> {
    const socket = connect(this.#phonesPort, '127.0.0.1');
    this.#phones = socket;
    // It closes when Kannel does.
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const heard = phoneLine(line);
      if (heard !== undefined) this.#heard.push(heard);
    });
    await eventually('Kannel is ready', async () => {
      const status = await this.status().catch(() => '');
      return new RegExp(`${Kannel.phones}.*\\(online`).test(status) && status.includes('smsbox:');
    });
  }
}

/** The URL of `inbound`: everything that Kannel knows of a text, under a base such as `http://127.0.0.1:8080/in`. */
export function kannelInbound(base: string): string {
  return `${base}?from=%p&to=%P&text=%b&coding=%c&charset=%C&udh=%u&smsc=%i&time=%t&id=%I`;
}

/** The URL of `receipts`; `type` is the bit of `dlr-mask`, `answer` what the SMSC said. */
export function kannelReceipts(base: string): string {
  return `${base}?type=%d&answer=%A&smsc=%i&to=%p&from=%P&time=%t&fid=%F`;
}

function phoneLine(line: string): KannelHeard | undefined {
  const [from, to, ...rest] = line.split(' ');
  if (from === undefined || to === undefined) return undefined;
  const udh = rest[0] === 'udh' ? rest.splice(0, 2)[1] : '';
  const [coding, ...said] = rest;
  if (coding !== 'text' && coding !== 'data' && coding !== 'ucs-2') return undefined;
  const plain = said.join(' ');
  return {
    from,
    to,
    udh: plainOctets(udh ?? ''),
    coding,
    octets: coding === 'text' ? Buffer.from(plain) : plainOctets(plain),
  };
}

function escapedOctets(octets: Buffer): string {
  return [...octets].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');
}

interface Ports {
  readonly admin: number;
  readonly smsbox: number;
  readonly phones: number;
  readonly sendsms: number;
}

interface Passwords {
  readonly admin: string;
  readonly sendsms: string;
}

interface Parts {
  readonly ports: Ports;
  readonly passwords: Passwords;
  readonly directory: string;
  readonly options: KannelOptions;
}

function configuration({ ports, passwords, directory, options }: Parts): string {
  const { inbound, receipts, uplink } = options;
  return `
group = core
admin-port = ${String(ports.admin)}
admin-interface = 127.0.0.1
admin-password = ${passwords.admin}
smsbox-port = ${String(ports.smsbox)}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "${directory}/bearerbox.log"
log-level = 1
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = 3

group = smsc
smsc = fake
smsc-id = ${Kannel.phones}
port = ${String(ports.phones)}
our-host = 127.0.0.1
connect-allow-ip = 127.0.0.1
denied-smsc-id = "${Kannel.uplink}"
${uplink === undefined ? '' : bind(uplink)}
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = ${String(ports.smsbox)}
sendsms-port = ${String(ports.sendsms)}
sendsms-interface = 127.0.0.1
sendsms-chars = "0123456789 +-"
log-file = "${directory}/smsbox.log"
log-level = 1
http-request-retry = 10
http-queue-delay = 1

group = sendsms-user
username = parley
password = ${passwords.sendsms}
concatenation = true
max-messages = 10
${receipts === undefined ? '' : `dlr-url = "${receipts}"`}

group = sms-service
keyword = default
${inbound === undefined ? 'text = ""' : `get-url = "${inbound}"`}
max-messages = 0
catch-all = true
omit-empty = true
`;
}

/** A section ends at an empty line; binds for one way each have a section of their own. */
function bind(uplink: KannelUplink): string {
  const port = String(uplink.port);
  const ways =
    uplink.binds === 'separate'
      ? [
          ['transceiver-mode = false', `port = ${port}`],
          ['transceiver-mode = false', `receive-port = ${port}`],
        ]
      : [['transceiver-mode = true', `port = ${port}`]];
  const lines = [
    `host = ${uplink.host ?? '127.0.0.1'}`,
    `smsc-username = "${uplink.username}"`,
    `smsc-password = "${uplink.password}"`,
    'system-type = "VMA"',
    'source-addr-autodetect = true',
    ...['dest-addr-ton = 1', 'dest-addr-npi = 1'],
    ...['enquire-link-interval = 5', 'reconnect-delay = 1'],
    `allowed-smsc-id = "${Kannel.uplink}"`,
    ...(uplink.window === undefined ? [] : [`max-pending-submits = ${String(uplink.window)}`]),
    ...(uplink.idType === undefined ? [] : [`msg-id-type = ${String(uplink.idType)}`]),
    ...(uplink.extra ?? []),
  ];
  return ways
    .map((way) => ['', 'group = smsc', 'smsc = smpp', `smsc-id = ${Kannel.uplink}`, ...way, ...lines, ''])
    .flat()
    .join('\n');
}
