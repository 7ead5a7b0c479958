import { createServer, connect, type Server, type Socket } from 'node:net';

/** Where a proxy, or a network, is reached. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Stands between a session and its network and does to the connection what wires and middleboxes do: cuts it, holds it
 * half open, slows it, splits it, speaks into it. Bytes are passed on as they are, so TLS goes through (but nothing can
 * then be spoken into it that makes sense inside).
 */
export class FaultProxy implements Endpoint, AsyncDisposable {
  readonly host = '127.0.0.1';
  /** How many connections were accepted, ever. */
  connects = 0;
  private taken = 0;
  private listener: Server | undefined;
  private readonly pairs = new Set<Pair>();
  private readonly manners: Manners = {
    piece: undefined,
    bytesPerSecond: undefined,
    frozen: false,
    swallow: false,
  };

  private constructor(private readonly network: Endpoint) {}

  static async start(network: Endpoint): Promise<FaultProxy> {
    const proxy = new FaultProxy(network);
    await proxy.listen();
    return proxy;
  }

  get port(): number {
    return this.taken;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.pairs.size;
  }

  /** Listens (again, on the same port). */
  async listen(): Promise<void> {
    if (this.listener) return;
    const listener = createServer({ noDelay: true }, (client) => {
      this.connects++;
      const pair = new Pair(client, connect({ ...this.network, noDelay: true }), this.manners, () => {
        this.pairs.delete(pair);
      });
      this.pairs.add(pair);
    });
    this.listener = listener;
    await new Promise<void>((ready, fail) => {
      listener.once('error', fail).listen(this.taken, this.host, ready);
    });
    const address = listener.address();
    if (address !== null && typeof address === 'object') this.taken = address.port;
  }

  /** Takes no new connection: the port is unreachable. Those that are open stay. */
  async deafen(): Promise<void> {
    const { listener } = this;
    if (!listener) return;
    this.listener = undefined;
    listener.close();
    await new Promise((closed) => setImmediate(closed));
  }

  /** Ends every connection: `rst` as by a dead machine, `fin` as by one that closes its socket. */
  cut(how: 'rst' | 'fin'): void {
    for (const pair of [...this.pairs]) pair.cut(how);
  }

  /** Holds every connection half open, new ones too: nothing passes, nothing closes. */
  freeze(): void {
    this.manners.frozen = true;
  }

  /** Everything passes again; what was held goes first. */
  thaw(): void {
    this.manners.frozen = false;
    for (const pair of this.pairs) pair.thaw();
  }

  /** Swallows what the client says from now on: it left, and never arrives. */
  swallow(on: boolean): void {
    this.manners.swallow = on;
  }

  /** Passes at most so many bytes a second each way; undefined: as fast as it goes. */
  slow(bytesPerSecond: number | undefined): void {
    this.manners.bytesPerSecond = bytesPerSecond;
  }

  /** Cuts everything into pieces of so many bytes, each written on its own; undefined: as it comes. */
  split(bytes: number | undefined): void {
    this.manners.piece = bytes;
  }

  /**
   * Speaks bytes to every client, as if the network had. Resolves when they are handed over, or cannot be any more
   * because the client has gone: so a flood of any length stays within its reader's pace.
   */
  async inject(bytes: Uint8Array): Promise<void> {
    await Promise.all([...this.pairs].map((pair) => pair.inject(bytes)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deafen();
    this.cut('rst');
  }
}

interface Manners {
  piece: number | undefined;
  bytesPerSecond: number | undefined;
  frozen: boolean;
  swallow: boolean;
}

/** How often a slow connection moves. */
const tickMs = 5;

/** One connection through the proxy: two sockets, two pumps. */
class Pair {
  private over = false;
  private readonly frozen: (() => void)[] = [];
  private readonly waits = new Set<() => void>();

  constructor(
    private readonly client: Socket,
    private readonly network: Socket,
    private readonly manners: Manners,
    private readonly ended: () => void,
  ) {
    for (const socket of [client, network]) {
      socket.setNoDelay(true);
      socket.on('error', () => {
        this.cut('rst');
      });
      socket.on('close', () => {
        this.wakeAll();
      });
    }
    void this.pump(client, network, true);
    void this.pump(network, client, false);
  }

  cut(how: 'rst' | 'fin'): void {
    if (this.over) return;
    this.over = true;
    for (const socket of [this.client, this.network]) {
      if (how === 'rst') socket.resetAndDestroy();
      else {
        socket.end();
        // Whoever is told of the end and does not end is not waited for.
        socket.destroySoon();
      }
    }
    this.wakeAll();
    this.ended();
  }

  thaw(): void {
    for (const go of this.frozen.splice(0)) go();
  }

  async inject(bytes: Uint8Array): Promise<void> {
    await this.write(this.client, bytes);
  }

  private async pump(from: Socket, to: Socket, outward: boolean): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (outward && this.manners.swallow) continue;
        for (let at = 0; at < chunk.length;) {
          await this.unfrozen();
          const size = this.pieceSize();
          await this.write(to, chunk.subarray(at, at + size));
          at += size;
          if (this.manners.bytesPerSecond !== undefined) await this.pause(tickMs);
          else if (this.manners.piece !== undefined) await new Promise((turn) => setImmediate(turn));
        }
      }
      await this.unfrozen();
      this.cut('fin');
    } catch {
      this.cut('rst');
    }
  }

  private pieceSize(): number {
    const { piece = Infinity, bytesPerSecond } = this.manners;
    const allowed =
      bytesPerSecond === undefined ? Infinity : Math.max(1, Math.floor((bytesPerSecond * tickMs) / 1_000));
    return Math.min(piece, allowed);
  }

  private unfrozen(): Promise<void> {
    if (!this.manners.frozen || this.over) return Promise.resolve();
    return new Promise((go) => {
      this.frozen.push(go);
      this.waits.add(go);
    });
  }

  private write(to: Socket, bytes: Uint8Array): Promise<void> {
    if (this.over || to.destroyed || to.write(bytes)) return Promise.resolve();
    return new Promise((drained) => {
      const done = () => {
        to.off('drain', done);
        this.waits.delete(done);
        drained();
      };
      this.waits.add(done);
      to.on('drain', done);
    });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((over) => {
      const timer = setTimeout(done, ms);
      const { waits } = this;
      function done(): void {
        clearTimeout(timer);
        waits.delete(done);
        over();
      }
      waits.add(done);
    });
  }

  private wakeAll(): void {
    for (const go of [...this.waits]) go();
    this.waits.clear();
  }
}
