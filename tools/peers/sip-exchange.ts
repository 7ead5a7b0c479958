/*
 * Somebody's exchange, without Parley: a proxy without state (RFC 3261 §16.11) for the phones of its domain, joined to trunks.
 * TCP only. It believes everybody: it is for tests.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { PhoneReader, type PhoneMessage } from './sip-phone-reader.js';
import { addressOf, fieldOf, tagOf } from './sip-phone-wire.js';

const host = '127.0.0.1';
type Fields = readonly (readonly [name: string, value: string])[];

/** A connection of somebody. */
interface Line {
  readonly id: number;
  readonly socket: Socket;
  /** What went there and has no final response yet, by branch and method: whoever asked is told when it ends. */
  readonly asked: Map<string, { readonly request: PhoneMessage; readonly by: Line }>;
}

export class SipExchange implements AsyncDisposable {
  readonly host = host;
  readonly domain: string;
  readonly #lines = new Map<number, Line>();
  readonly #phones = new Map<string, Line>();
  /** Where the accounts of trunks are, and by which connection their trunk last spoke. */
  readonly #trunks = new Map<string, number>();
  readonly #spoke = new Map<number, Line>();
  #server: Server | undefined;
  #port = 0;
  #made = 0;

  private constructor(domain: string) {
    this.domain = domain;
  }

  /** One that is up. */
  static async open(domain: string, port: number): Promise<SipExchange> {
    const exchange = new SipExchange(domain);
    exchange.#port = port;
    await exchange.start();
    return exchange;
  }

  get port(): number {
    return this.#port;
  }

  /** An address is reached at a trunk, which listens at this port. */
  join(address: string, port: number): void {
    this.#trunks.set(address, port);
  }

  async start(): Promise<void> {
    const server = createServer((socket) => {
      this.#take(socket);
    });
    this.#server = server;
    await once(server.listen(this.#port, host), 'listening');
  }

  /** The port refuses, and connections end but those of its own phones. */
  async stop(): Promise<void> {
    const phones = new Set(this.#phones.values());
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    const ending = [...this.#lines.values()].filter((line) => !phones.has(line));
    await Promise.all(
      ending.map(async ({ socket }) => {
        socket.destroy();
        if (!socket.closed) await once(socket, 'close');
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#phones.clear();
    await this.stop();
  }

  #take(socket: Socket): Line {
    const line: Line = { id: ++this.#made, socket: socket.setNoDelay(true), asked: new Map() };
    this.#lines.set(line.id, line);
    const reader = new PhoneReader();
    socket
      .on('data', (chunk) => {
        for (const message of reader.push(chunk)) this.#pass(line, message);
      })
      .on('error', () => undefined)
      .on('close', () => {
        this.#lines.delete(line.id);
        for (const { request, by } of line.asked.values()) answer(by, request, '503 Service Unavailable');
      });
    return line;
  }

  #pass(line: Line, message: PhoneMessage): void {
    if (message.start.startsWith('SIP/2.0 ')) this.#back(line, message);
    else this.#onward(line, message);
  }

  /** A response goes where the Via below ours came from; which connection that was is said in ours. */
  #back(line: Line, { start, fields, body }: PhoneMessage): void {
    const [own = '', ...below] = viasOf(fields);
    const branch = branchOf(own);
    const to = this.#lines.get(Number(branch.slice(branch.lastIndexOf('.') + 1)));
    if (!/^SIP\/2\.0 1/.test(start)) line.asked.delete(`${branch} ${methodOf(fields)}`);
    if (to !== undefined) write(to, start, [...below.map(via), ...without(fields, 'via')], body);
  }

  #onward(line: Line, request: PhoneMessage): void {
    const [method = '', uri = ''] = request.start.split(' ');
    const vias = viasOf(request.fields);
    const spokenAt = Number(/^\S+\s+[^;]*:(\d+)/.exec(vias[0] ?? '')?.[1]);
    if (new Set(this.#trunks.values()).has(spokenAt)) this.#spoke.set(spokenAt, line);
    if (method === 'REGISTER') {
      const user = addressOf(fieldOf(request, 'to'));
      if (fieldOf(request, 'expires') === '0') this.#phones.delete(user);
      else this.#phones.set(user, line);
      answer(line, request, '200 OK');
      return;
    }
    const [, user, where = '', port] = /^sips?:(?:([^@;]*)@)?([^:;>]+)(?::(\d+))?/.exec(uri) ?? [];
    if (user === undefined && method === 'OPTIONS') {
      answer(line, request, '200 OK');
      return;
    }
    const to =
      where === host && port !== undefined && new Set(this.#trunks.values()).has(Number(port))
        ? this.#trunkAt(Number(port))
        : this.#reach(user ?? '', where);
    const isAck = method === 'ACK';
    if (to === undefined) {
      if (!isAck) answer(line, request, '404 Not Found');
      return;
    }
    // The same again for what is repeated, and for what cancels it.
    const branch = `${branchOf(vias[0] ?? '')}.${String(line.id)}`;
    const begins = ['INVITE', 'SUBSCRIBE'].includes(method) && tagOf(fieldOf(request, 'to')) === undefined;
    if (!isAck) to.asked.set(`${branch} ${method}`, { request, by: line });
    const at = `${host}:${String(this.#port)}`;
    write(
      to,
      request.start,
      [
        ...[`SIP/2.0/TCP ${at};branch=${branch}`, ...vias].map(via),
        ...(begins ? [['record-route', `<sip:${at};transport=tcp;lr>`] as const] : []),
        // All of them are ours: nobody else is on the way.
        ...without(request.fields, 'via', 'route'),
      ],
      request.body,
    );
  }

  #reach(user: string, where: string): Line | undefined {
    const phone = this.#phones.get(`${user}@${where === host ? this.domain : where}`);
    const trunk = this.#trunks.get(`${user}@${where}`);
    return phone ?? (trunk === undefined ? undefined : this.#trunkAt(trunk));
  }

  /** The connection by which a trunk spoke, while it lasts; else one to where it listens. */
  #trunkAt(port: number): Line {
    const known = this.#spoke.get(port);
    if (known !== undefined && !known.socket.destroyed) return known;
    const line = this.#take(connect(port, host));
    this.#spoke.set(port, line);
    return line;
  }
}

function answer(line: Line, request: PhoneMessage, status: string): void {
  const copied = ['via', 'from', 'to', 'call-id', 'cseq'].flatMap((name) =>
    request.fields
      .filter(([one]) => one === name)
      .map(([, value]) => [name, name === 'to' ? `${value};tag=exchange` : value] as const),
  );
  write(line, `SIP/2.0 ${status}`, copied, Buffer.alloc(0));
}

function write({ socket }: Line, start: string, fields: Fields, body: Buffer): void {
  if (socket.destroyed) return;
  const lines = without(fields, 'content-length').map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${start}\r\n${lines.join('')}content-length: ${String(body.length)}\r\n\r\n`;
  socket.write(Buffer.concat([Buffer.from(head), body]));
}

function viasOf(fields: Fields): readonly string[] {
  return fields.flatMap(([name, value]) => (name === 'via' ? value.split(/\s*,\s*/) : []));
}

function via(value: string): readonly [string, string] {
  return ['via', value];
}

function branchOf(value: string): string {
  return /;branch=([^;,\s]+)/.exec(value)?.[1] ?? '';
}

function methodOf(fields: Fields): string {
  return fields.find(([name]) => name === 'cseq')?.[1].split(/\s+/)[1] ?? '';
}

function without(fields: Fields, ...names: readonly string[]): Fields {
  return fields.filter(([name]) => !names.includes(name));
}
