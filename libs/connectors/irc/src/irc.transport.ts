/*
 * The socket under a connection: TCP or TLS with the account's own authority, lines in, lines out. Everything that is
 * written to an IRC server goes through `write`: there and nowhere else is a line made
 * harmless (CR, LF and NUL taken out), so no text, topic or target can smuggle in a second line.
 *
 * Bounded both ways: paused, it hands on nothing and soon reads nothing; `backlog` says how much the peer has not
 * taken, and who writes at will (not PONG) waits for `drained`. Long bursts are handed on in slices, so that one
 * flooding server does not hold up the others.
 */
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { distrust, Slice, socketFailure, tlsOptions, whereTo, type TlsSettings } from '#connector/session';
import { failure, type Failure } from '#model';
import { LineReader, tooLong } from './line-reader.js';

/** 8,191 bytes of tags and 512 of message are allowed (IRCv3 message-tags); more is granted, but not without end. */
const longestLine = 16_384;
/** Tags that a client may send, and what a line holds where the server says nothing else. */
const mostTagBytes = 4_094;
/** What a peer may leave unread before even PONG is kept back: it is not listening. */
const deafBacklog = 262_144;
/** Lines handed on before others get their turn. */
const slice = 200;
/** And the time they may take: what is cheap for most lines may be dear for those of a server that means harm. */
const sliceMs = 15;

export interface WireHandler {
  opened(): void;
  line(text: string): void;
  /** A burst of lines has been handed on: whatever they led to can go out together. */
  lull(): void;
  drained(): void;
  /** Once, last: why it ended; without a failure the peer or we closed it in order. */
  closed(why: Failure | undefined): void;
}

export interface WireOptions extends TlsSettings {
  /** Where it was found: the only places we connect to. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly tls: boolean;
  /** Of lines that are not UTF-8 (a WHATWG name). */
  readonly encoding: string;
}

export class Wire {
  readonly #options: WireOptions;
  readonly #handler: WireHandler;
  readonly #reader: LineReader;
  #socket: Socket | undefined;
  #open = false;
  #paused = false;
  #pumping = false;
  readonly #slice = new Slice(sliceMs, () => {
    this.#flow();
  });
  #socketClosed = false;
  #over = false;
  #why: Failure | undefined;
  /** Longest line the server takes, in bytes with its end. */
  lineLength = 512;

  constructor(options: WireOptions, handler: WireHandler) {
    this.#options = options;
    this.#reader = new LineReader(longestLine, options.encoding);
    this.#handler = handler;
  }

  open(): void {
    const { host, port, tls, addresses } = this.#options;
    const where = whereTo(host, port, addresses);
    const secured = tls ? tlsOptions(this.#options) : undefined;
    if (secured !== undefined && 'code' in secured) {
      // A text that is no certificate. Told later, as every failure is: whoever opens the wire is not ready yet.
      setImmediate(() => {
        this.#end(secured);
      });
      return;
    }
    const socket = this.#connect(where, secured);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket
      .on('data', (chunk) => {
        this.#reader.push(chunk);
        this.#pump();
      })
      .on('drain', () => {
        if (!this.#over) this.#handler.drained();
      })
      .on('error', (error) => {
        this.#why ??= socketFailure(error);
      })
      .on('close', () => {
        this.#socketClosed = true;
        this.#pump();
      });
  }

  /** Writes one line. CR, LF and NUL do not pass, and a line that is too long is cut before a character, not in it. */
  write(line: string, written?: () => void): void {
    const socket = this.#socket;
    if (!this.#open || this.#over || socket === undefined || socket.destroyed) {
      if (written) setImmediate(written);
      return;
    }
    if (socket.writableLength > deafBacklog) {
      this.destroy(failure('timeout', 'The server does not read what we send.'));
      return;
    }
    // The lines of one turn leave together.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => {
        socket.uncork();
      });
    }
    socket.write(`${fitted(harmless(line), this.lineLength)}\r\n`, () => {
      written?.();
    });
  }

  /** Bytes written that the peer has not taken yet. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow();
  }

  /** Closes after what has been written. */
  finish(): void {
    this.#socket?.end();
  }

  /** Closes now. */
  destroy(why?: Failure): void {
    this.#why ??= why;
    this.#end(this.#why);
  }

  #connect(where: TcpNetConnectOpts, secured: ConnectionOptions | undefined): Socket {
    if (secured === undefined) {
      return connectTcp(where, () => {
        this.#opened();
      });
    }
    const socket = connectTls({ ...where, ...secured }, () => {
      this.#secured(socket);
    });
    return socket;
  }

  /** The handshake is done: nothing has been said yet, and nothing will be to a server that is not trusted. */
  #secured(socket: TLSSocket): void {
    const why = distrust(socket, this.#options);
    if (why === undefined) this.#opened();
    else this.#end(why);
  }

  #opened(): void {
    if (this.#over) return;
    this.#open = true;
    this.#handler.opened();
  }

  #flow(): void {
    this.#pump();
    // The lines at hand may have led to the next pause.
    if (!this.#isPaused() && !this.#slice.isPostponed) this.#socket?.resume();
  }

  #pump(): void {
    if (this.#pumping || this.#over) return;
    this.#pumping = true;
    this.#slice.begin();
    let handed = 0;
    while (!this.#isPaused() && !this.#slice.isUsedUp()) {
      const line = this.#reader.next();
      if (line === undefined) break;
      if (line === tooLong) {
        this.#pumping = false;
        this.#end(failure('protocol-violation', 'The server sent a line that is too long for IRC.'));
        return;
      }
      handed++;
      this.#handler.line(line);
      if (this.#isOver()) return;
      if (handed === slice) this.#slice.postpone();
    }
    if (handed > 0) this.#handler.lull();
    this.#pumping = false;
    if (this.#slice.isPostponed) {
      this.#socket?.pause();
    } else if (this.#socketClosed && !this.#isPaused()) {
      this.#end(this.#why);
    }
  }

  /** Asked anew after every line, because a line's handler may change it. */
  #isPaused(): boolean {
    return this.#paused;
  }

  #isOver(): boolean {
    return this.#over;
  }

  #end(why: Failure | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#open = false;
    this.#socket?.destroy();
    this.#handler.closed(why);
  }
}

/** The one place where a line is made harmless. */
function harmless(line: string): string {
  return line.replace(/[\r\n\0]+/g, ' ');
}

/** A line that is not too long: tags and the rest have limits of their own. */
function fitted(line: string, lineLength: number): string {
  if (line.length * 3 <= lineLength - 2) return line;
  const tagsEnd = line.startsWith('@') ? line.indexOf(' ') + 1 : 0;
  const most = Math.min(tagsEnd, mostTagBytes) + lineLength - 2;
  const bytes = Buffer.from(line);
  if (bytes.length <= most) return line;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
