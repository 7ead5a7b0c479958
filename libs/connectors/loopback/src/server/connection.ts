import type { Socket } from 'node:net';
import type { FloodProfile } from '#connector';
import { Bucket } from '../bucket.js';
import { Lines } from '../lines.js';
import {
  lineOf,
  longestLine,
  parseClientFrame,
  type ClientFrame,
  type ServerFrame,
} from '../loopback.frames.js';
import { ProtocolViolation } from '../readers.js';

/** One client's socket, as the server sees it. */
export class Connection {
  /** The name that logged in. */
  login: string | undefined;
  receipts = true;
  /** The last delivery sent to each attached name. */
  readonly sent = new Map<string, number>();
  private readonly lines = new Lines(longestLine);
  private unsent: string[] = [];
  private flushing = false;
  private paused = false;
  /** Dropped: what the client sent behind that is never read. */
  private dead = false;
  private bucket: Bucket | undefined;

  constructor(
    readonly number: number,
    private readonly socket: Socket,
    on: { frame(frame: ClientFrame): void; closed(): void },
  ) {
    socket
      .on('data', (chunk) => {
        try {
          for (const line of this.lines.take(chunk)) if (!this.dead) on.frame(parseClientFrame(line));
        } catch (error) {
          if (!(error instanceof ProtocolViolation)) throw error;
          this.bye('protocol-violation');
        }
      })
      .on('error', () => {
        socket.destroy();
      })
      .on('close', () => {
        on.closed();
      });
  }

  write(frame: ServerFrame): void {
    this.raw(lineOf(frame));
  }

  /** Any bytes at all, in their place among the frames. */
  raw(bytes: string | Uint8Array): void {
    if (typeof bytes !== 'string') {
      this.flush();
      if (!this.socket.destroyed) this.socket.write(bytes);
      return;
    }
    this.unsent.push(bytes);
    if (this.flushing || this.paused) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  /** Neither reads nor writes: to the client the network has fallen silent. */
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
    this.flush();
  }

  bye(code?: 'server-shutdown' | 'protocol-violation' | 'resource-conflict'): void {
    this.write({ t: 'bye', ...(code === undefined ? {} : { code }) });
    this.flush();
    this.socket.end();
  }

  drop(how: 'rst' | 'fin'): void {
    this.dead = true;
    this.paused = true;
    if (how === 'rst') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  end(): void {
    this.flush();
    this.socket.end();
  }

  /** Whether one more send is within a rate; and in how many milliseconds, if not. */
  waitMs(flood: FloodProfile, now: number): number {
    this.bucket ??= new Bucket(flood, now);
    return this.bucket.take(now) ? 0 : this.bucket.allowance(now).againInMs;
  }

  private flush(): void {
    if (this.paused || this.unsent.length === 0) return;
    const bytes = this.unsent.join('');
    this.unsent = [];
    if (!this.socket.destroyed) this.socket.write(bytes);
  }
}
