import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { bracketed, isWildcard, itself, localAddressNear, socketType } from './addresses.js';
import { Flow, type Place } from './flow.js';
import { Pulse } from './pulse.js';
import type { Ports } from './ports.js';
import { isStun, readStun, stunAnswer, stunRequest } from './stun.js';

/** Datagrams that wait for their turn; more are dropped, as the system would drop them. */
const mostWaiting = 4_096;
/** So many are read before others have their turn. */
const quantum = 32;
/** Octets that the system has not taken yet; more are not taken by us. */
const mostQueued = 8_388_608;
/** What the kernel is asked to keep for us of a burst; it gives what it may. */
const kernelBuffer = 4_194_304;
/** How long it is believed which of our addresses faces another, in milliseconds. */
const facingMs = 30_000;
const mostFacing = 1_024;
const crlf = Buffer.from('\r\n');

/** One UDP port of ours, for all who send from it. */
export class UdpSocket {
  readonly local: Place;
  readonly #socket: Socket;
  readonly #ports: Ports;
  readonly #waiting: [bytes: Buffer, from: RemoteInfo][] = [];
  /** By the other end: those that somebody watches, and their keepalives. */
  readonly #watched = new Set<UdpFlow>();
  readonly #pulses = new Map<string, UdpPulse>();
  readonly #read = (): void => {
    this.#drain();
  };
  /** Where it is bound to all addresses: which of them another sees. */
  readonly #facing = new Map<string, { readonly address: string; readonly until: number }>();
  #isOpen = true;

  private constructor(socket: Socket, ports: Ports) {
    this.#socket = socket;
    this.#ports = ports;
    const { address, port } = socket.address();
    this.local = { address, port };
    socket.on('message', (bytes, from) => {
      this.#heard(bytes, from);
    });
    // Of one datagram: it comes back as the failure of its sending.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed();
    });
  }

  /** @throws the system's error where the port cannot be had. */
  static async bind(address: string, port: number, ports: Ports): Promise<UdpSocket> {
    const type = socketType(address);
    // An IPv4 peer would have an address of both kinds on a socket of both.
    const socket = createSocket({ type, lookup: itself, ...(type === 'udp6' && { ipv6Only: true }) });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address, port, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    try {
      socket.setRecvBufferSize(kernelBuffer);
    } catch {
      // The usual size does too.
    }
    return new UdpSocket(socket, ports);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where another sees us. */
  localFacing(remote: string): Place {
    const { address, port } = this.local;
    if (!isWildcard(address)) return this.local;
    const now = this.#ports.clock.monotonic();
    const known = this.#facing.get(remote);
    if (known !== undefined && known.until > now) return { address: known.address, port };
    for (const oldest of this.#facing.keys()) {
      if (this.#facing.size < mostFacing) break;
      this.#facing.delete(oldest);
    }
    const near = localAddressNear(remote);
    this.#facing.set(remote, { address: near, until: now + facingMs });
    return { address: near, port };
  }

  flowTo(remote: Place): UdpFlow {
    return new UdpFlow(this, remote);
  }

  send(bytes: Buffer, { address, port }: Place, failed?: (why: string) => void): boolean {
    if (!this.#isOpen || this.#socket.getSendQueueSize() > mostQueued) return false;
    this.#socket.send(bytes, port, address, (error) => {
      if (error !== null) failed?.((error as NodeJS.ErrnoException).code ?? error.message);
    });
    return true;
  }

  pulseOf(flow: UdpFlow): Pulse {
    const key = keyOf(flow.remote);
    for (const [other, { pulse }] of this.#pulses) if (!pulse.isWanted) this.#pulses.delete(other);
    const known = this.#pulses.get(key) ?? new UdpPulse(this, flow.remote, this.#ports);
    this.#pulses.set(key, known);
    return known.pulse;
  }

  watch(flow: UdpFlow, isWatched: boolean): void {
    if (isWatched) this.#watched.add(flow);
    else this.#watched.delete(flow);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #heard(bytes: Buffer, from: RemoteInfo): void {
    if (this.#waiting.length === 0 && this.#ports.turn.may(this.#read)) this.#take(bytes, from);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push([bytes, from]);
  }

  #drain(): void {
    const { turn } = this.#ports;
    for (const [bytes, from] of this.#waiting.splice(0, quantum)) this.#take(bytes, from);
    if (this.#waiting.length > 0) turn.later(this.#read);
  }

  #take(bytes: Buffer, from: RemoteInfo): void {
    const remote = { address: from.address, port: from.port };
    if (isStun(bytes)) {
      const stun = readStun(bytes);
      if (stun?.isRequest === true) this.send(stunAnswer(stun.id, remote), remote);
      else if (stun !== undefined) this.#pulses.get(keyOf(remote))?.answered(stun);
      return;
    }
    this.#ports.datagram(bytes, this.flowTo(remote));
  }

  #closed(): void {
    this.#isOpen = false;
    this.#ports.turn.forget(this.#read);
    this.#waiting.length = 0;
    for (const { pulse } of this.#pulses.values()) pulse.stop();
    for (const flow of [...this.#watched]) flow.closed();
  }
}

/** Two UDP ports. It is made anew for each datagram: what is kept of it is kept by the socket. */
export class UdpFlow extends Flow {
  override readonly transport = 'udp';
  override readonly remote: Place;
  readonly #socket: UdpSocket;

  constructor(socket: UdpSocket, remote: Place) {
    super();
    this.#socket = socket;
    this.remote = remote;
  }

  override get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  override get id(): string {
    return `udp ${keyOf(this.#socket.local)} ${keyOf(this.remote)}`;
  }

  override get local(): Place {
    return this.#socket.localFacing(this.remote.address);
  }

  override send(bytes: Buffer, failed?: (why: string) => void): boolean {
    return this.#socket.send(bytes, this.remote, failed);
  }

  /**
   * Sends, and holds as little as it can: with finished transactions there are many of it.
   * @param port at the other end, if not the one that was heard from.
   */
  sender(port = this.remote.port): (bytes: Buffer) => void {
    return sendingTo(this.#socket, this.remote.address, port);
  }

  override unanswered(): void {
    // Where nothing is kept, nothing can be dead.
  }

  /** The port was closed. */
  closed(): void {
    this.over('the port is closed');
  }

  protected override pulse(): Pulse {
    return this.#socket.pulseOf(this);
  }

  protected override watched(isWatched: boolean): void {
    this.#socket.watch(this, isWatched);
  }
}

class UdpPulse {
  readonly pulse: Pulse;
  #id: Buffer = Buffer.alloc(12);
  #mapped: string | undefined;

  constructor(socket: UdpSocket, remote: Place, { clock, timers }: Ports) {
    const ask = (): void => void socket.send(stunRequest(this.#id), remote);
    const line = {
      isStream: false,
      // The port is good for others.
      dead: () => undefined,
      pingAgain: ask,
      ping: (outbound: boolean) => {
        this.#id = randomBytes(12);
        if (outbound) ask();
        else socket.send(crlf, remote);
      },
    };
    this.pulse = new Pulse(clock, timers.pongMs, line);
  }

  answered({ id, mapped }: { readonly id: string; readonly mapped?: string }): void {
    if (id !== this.#id.toString('hex')) return;
    this.pulse.answered();
    const before = this.#mapped;
    this.#mapped = mapped;
    // What we told others of where we are is wrong from now on (RFC 5626 §4.4.2).
    if (before !== undefined && mapped !== before) this.pulse.dead('the peer sees us at another address');
  }
}

function keyOf({ address, port }: Place): string {
  return `${bracketed(address)}:${String(port)}`;
}

function sendingTo(socket: UdpSocket, address: string, port: number): (bytes: Buffer) => void {
  return (bytes) => void socket.send(bytes, { address, port });
}
