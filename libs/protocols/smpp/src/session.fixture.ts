import { createConnection, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { encode } from './encode.js';
import type { Pdu, PduInput } from './pdu.js';
import { PduReader } from './pdu-reader.js';

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; call: () => void }[] = [];

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = until;
  }
}

/** Waits for a fact. */
export async function until(fact: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`never: ${fact.toString()}`);
    await turn();
  }
}

/** The other end of a connection, with nothing on it but what a test writes. */
export class RawPeer {
  readonly socket: Socket;
  /** What came, in its order. */
  readonly heard: Pdu[] = [];
  readonly #reader = new PduReader();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let read = this.#reader.next(); read !== undefined; read = this.#reader.next()) {
        if ('fault' in read) throw read.fault;
        this.heard.push(read.pdu);
      }
    });
  }

  say(...pdus: readonly PduInput[]): void {
    this.socket.write(Buffer.concat(pdus.map((pdu) => encode(pdu))));
  }

  /** What came of one kind, as soon as so many have come. */
  async next<C extends Pdu['command']>(command: C, count = 1): Promise<Pdu<C>[]> {
    const found = (): Pdu<C>[] => this.heard.filter((pdu) => pdu.command === command) as Pdu<C>[];
    await until(() => found().length >= count);
    return found();
  }

  /** Answers each request of a kind from now on. */
  answers(command: 'submit_sm', reply: (request: Pdu<'submit_sm'>) => PduInput): void {
    let done = 0;
    this.socket.on('data', () => {
      for (; done < this.heard.length; done++) {
        const pdu = this.heard[done];
        if (pdu?.command === command) this.say(reply(pdu));
      }
    });
  }
}

/** Two ends of a connection over loopback. */
export async function connection(): Promise<[here: Socket, there: Socket]> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const there = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const here = createConnection(address.port, '127.0.0.1');
  await new Promise<void>((ready) => here.once('connect', ready));
  const both: [Socket, Socket] = [here, await there];
  server.close();
  return both;
}
