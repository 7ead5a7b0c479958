import type { EphemeralFrame, EventFrame } from './shapes/events.js';
import { ServerFrame, type ClientFrame } from './shapes/events.js';
import { closeCodes } from './values.js';
import type { ResetReason } from './words.js';

/** As much of a WebSocket as is needed; a browser's and that of `ws` both fit. */
export interface SocketLike {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** Opens a WebSocket with request headers: `(url, headers) => new WebSocket(url, { headers })` with `ws`. */
export type OpenSocket = (url: string, headers: Readonly<Record<string, string>>) => SocketLike;

export type StreamItem =
  | { readonly kind: 'event'; readonly frame: EventFrame }
  | { readonly kind: 'ephemeral'; readonly ephemeral: EphemeralFrame }
  /** Begin again with a snapshot; nothing follows. */
  | { readonly kind: 'reset'; readonly reason: ResetReason };

type Distribute<T> = T extends unknown ? Omit<T, 'id'> : never;
export type StreamRequest = Distribute<ClientFrame>;

/** The server does not let us in, or let us go for good: its close code and reason. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  constructor(
    readonly code: number,
    readonly reason: string,
  ) {
    super(`the stream was closed with ${String(code)}: ${reason}`);
  }
}

/** A request on the stream was refused, or went down with its connection. */
export class StreamRequestFailed extends Error {
  override readonly name = 'StreamRequestFailed';
  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

const final: ReadonlySet<number> = new Set([
  closeCodes.invalid,
  closeCodes.notSignedIn,
  closeCodes.notAllowed,
]);
/** The server says something at least every 15 s; three times that in silence is a dead connection. */
const silenceMs = 45_000;
const firstPauseMs = 250;
const longestPauseMs = 15_000;
/** What a slow consumer may leave lying; past it the connection is dropped, and later resumed where the consumer is. */
const maxLying = 10_000;

interface Options {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly since?: string;
  readonly openSocket?: OpenSocket;
  readonly check?: boolean;
}

interface Waiting {
  done(answer: Readonly<Record<string, unknown>>): void;
  failed(why: Error): void;
}

function openGlobalSocket(url: string): SocketLike {
  const Socket = (globalThis as { readonly WebSocket?: new (url: string) => SocketLike }).WebSocket;
  if (!Socket) throw new TypeError('there is no global WebSocket here: give openSocket to the client');
  return new Socket(url);
}

/**
 * The event log as an endless iterable, resumed by cursor over any number of connections. One consumer.
 *
 * The cursor moves when an item is taken, not when it arrives, so what was lying here when a connection or the program
 * ended is asked for again. A frame whose `prev` is not our cursor shows a hole: the connection is dropped and the log
 * asked for again from the cursor, so that the consumer sees no gap and no double.
 */
export class EventStream implements AsyncIterable<StreamItem>, Disposable {
  readonly #options: Options;
  readonly #lying: StreamItem[] = [];
  readonly #watches = new Map<string, StreamRequest>();
  readonly #waiting = new Map<number, Waiting>();
  #socket: SocketLike | undefined;
  #open = false;
  /** The cursor of the last item that was taken. */
  #taken: string | undefined;
  /** The cursor of the last frame that arrived on this connection. */
  #arrived: string | undefined;
  #pauseMs = firstPauseMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended: 'no' | 'after-items' | 'now' = 'no';
  #refused: StreamRefused | undefined;
  #wake: (() => void) | undefined;
  #lastRequest = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#taken = options.since;
    this.#connect();
  }

  /** Where the consumer is; undefined until the first word of a stream that began "from now on". */
  get cursor(): string | undefined {
    return this.#taken;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StreamItem> {
    try {
      for (;;) {
        const item = this.#lying.shift();
        if (item) {
          if (item.kind === 'event') this.#taken = item.frame.cursor;
          yield item;
          if (item.kind === 'reset') return;
        } else if (this.#refused) {
          throw this.#refused;
        } else if (this.#ended !== 'no') {
          return;
        } else {
          await new Promise<void>((wake) => {
            this.#wake = wake;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  /**
   * Asks something on the open connection. A watch is asked again on every later connection, until it is unwatched.
   * @throws StreamRequestFailed where it is refused or the connection goes first.
   */
  async request(request: StreamRequest): Promise<Readonly<Record<string, unknown>>> {
    if (request.request === 'watch') this.#watches.set(watchKey(request), request);
    if (request.request === 'unwatch') this.#watches.delete(watchKey(request));
    if (!this.#socket || !this.#open) {
      if (request.request === 'watch' || request.request === 'unwatch') return {};
      throw new StreamRequestFailed('not-connected', 'the stream is not connected at the moment');
    }
    return await this.#ask(this.#socket, request);
  }

  close(): void {
    if (this.#ended === 'now') return;
    this.#ended = 'now';
    clearTimeout(this.#timer);
    this.#drop('closed by the client');
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #ask(socket: SocketLike, request: StreamRequest): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastRequest;
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      socket.send(JSON.stringify({ id, ...request }));
    });
  }

  #connect(): void {
    const url = new URL(this.#options.url);
    // What lies here unread will still be taken: go on behind it.
    this.#arrived = this.#lastLying() ?? this.#taken;
    if (this.#arrived !== undefined) url.searchParams.set('since', this.#arrived);
    const socket = (this.#options.openSocket ?? openGlobalSocket)(url.href, this.#options.headers);
    this.#socket = socket;
    this.#watchSilence(socket);
    socket.addEventListener('open', () => {
      if (this.#socket !== socket) return;
      this.#open = true;
      for (const watch of this.#watches.values()) this.#ask(socket, watch).catch(() => undefined);
    });
    socket.addEventListener('message', (event) => {
      if (this.#socket === socket) this.#hear(socket, event.data);
    });
    socket.addEventListener('close', (event) => {
      if (this.#socket === socket) this.#lost(event.code, event.reason);
    });
    // An error is always followed by a close; a listener must be there all the same, or `ws` throws.
    socket.addEventListener('error', () => undefined);
  }

  #lastLying(): string | undefined {
    const last = this.#lying.findLast((item) => item.kind === 'event');
    return last?.frame.cursor;
  }

  #hear(socket: SocketLike, data: unknown): void {
    this.#watchSilence(socket);
    let frame: ServerFrame;
    try {
      const said: unknown = JSON.parse(String(data));
      frame = this.#options.check === true ? ServerFrame.parse(said) : (said as ServerFrame);
    } catch {
      this.#again('a frame that is none');
      return;
    }
    this.#pauseMs = firstPauseMs;
    this.#take(frame);
  }

  #take(frame: ServerFrame): void {
    if ('event' in frame) {
      if (this.#arrived !== undefined && frame.prev !== this.#arrived) {
        this.#again('a hole before this frame');
        return;
      }
      this.#arrived = frame.cursor;
      this.#put({ kind: 'event', frame });
    } else if ('heartbeat' in frame) {
      this.#arrived = frame.heartbeat.cursor;
      if (this.#lastLying() === undefined) this.#taken = frame.heartbeat.cursor;
    } else if ('reset' in frame) {
      this.#ended = 'after-items';
      this.#put({ kind: 'reset', reason: frame.reset.reason });
      this.#drop('reset');
    } else if ('ephemeral' in frame) {
      this.#put({ kind: 'ephemeral', ephemeral: frame.ephemeral });
    } else {
      const { id } = 'answer' in frame ? frame.answer : frame.error;
      const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
      if (typeof id === 'number') this.#waiting.delete(id);
      if ('answer' in frame) waiting?.done(frame.answer);
      else waiting?.failed(new StreamRequestFailed(frame.error.code, frame.error.detail));
    }
  }

  #put(item: StreamItem): void {
    if (this.#lying.length >= maxLying) {
      this.#again('the consumer is slow');
      return;
    }
    this.#lying.push(item);
    this.#wake?.();
  }

  /** Lets the connection go and comes again after a pause. */
  #again(why: string): void {
    this.#drop(why);
    if (this.#ended === 'no') this.#retry();
  }

  #lost(code: number, reason: string): void {
    this.#drop('lost');
    if (this.#ended !== 'no') return;
    if (final.has(code)) {
      this.#refused = new StreamRefused(code, reason);
      this.#wake?.();
      return;
    }
    this.#retry();
  }

  #retry(): void {
    clearTimeout(this.#timer);
    const pause = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    this.#timer = setTimeout(() => {
      // A consumer that has not caught up is waited for, instead of being buried again.
      if (this.#lying.length >= maxLying / 2) this.#retry();
      else this.#connect();
    }, pause);
  }

  #drop(why: string): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    socket?.close(1000, why);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) {
      one.failed(new StreamRequestFailed('connection-lost', 'the connection went before the answer'));
    }
  }

  #watchSilence(socket: SocketLike): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#socket === socket) this.#again('silence');
    }, silenceMs);
  }
}

function watchKey(request: StreamRequest): string {
  return 'conversation' in request ? (request.conversation ?? 'roster') : 'roster';
}
