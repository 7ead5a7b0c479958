/* The way from clients to the server and back, on ports of loopback, with everything that can go wrong on one. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Pipe, type Pace } from '../pipe.js';
import { listen } from '../listen.js';
import type { SipMischief } from './options.js';

const host = '127.0.0.1';
/** Tries to find a port that is free for UDP and for TCP. */
const mostTries = 50;

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Where the server behind the gate listens. */
export interface Behind {
  readonly udp: number;
  readonly tcp: number;
  readonly tls: number | undefined;
}

export class Gate {
  readonly #behind: Behind;
  readonly #streams: Server[] = [];
  readonly #pipes = new Set<Pipe>();
  readonly #sockets = new Set<Socket>();
  /** By the client's port: the socket that stands for it towards the server. */
  readonly #ways = new Map<number, DatagramSocket>();
  #datagrams: DatagramSocket | undefined;
  #mischief: SipMischief = {};
  #chance: () => number = () => 1;
  /** Packets that were lost on purpose. */
  lost = 0;
  port = 0;
  tlsPort: number | undefined;

  private constructor(behind: Behind) {
    this.#behind = behind;
  }

  static async open(behind: Behind, port: number, tlsPort: number): Promise<Gate> {
    const gate = new Gate(behind);
    await gate.#listen(port);
    if (behind.tls !== undefined) gate.tlsPort = await gate.#carry(behind.tls, tlsPort);
    return gate;
  }

  set mischief(mischief: SipMischief) {
    this.#mischief = mischief;
    const { loses } = mischief;
    this.#chance = loses === undefined ? () => 1 : chanceOf(loses.seed);
    for (const pipe of this.#pipes) pipe.pace = this.#pace;
  }

  get #pace(): Pace {
    const { splits, slow, holds } = this.#mischief;
    if (holds === true) return { kind: 'hole' };
    if (slow !== undefined) return { kind: 'slow', bytesPerSecond: slow };
    return splits === true ? { kind: 'bytes' } : { kind: 'usual' };
  }

  /** Ends all connections with a reset, and forgets all clients by UDP. */
  cut(): void {
    for (const pipe of this.#pipes) pipe.cut();
    for (const way of this.#ways.values()) way.close();
    this.#ways.clear();
  }

  async close(): Promise<void> {
    this.cut();
    for (const socket of this.#sockets) socket.destroy();
    const datagrams = this.#datagrams;
    this.#datagrams = undefined;
    await Promise.all([
      new Promise<void>((done) => {
        if (datagrams === undefined) done();
        else datagrams.close(done);
      }),
      ...this.#streams.splice(0).map((server) => new Promise((done) => server.close(done))),
    ]);
  }

  async #listen(wanted: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      const port = await this.#carry(this.#behind.tcp, wanted);
      try {
        this.#datagrams = await bound(port);
        this.port = port;
        break;
      } catch (error) {
        await new Promise((done) => this.#streams.pop()?.close(done));
        if (wanted !== 0 || tries === mostTries) throw error;
      }
    }
    this.#datagrams.on('message', (bytes, { port }) => {
      if (this.#passes(bytes)) this.#wayOf(port).send(bytes, this.#behind.udp, host);
    });
  }

  /** Whether a packet survives the way. */
  #passes(bytes: Buffer): boolean {
    const { holds, loses } = this.#mischief;
    const passes = holds !== true && (loses === undefined || this.#chance() >= 1 / loses.of);
    if (!passes) this.lost++;
    return passes && bytes.length > 0;
  }

  #wayOf(client: number): DatagramSocket {
    const known = this.#ways.get(client);
    if (known !== undefined) return known;
    const way = createSocket('udp4');
    this.#ways.set(client, way);
    way.on('message', (bytes) => {
      const { garbage, repeats } = this.#mischief;
      if (garbage === true) this.#datagrams?.send('SIP/2.0 nonsense\r\n\0\r\n\r\n', client, host);
      for (let times = repeats === true ? 2 : 1; times > 0; times--) {
        if (this.#passes(bytes)) this.#datagrams?.send(bytes, client, host);
      }
    });
    return way;
  }

  /** Carries what comes to a port to another one, and back. */
  async #carry(to: number, port: number): Promise<number> {
    const server = createServer((client) => {
      const inner = connect(to, host).setNoDelay(true);
      const pipe = new Pipe(client, {
        bytes: (chunk) => {
          inner.write(chunk);
        },
        closed: () => {
          this.#pipes.delete(pipe);
          inner.destroy();
        },
      });
      this.#pipes.add(pipe);
      this.#sockets.add(inner);
      pipe.pace = this.#pace;
      inner
        .on('data', (chunk: Buffer) => {
          pipe.write(chunk);
        })
        .on('error', () => {
          pipe.cut();
        })
        .on('close', () => {
          this.#sockets.delete(inner);
          pipe.end();
        });
    });
    const given = await listen(server, port);
    this.#streams.push(server);
    return given;
  }
}

async function bound(port: number): Promise<DatagramSocket> {
  const socket = createSocket('udp4');
  await new Promise<void>((ready, fail) => {
    socket.once('error', fail).bind(port, host, ready);
  });
  return socket;
}
