/* The sockets of the sandbox: who comes, what they send, and who is asked whether they are still there. */
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { Client } from './client.js';
import { handle } from './commands.js';
import { lineCutter } from './line-cutter.js';
import type { World } from './world.js';
import { listen, shut } from '../listen.js';
import { Pipe } from '../pipe.js';

/** The listening side. It can be shut and opened again on the same ports. */
export class Door {
  readonly #world: World;
  #servers: Server[] = [];
  #pulse: NodeJS.Timeout | undefined;
  readonly #comers: Client[];
  port: number;
  tlsPort: number;

  /** @param before those who came to the door before this one. */
  constructor(world: World, before: readonly Client[] = []) {
    this.#world = world;
    this.#comers = [...before];
    this.port = world.options.port ?? 0;
    this.tlsPort = world.options.tlsPort ?? 0;
  }

  /** Every client that ever came, in order: what they sent is still there when they are gone. */
  get comers(): readonly Client[] {
    return this.#comers;
  }

  async open(): Promise<void> {
    const { tls, pingEveryMs = 120_000 } = this.#world.options;
    this.port = await this.#listen(
      createServer((socket) => {
        this.#welcome(socket);
      }),
      this.port,
    );
    if (tls !== undefined) {
      const server = createTlsServer(
        { cert: tls.certificate, key: tls.key, requestCert: true, rejectUnauthorized: false },
        (socket) => {
          this.#welcome(socket, socket);
        },
      );
      server.on('tlsClientError', () => {
        // A client that does not like our certificate goes; that is its affair.
      });
      this.tlsPort = await this.#listen(server, this.tlsPort);
      this.#world.tlsPort = this.tlsPort;
    }
    this.#pulse = setInterval(
      () => {
        this.#ask(pingEveryMs);
      },
      Math.min(1_000, pingEveryMs),
    );
    this.#pulse.unref();
  }

  /** Nobody can come any more, and all are gone. */
  async shut(): Promise<void> {
    clearInterval(this.#pulse);
    const closed = shut(this.#servers.splice(0));
    for (const client of this.#comers) client.carrier.cut();
    await closed;
  }

  #listen(server: Server, port: number): Promise<number> {
    this.#servers.push(server);
    return listen(server, port);
  }

  #welcome(socket: Socket, tls?: TLSSocket): void {
    const world = this.#world;
    const pipe = new Pipe(socket, {
      bytes: lineCutter((line) => {
        this.#line(client, line);
      }),
      closed: () => {
        this.#gone(client);
      },
    });
    const client = new Client(
      pipe,
      world.surroundings,
      world.options.host ?? socket.remoteAddress ?? 'localhost',
    );
    this.#comers.push(client);
    if (tls !== undefined) {
      client.isTls = true;
      const { raw } = tls.getPeerCertificate() as { raw?: Buffer };
      if (raw !== undefined) client.fingerprint = createHash('sha256').update(raw).digest('hex');
    }
    world.clients.add(client);
    if (world.refusal !== undefined) world.close(client, world.refusal);
  }

  #gone(client: Client): void {
    const world = this.#world;
    clearTimeout(client.waitTimer);
    if (!world.clients.delete(client)) return;
    client.isGone = true;
    if (client.isRegistered) world.quit(client, 'Connection closed');
    else if (world.user(client.nick) === client) world.users.delete(world.fold(client.nick));
  }

  #line(client: Client, bytes: Buffer): void {
    const world = this.#world;
    const { flood } = world.options;
    if (client.isGone) return;
    if (flood === undefined) {
      handle(world, client, bytes);
      return;
    }
    if (client.waiting.length > 0) {
      client.waiting.push(bytes);
      return;
    }
    if (client.maySpeak(flood, world.now())) handle(world, client, bytes);
    else if (flood.then === 'wait') {
      client.waiting.push(bytes);
      this.#later(client, flood);
    } else {
      client.heard.push(bytes.toString());
      world.close(client, 'Excess Flood');
    }
  }

  /** Lines that came too fast are dealt with one after the other, as their time comes ("fake lag"). */
  #later(client: Client, flood: { readonly burst: number; readonly perSecond: number }): void {
    client.waitTimer = setTimeout(() => {
      while (client.waiting.length > 0 && client.maySpeak(flood, this.#world.now())) {
        const next = client.waiting.shift();
        if (next !== undefined) handle(this.#world, client, next);
      }
      if (client.waiting.length > 0 && !client.isGone) this.#later(client, flood);
    }, 1_000 / flood.perSecond);
  }

  #ask(everyMs: number): void {
    const world = this.#world;
    for (const client of [...world.clients]) {
      const silent = world.now() - client.lastHeard;
      if (silent > 2 * everyMs)
        world.close(client, `Ping timeout: ${String(Math.round(silent / 1000))} seconds`);
      else if (silent > everyMs && client.isRegistered && !client.wasAsked) {
        client.wasAsked = true;
        client.deliver({ command: 'PING', params: [world.name] });
      }
    }
  }
}
