/* The sockets of the sandbox: who comes, and who is asked whether they are still there. */
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Connection } from './connection.js';
import { el, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { World } from './world.js';
import { listen, shut } from '../listen.js';

/** The listening side. It can be shut and opened again on the same ports. */
export class Door {
  readonly #world: World;
  readonly #came: (connection: Connection) => void;
  #servers: Server[] = [];
  #pulse: NodeJS.Timeout | undefined;
  readonly #here = new Set<Connection>();
  port: number;
  tlsPort: number;

  constructor(world: World, came: (connection: Connection) => void) {
    this.#world = world;
    this.#came = came;
    this.port = world.options.port ?? 0;
    this.tlsPort = world.options.tlsPort ?? 0;
  }

  async open(): Promise<void> {
    const { tls, pingEveryMs = 120_000 } = this.#world.options;
    const plain = createServer((socket) => {
      this.#welcome(new Connection(this.#world, socket, false));
    });
    this.#servers.push(plain);
    this.port = await listen(plain, this.port);
    if (tls !== undefined) {
      const secure = createTlsServer(
        { cert: tls.certificate, key: tls.key, ALPNProtocols: ['xmpp-client'] },
        (socket) => {
          this.#welcome(new Connection(this.#world, socket, true));
        },
      );
      secure.on('tlsClientError', () => {
        // A client that does not like our certificate goes; that is its affair.
      });
      this.#servers.push(secure);
      this.tlsPort = await listen(secure, this.tlsPort);
    }
    this.#pulse = setInterval(
      () => {
        this.#ask(pingEveryMs);
      },
      Math.min(1_000, pingEveryMs),
    );
    this.#pulse.unref();
  }

  /** Nobody can come any more, and all are gone, without a word. */
  async shut(): Promise<void> {
    clearInterval(this.#pulse);
    const closed = shut(this.#servers.splice(0));
    for (const { pipe } of this.#here) pipe.cut();
    await closed;
  }

  #welcome(connection: Connection): void {
    this.#here.add(connection);
    this.#came(connection);
  }

  #ask(everyMs: number): void {
    for (const one of [...this.#here]) {
      if (one.pipe.isClosed) this.#here.delete(one);
      const silent = this.#world.now() - one.lastHeard;
      if (silent > 2 * everyMs) one.end('connection-timeout');
      else if (silent > everyMs && one.session !== undefined && !one.wasAsked) {
        one.wasAsked = true;
        one.give(this.#question(one.session.full));
      }
    }
  }

  #question(to: string): Element {
    const world = this.#world;
    return el(
      'iq',
      { xmlns: ns.client, type: 'get', id: world.nextId('ping-'), from: world.domain, to },
      el('ping', ns.ping),
    );
  }
}
