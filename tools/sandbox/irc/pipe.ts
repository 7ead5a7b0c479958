/* The socket of one client, with everything that can go wrong with one. */
import type { Socket } from 'node:net';

/** Past so many unsent bytes a server gives a client up (SendQ exceeded). */
const mostUnsent = 64 * 1024 * 1024;

export interface PipeHandler {
  line(bytes: Buffer): void;
  closed(): void;
}

/** How the pipe treats what is written. */
export type Pace =
  | { readonly kind: 'usual' }
  /** Nothing leaves any more, and nothing is read. */
  | { readonly kind: 'deaf' }
  /** Each byte in a packet of its own. */
  | { readonly kind: 'bytes' }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number };

export class Pipe {
  readonly #socket: Socket;
  readonly #handler: PipeHandler;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: Buffer[] = [];
  #pace: Pace = { kind: 'usual' };
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #isEnding = false;
  isClosed = false;

  constructor(socket: Socket, handler: PipeHandler) {
    this.#socket = socket;
    this.#handler = handler;
    socket
      .setNoDelay(true)
      .on('data', (chunk: Buffer) => {
        this.#read(chunk);
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
        handler.closed();
      });
  }

  get unsent(): number {
    return this.#socket.writableLength + this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (pace.kind === 'deaf') this.#socket.pause();
    else this.#socket.resume();
    this.#schedule();
  }

  /** Bytes as they are; written together at the end of this turn. */
  write(bytes: Buffer): void {
    if (this.isClosed || this.#isEnding) return;
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
        this.#isScheduled = false;
        this.#pump();
      }, afterMs);
    });
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // RFC 1459 says CR LF; every server takes a lone LF too.
    for (let end = this.#rest.indexOf(0x0a); end !== -1; end = this.#rest.indexOf(0x0a)) {
      const line = this.#rest.subarray(0, this.#rest[end - 1] === 0x0d ? end - 1 : end);
      this.#rest = this.#rest.subarray(end + 1);
      if (!this.#isEnding) this.#handler.line(line);
    }
    if (this.#rest.length > 16_384) this.#rest = Buffer.alloc(0);
  }
}
