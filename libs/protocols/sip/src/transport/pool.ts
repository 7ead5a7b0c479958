import { isWildcard, localAddressTo, socketType } from './addresses.js';
import { connectTo } from './connect.js';
import type { Flow } from './flow.js';
import { StreamListener, type ListenLimits } from './listener.js';
import { NotSent, type Hop, type Listening, type ListenWhere } from './places.js';
import type { Ports } from './ports.js';
import type { StreamFlow } from './stream.js';
import { UdpSocket } from './udp.js';

/** How long it is believed which address of ours faces another, in milliseconds. */
const routeMs = 30_000;
const mostRoutes = 1_024;

/** A UDP port on which somebody asked us to listen. */
class UdpListening implements Listening {
  readonly transport = 'udp';
  readonly host: string;
  readonly port: number;
  readonly socket: UdpSocket;

  constructor(socket: UdpSocket) {
    this.socket = socket;
    this.host = socket.local.address;
    this.port = socket.local.port;
  }

  close(): Promise<void> {
    return this.socket.close();
  }
}

/** All ports and connections of a stack, shared by its users. */
export class Pool {
  readonly #ports: Ports;
  readonly #limits: ListenLimits;
  /** By the address of ours. */
  readonly #udp = new Map<string, Promise<UdpSocket>>();
  readonly #connections = new Map<string, Promise<StreamFlow>>();
  readonly #listening = new Set<Listening>();
  readonly #routes = new Map<string, { readonly local: Promise<string>; readonly until: number }>();
  readonly #closing = new AbortController();

  constructor(ports: Ports, limits: ListenLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /** @throws the system's error where the port cannot be had. */
  async listen(where: ListenWhere): Promise<Listening> {
    const listening =
      where.transport === 'udp'
        ? new UdpListening(await UdpSocket.bind(where.host, where.port, this.#ports))
        : await StreamListener.listen(where, this.#limits, this.#ports);
    if (this.#closing.signal.aborted) await listening.close();
    this.#listening.add(listening);
    return listening;
  }

  /**
   * The flow to a hop: the one that stands, or a new one.
   * @param signal gives up waiting; others who wait for the same connection are not touched.
   * @throws NotSent
   */
  async flowTo(hop: Hop, signal?: AbortSignal): Promise<Flow> {
    if (this.#closing.signal.aborted) throw new NotSent('the stack is closed');
    if (signal?.aborted === true) throw new NotSent('given up');
    if (hop.transport === 'udp') return this.#udpFlow(hop);
    const connection = this.#connection(hop);
    if (signal === undefined) return connection;
    let giveUp = (): void => undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      giveUp = () => {
        reject(new NotSent('given up'));
      };
      signal.addEventListener('abort', giveUp);
    });
    try {
      return await Promise.race([connection, aborted]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const connections = await Promise.allSettled(this.#connections.values());
    for (const made of connections) if (made.status === 'fulfilled') made.value.end('the stack is closed');
    const sockets = await Promise.allSettled(this.#udp.values());
    await Promise.all([
      ...sockets.map(async (made) => {
        if (made.status === 'fulfilled') await made.value.close();
      }),
      ...[...this.#listening].map((listening) => listening.close()),
    ]);
  }

  async #udpFlow({ address, port, from }: Hop): Promise<Flow> {
    if (from instanceof UdpListening && from.socket.isOpen && fits(from.host, address)) {
      return from.socket.flowTo({ address, port });
    }
    try {
      const local = await this.#localTo(address);
      const socket = await this.#socketAt(local);
      return socket.flowTo({ address, port });
    } catch (error) {
      throw NotSent.from(error);
    }
  }

  #socketAt(local: string): Promise<UdpSocket> {
    const known = this.#udp.get(local);
    if (known !== undefined) return known;
    const made = UdpSocket.bind(local, 0, this.#ports);
    this.#udp.set(local, made);
    made.catch(() => this.#udp.delete(local));
    return made;
  }

  #localTo(remote: string): Promise<string> {
    const now = this.#ports.clock.monotonic();
    const known = this.#routes.get(remote);
    if (known !== undefined && known.until > now) return known.local;
    for (const oldest of this.#routes.keys()) {
      if (this.#routes.size < mostRoutes) break;
      this.#routes.delete(oldest);
    }
    const local = localAddressTo(remote);
    local.catch(() => this.#routes.delete(remote));
    this.#routes.set(remote, { local, until: now + routeMs });
    return local;
  }

  async #connection(hop: Hop): Promise<StreamFlow> {
    const key = [hop.transport, hop.address, hop.port, hop.from?.host ?? '', hop.tls?.key ?? ''].join(' ');
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const forget = (): void => {
      if (this.#connections.get(key) === made) this.#connections.delete(key);
    };
    const made = connectTo(hop, this.#ports, this.#closing.signal, forget);
    this.#connections.set(key, made);
    made.catch(forget);
    return made;
  }
}

/** Whether a port bound to one address can send to another. */
function fits(local: string, remote: string): boolean {
  if (socketType(local) !== socketType(remote)) return false;
  const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
  return isWildcard(local) || isLoopback(remote) || !isLoopback(local);
}
