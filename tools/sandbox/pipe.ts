/* The socket of one client, with everything that can go wrong with one. */
import type { Socket } from 'node:net';

/** Past so many unsent bytes a server gives a client up (SendQ exceeded). */
const mostUnsent = 64 * 1024 * 1024;

export interface PipeHandler {
  bytes(chunk: Buffer): void;
  closed(): void;
}

/** How the pipe treats what is written. */
export type Pace =
  | { readonly kind: 'usual' }
  /** Nothing leaves any more, and nothing is read. */
  | { readonly kind: 'deaf' }
  /** What comes is taken and lost, and what leaves is lost: a middlebox that has forgotten the connection. */
  | { readonly kind: 'hole' }
  /** Each byte in a packet of its own. */
  | { readonly kind: 'bytes' }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number };

export class Pipe {
  #socket: Socket;
  readonly #handler: PipeHandler;
  #waiting: Buffer[] = [];
  #pace: Pace = { kind: 'usual' };
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #isEnding = false;
  isClosed = false;

  constructor(socket: Socket, handler: PipeHandler) {
    this.#socket = socket;
    this.#handler = handler;
    socket.setNoDelay(true);
    this.#attach(socket);
  }

  /** Goes on over another socket that was made of this one: what comes over TLS after STARTTLS. */
  upgrade(make: (socket: Socket) => Socket): void {
    const plain = this.#socket;
    if (this.#waiting.length > 0) plain.write(Buffer.concat(this.#waiting.splice(0)));
    plain.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close');
    this.#socket = make(plain);
    this.#attach(this.#socket);
  }

  #attach(socket: Socket): void {
    socket
      .on('data', (chunk: Buffer) => {
        if (!this.#isEnding && this.#pace.kind !== 'hole') this.#handler.bytes(chunk);
      })
      .on('error', () => {
        socket.destroy();
      })
      .on('end', () => {
        socket.end();
      })
      .on('close', () => {
        this.isClosed = true;
        clearTimeout(this.#timer);
        this.#handler.closed();
      });
  }

  get unsent(): number {
    return this.#socket.writableLength + this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    if (this.#timer !== undefined && !this.#isEnding) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#isScheduled = false;
    }
    if (pace.kind === 'deaf') this.#socket.pause();
    else this.#socket.resume();
    this.#schedule();
  }

  /** Bytes as they are; written together at the end of this turn. */
  write(bytes: Buffer): void {
    if (this.isClosed || this.#isEnding || this.#pace.kind === 'hole') return;
    this.#waiting.push(bytes);
    this.#schedule();
  }

  /** Says what is left and closes in order. */
  end(): void {
    if (this.#isEnding || this.isClosed) return;
    this.#isEnding = true;
    if (this.#pace.kind === 'deaf') return;
    this.#socket.end(Buffer.concat(this.#waiting.splice(0)));
    // A client that never closes its side must not keep us.
    this.#timer = setTimeout(() => {
      this.#socket.destroy();
    }, 1_000).unref();
  }

  /** Ends at once, with a reset. */
  cut(): void {
    if ('encrypted' in this.#socket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#pace.kind === 'deaf') return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.isClosed || this.#isEnding || this.#waiting.length === 0) return;
    switch (this.#pace.kind) {
      case 'usual': {
        this.#socket.write(Buffer.concat(this.#waiting.splice(0)));
        if (this.#socket.writableLength > mostUnsent) this.cut();
        return;
      }
      case 'bytes':
        this.#portion(1, 0);
        return;
      case 'slow':
        this.#portion(Math.max(1, Math.ceil(this.#pace.bytesPerSecond / 50)), 20);
        return;
      case 'deaf':
      case 'hole':
    }
  }

  /** Writes a little and comes back for more when that is with the kernel. */
  #portion(size: number, afterMs: number): void {
    const all = Buffer.concat(this.#waiting.splice(0));
    const rest = all.subarray(size);
    if (rest.length > 0) this.#waiting.push(rest);
    this.#isScheduled = true;
    this.#socket.write(all.subarray(0, size), () => {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#isScheduled = false;
        this.#pump();
      }, afterMs);
    });
  }
}
