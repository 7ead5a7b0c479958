import { connect, type Socket } from 'node:net';
import type { SessionClock } from '#connector';
import { lookupAmong } from '#connector/session';
import { failure, type Failure } from '#model';
import { Lines } from './lines.js';
import {
  lineOf,
  longestLine,
  parseServerFrame,
  type ClientFrame,
  type ServerFrame,
} from './loopback.frames.js';
import { ProtocolViolation } from './readers.js';

/** Bytes that the peer has not read yet; past it nothing more is put on the wire for a while. */
const congestion = 1 << 20;

export interface WireOptions {
  readonly host: string;
  readonly port: number;
  /** Where the host was found, of which one is connected to. */
  readonly addresses: readonly string[];
  readonly connectMs: number;
  readonly pingMs: number;
}

/** What a wire tells its owner. After `ended`, which comes once, nothing more. */
export interface WireEvents {
  opened(): void;
  /** What one chunk of bytes held: at least one frame. */
  frames(frames: readonly ServerFrame[]): void;
  /** The peer reads again after congestion. */
  drained(): void;
  ended(why: Failure): void;
}

/** One connection: bytes to frames and back, silence noticed, an end that is told exactly once. */
export class Wire {
  private readonly socket: Socket;
  private readonly lines = new Lines(longestLine);
  private unsent: string[] = [];
  private flushing = false;
  private over = false;
  private paused = false;
  private pinged = false;
  private silence: (() => void) | undefined;

  constructor(
    private readonly options: WireOptions,
    private readonly clock: SessionClock,
    private readonly events: WireEvents,
  ) {
    const { host, port, addresses } = options;
    this.socket = connect({ host, port, lookup: lookupAmong(addresses), noDelay: true });
    this.silence = clock.after(options.connectMs, () => {
      this.end(failure('timeout', 'The network did not answer.'));
    });
    this.socket
      .on('connect', () => {
        this.listen();
        this.guarded(() => {
          this.events.opened();
        });
      })
      .on('data', (chunk) => {
        this.take(chunk);
      })
      .on('drain', () => {
        this.guarded(() => {
          this.events.drained();
        });
      })
      .on('error', (error: NodeJS.ErrnoException) => {
        this.end(failure(error.code === 'ETIMEDOUT' ? 'timeout' : 'network-unreachable'));
      })
      .on('close', () => {
        this.end(failure('network-unreachable', 'The network closed the connection.'));
      });
  }

  /** Puts a frame on the wire after all earlier ones. Frames of one turn leave in one write. */
  write(frame: ClientFrame): void {
    if (this.over) return;
    this.unsent.push(lineOf(frame));
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      const bytes = this.unsent.join('');
      this.unsent = [];
      if (!this.over) this.socket.write(bytes);
    });
  }

  /** Whether the peer has stopped reading: put nothing more on the wire until `drained`. */
  get congested(): boolean {
    return this.socket.writableLength > congestion;
  }

  /** Stops reading: the peer feels it, and our memory does not. */
  pause(): void {
    if (this.paused || this.over) return;
    this.paused = true;
    this.socket.pause();
    this.silence?.();
  }

  resume(): void {
    if (!this.paused || this.over) return;
    this.paused = false;
    this.socket.resume();
    this.listen();
  }

  /** Ends it at once; `ended` has been told when this returns. */
  end(why: Failure): void {
    if (this.over) return;
    this.over = true;
    this.silence?.();
    this.unsent = [];
    this.socket.destroy();
    this.events.ended(why);
  }

  private take(chunk: Buffer): void {
    if (this.over) return;
    this.listen();
    const frames: ServerFrame[] = [];
    let violation: string | undefined;
    try {
      for (const line of this.lines.take(chunk)) {
        const frame = parseServerFrame(line);
        if (frame.t === 'ping') this.write({ t: 'pong', k: frame.k });
        else if (frame.t !== 'pong') frames.push(frame);
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      violation = error.message;
    }
    this.guarded(() => {
      if (frames.length > 0) this.events.frames(frames);
    });
    if (violation !== undefined) {
      this.end(failure('protocol-violation', `The network broke its protocol: ${violation}.`));
    }
  }

  /** Begins to wait for the next byte: first a ping, then the end. Not while we are the ones who do not read. */
  private listen(): void {
    this.silence?.();
    this.silence = undefined;
    this.pinged = false;
    if (!this.paused) this.waitForBytes();
  }

  private waitForBytes(): void {
    this.silence = this.clock.after(this.options.pingMs, () => {
      if (this.pinged) {
        this.end(failure('timeout', 'The network fell silent.'));
        return;
      }
      this.pinged = true;
      this.write({ t: 'ping', k: 0 });
      this.waitForBytes();
    });
  }

  /** A mistake of ours ends this connection, never the process (DESIGN.md, law 9). */
  private guarded(work: () => void): void {
    if (this.over) return;
    try {
      work();
    } catch {
      this.end(failure('internal'));
    }
  }
}
