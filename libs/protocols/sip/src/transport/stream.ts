import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { StreamReader } from '../stream-reader.js';
import { Flow, type Place } from './flow.js';
import type { Ports } from './ports.js';
import { Pulse } from './pulse.js';

/** Octets that wait for a slow peer; more are not taken, and nothing of them has left. */
const mostQueued = 8_388_608;
/** As many on connections that others have made, for there may be many of those. */
const mostQueuedAccepted = 1_048_576;
/** So many octets are read before others have their turn. */
const quantum = 16_384;
/** How long the peer may take to end the connection too, in milliseconds. */
const lingerMs = 1_000;
const ping = Buffer.from('\r\n\r\n');
const pong = Buffer.from('\r\n');
let count = 0;

interface StreamOptions {
  /** Others made it: so it may be one that never says anything. */
  readonly isAccepted: boolean;
  /** Told before all who watch it; it does not hold the connection open. */
  readonly whenOver?: () => void;
}

/** One connection, TCP or TLS, whoever made it: requests and responses of both sides go over it. */
export class StreamFlow extends Flow {
  override readonly transport: 'tcp' | 'tls';
  override readonly id: string;
  override readonly local: Place;
  override readonly remote: Place;
  override readonly certificate: X509Certificate | undefined;
  override readonly isAuthorised: boolean;
  readonly #socket: Socket;
  readonly #ports: Ports;
  readonly #whenOver: (() => void) | undefined;
  readonly #reader: StreamReader;
  readonly #pulse: Pulse;
  readonly #waiting: Buffer[] = [];
  readonly #read = (): void => {
    this.#drain();
  };
  readonly #mostQueued: number;
  #isCorked = false;
  #isFirstDue: boolean;
  #usedAt: number;
  #heardAt = -1;
  #wholeAt = -1;
  #cancelAmid: (() => void) | undefined;
  #cancelStall: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;

  /**
   * @param socket connected, and nothing of it read yet.
   */
  constructor(socket: Socket, ports: Ports, { isAccepted, whenOver }: StreamOptions) {
    super();
    this.#whenOver = whenOver;
    this.#socket = socket;
    this.#ports = ports;
    const isTls = socket instanceof TLSSocket;
    this.transport = isTls ? 'tls' : 'tcp';
    count++;
    this.id = `${this.transport} ${String(count)}`;
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.certificate = isTls ? socket.getPeerX509Certificate() : undefined;
    this.isAuthorised = isTls && socket.authorized;
    this.#isFirstDue = isAccepted;
    this.#mostQueued = isAccepted ? mostQueuedAccepted : mostQueued;
    this.#usedAt = ports.clock.monotonic();
    this.#reader = this.#newReader();
    const line = {
      isStream: true,
      ping: () => void this.send(ping),
      pingAgain: () => void this.send(ping),
      dead: (why: string) => {
        this.cut(why);
      },
    };
    this.#pulse = new Pulse(ports.clock, ports.timers.pongMs, line);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Buffer) => {
      this.#heard(chunk);
    });
    socket.on('drain', () => {
      this.#cancelStall?.();
      this.#cancelStall = undefined;
    });
    socket.on('end', () => {
      this.end('the peer has ended the connection');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.end(error.code ?? error.message);
    });
    socket.on('close', () => {
      this.end('the connection is closed');
    });
    if (socket.destroyed) {
      this.end('the connection is closed');
      return;
    }
    if (isAccepted) this.#armAmid();
    this.#armIdle(ports.timers.idleMs);
  }

  override send(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (!this.isOpen || !socket.writable || socket.writableLength + bytes.length > this.#mostQueued)
      return false;
    this.#usedAt = this.#ports.clock.monotonic();
    // What is sent within one turn goes as one piece.
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    if (!socket.write(bytes)) this.#armStall();
    return true;
  }

  override unanswered(since: number): void {
    if (this.#heardAt < since) this.cut('the peer no longer answers');
  }

  /** Ends the connection; what has been written still goes out. */
  end(why: string): void {
    if (!this.isOpen) return;
    this.#ports.turn.forget(this.#read);
    this.#waiting.length = 0;
    for (const cancel of [this.#cancelAmid, this.#cancelStall, this.#cancelIdle]) cancel?.();
    this.#pulse.stop();
    this.#socket.end();
    this.#socket.resume();
    const cancel = this.#ports.clock.after(lingerMs, () => {
      this.#socket.destroy();
    });
    if (this.#socket.destroyed) cancel();
    else this.#socket.once('close', cancel);
    this.#whenOver?.();
    this.over(why);
  }

  /** Ends the connection at once; what waits to be written is lost. */
  cut(why: string): void {
    this.#socket.destroy();
    this.end(why);
  }

  protected override pulse(): Pulse {
    return this.#pulse;
  }

  protected override watched(): void {
    // The connection itself keeps it alive.
  }

  #newReader(): StreamReader {
    const ports = this.#ports;
    return new StreamReader({
      message: (message) => {
        this.#whole();
        if (this.isOpen) ports.message(message, this);
      },
      fault: (fault, request) => {
        this.#whole();
        if (this.isOpen) ports.fault(fault, request, this);
      },
      broken: (reason, fault, request) => {
        ports.fault(fault ?? { status: 400, reason }, request, this);
        this.end(reason);
      },
      ping: () => {
        this.#whole();
        this.send(pong);
      },
      pong: () => {
        this.#pulse.answered();
      },
    });
  }

  #heard(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.#heardAt = this.#ports.clock.monotonic();
    this.#usedAt = this.#heardAt;
    this.#waiting.push(chunk);
    if (this.#waiting.length === 1 && this.#ports.turn.may(this.#read)) this.#drain();
    // Read on only when this has been: it would only be kept.
    if (this.#waiting.length > 0) this.#socket.pause();
  }

  #drain(): void {
    const [chunk] = this.#waiting;
    if (chunk === undefined) return;
    if (chunk.length <= quantum) this.#waiting.shift();
    else this.#waiting[0] = chunk.subarray(quantum);
    this.#reader.push(chunk.subarray(0, quantum));
    if (!this.isOpen) return;
    this.#watchAmid();
    if (this.#waiting.length > 0) this.#ports.turn.later(this.#read);
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #whole(): void {
    this.#isFirstDue = false;
    this.#wholeAt = this.#ports.clock.monotonic();
  }

  #watchAmid(): void {
    if (this.#reader.isAmid || this.#isFirstDue) this.#armAmid();
    else {
      this.#cancelAmid?.();
      this.#cancelAmid = undefined;
    }
  }

  #armAmid(): void {
    const { clock, timers } = this.#ports;
    const since = clock.monotonic();
    this.#cancelAmid ??= clock.after(timers.amidMs, () => {
      this.#cancelAmid = undefined;
      // On a busy connection some message is always half here.
      if (this.#wholeAt > since) this.#armAmid();
      else this.cut('no whole message came in time');
    });
  }

  #armStall(): void {
    this.#cancelStall ??= this.#ports.clock.after(this.#ports.timers.stallMs, () => {
      this.cut('the peer takes nothing');
    });
  }

  #armIdle(ms: number): void {
    const { clock, timers } = this.#ports;
    this.#cancelIdle = clock.after(ms, () => {
      const left = this.#usedAt + timers.idleMs - clock.monotonic();
      if (this.isHeld) this.#armIdle(timers.idleMs);
      else if (left > 0) this.#armIdle(left);
      else this.end('nothing went over it for long');
    });
  }
}
