import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WebSocketServer, WebSocket as Ws } from 'ws';
import { ParleyClient } from './client.js';
import { EventStream, type SocketLike, type StreamItem } from './event-stream.js';

type Listener = (event: { data: unknown; code: number; reason: string }) => void;

/** A connection whose other end is the test. */
class FakeSocket implements SocketLike {
  readonly sent: Record<string, unknown>[] = [];
  closed = false;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(
    readonly url: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {}

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }

  open(): void {
    this.#tell('open', {});
  }
  say(frame: unknown): void {
    this.#tell('message', { data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
  drop(code = 1006, reason = ''): void {
    this.#tell('close', { code, reason });
  }
  get since(): string | null {
    return new URL(this.url).searchParams.get('since');
  }
  #tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      listener({ data: undefined, code: 0, reason: '', ...event });
    }
  }
}

const frame = (cursor: string, prev: string) => ({ cursor, prev, event: { type: 'job.changed' } });

describe('the stream of a client', () => {
  let sockets: FakeSocket[];
  let streams: EventStream[];
  beforeEach(() => {
    jest.useFakeTimers();
    sockets = [];
    streams = [];
  });
  afterEach(() => {
    for (const stream of streams) stream.close();
    jest.useRealTimers();
  });

  function open(since?: string): EventStream {
    const stream = new ParleyClient({
      url: 'https://example.org/parley',
      token: 'a-token',
      openSocket: (url, headers) => {
        const socket = new FakeSocket(url, headers);
        sockets.push(socket);
        return socket;
      },
    }).stream(since);
    streams.push(stream);
    return stream;
  }
  const socket = (at: number): FakeSocket => {
    const found = sockets[at];
    if (!found) throw new Error(`no connection ${String(at)}`);
    return found;
  };
  /** Lets the longest pause pass, so that a lost connection has been opened again. */
  const pause = () => jest.advanceTimersByTimeAsync(30_000);
  async function take(items: AsyncIterator<StreamItem>, count: number): Promise<string[]> {
    const taken: string[] = [];
    for (let n = 0; n < count; n++) {
      const next = await items.next();
      if (next.done === true) break;
      taken.push(next.value.kind === 'event' ? next.value.frame.cursor : next.value.kind);
    }
    return taken;
  }

  it('opens one connection with its token, from its cursor', () => {
    open('a5');
    expect(socket(0).url).toBe('wss://example.org/parley/v1/stream?since=a5');
    expect(socket(0).headers).toEqual({ authorization: 'Bearer a-token' });
  });

  it('gives events in order and goes on from the last one after a lost connection', async () => {
    const stream = open('a0');
    const items = stream[Symbol.asyncIterator]();
    socket(0).say(frame('a1', 'a0'));
    socket(0).say(frame('a4', 'a1'));
    expect(await take(items, 2)).toEqual(['a1', 'a4']);
    socket(0).drop();
    await pause();
    expect(socket(1).since).toBe('a4');
    socket(1).say(frame('a5', 'a4'));
    expect(await take(items, 1)).toEqual(['a5']);
    expect(stream.cursor).toBe('a5');
  });

  it('does not ask twice for what lies here untaken', async () => {
    const stream = open('a0');
    socket(0).say(frame('a1', 'a0'));
    socket(0).drop();
    await pause();
    expect(socket(1).since).toBe('a1');
    expect(stream.cursor).toBe('a0');
    expect(await take(stream[Symbol.asyncIterator](), 1)).toEqual(['a1']);
    expect(stream.cursor).toBe('a1');
  });

  it('learns from heartbeats how far there was nothing for it', async () => {
    const stream = open();
    expect(socket(0).since).toBeNull();
    socket(0).say({ heartbeat: { cursor: 'a9' } });
    expect(stream.cursor).toBe('a9');
    socket(0).drop();
    await pause();
    expect(socket(1).since).toBe('a9');
    socket(1).say(frame('aa', 'a9'));
    expect(await take(stream[Symbol.asyncIterator](), 1)).toEqual(['aa']);
  });

  it('takes no frame behind a hole, but asks again from where it is', async () => {
    const stream = open('a0');
    socket(0).say(frame('a1', 'a0'));
    socket(0).say(frame('a3', 'a2'));
    expect(socket(0).closed).toBe(true);
    await pause();
    expect(socket(1).since).toBe('a1');
    socket(1).say(frame('a2', 'a1'));
    socket(1).say(frame('a3', 'a2'));
    expect(await take(stream[Symbol.asyncIterator](), 3)).toEqual(['a1', 'a2', 'a3']);
  });

  it.each(['no JSON', '{"event":'])('lets a connection go that says %s', async (said) => {
    open('a0');
    socket(0).say(said);
    expect(socket(0).closed).toBe(true);
    await pause();
    expect(sockets).toHaveLength(2);
  });

  it('takes silence for a dead connection', async () => {
    open('a0');
    socket(0).open();
    await jest.advanceTimersByTimeAsync(40_000);
    socket(0).say({ heartbeat: { cursor: 'a0' } });
    await jest.advanceTimersByTimeAsync(40_000);
    expect(socket(0).closed).toBe(false);
    await jest.advanceTimersByTimeAsync(6_000);
    expect(socket(0).closed).toBe(true);
    expect(sockets).toHaveLength(2);
  });

  it('waits longer each time it is not let in, and no longer than some seconds', async () => {
    open('a0');
    const waited: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      socket(attempt).drop();
      let ms = 0;
      while (sockets.length === attempt + 1 && ms < 60_000) {
        await jest.advanceTimersByTimeAsync(25);
        ms += 25;
      }
      waited.push(ms);
    }
    expect(waited[0]).toBeLessThan(400);
    expect(Math.max(...waited)).toBeLessThan(22_600);
    expect(Math.min(...waited.slice(7))).toBeGreaterThan(7_400);
  });

  it('ends after a reset, when what came before it has been taken', async () => {
    const stream = open('a0');
    socket(0).say(frame('a1', 'a0'));
    socket(0).say({ reset: { reason: 'access' } });
    expect(await take(stream[Symbol.asyncIterator](), 5)).toEqual(['a1', 'reset']);
    await pause();
    expect(sockets).toHaveLength(1);
  });

  it.each([4400, 4401, 4403])('ends with an error when it is closed with %i', async (code) => {
    const stream = open('a0');
    socket(0).drop(code, 'the token was taken back');
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code });
    await pause();
    expect(sockets).toHaveLength(1);
  });

  it('ends when it is closed, also under a waiting consumer', async () => {
    const stream = open('a0');
    const next = stream[Symbol.asyncIterator]().next();
    stream.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(socket(0).closed).toBe(true);
  });

  it('bounds what a slow consumer leaves lying, and loses nothing by it', async () => {
    const stream = open('a0');
    const items = stream[Symbol.asyncIterator]();
    const cursor = (n: number): string => `a${n.toString(36)}`;
    for (let n = 1; n <= 10_001; n++) socket(0).say(frame(cursor(n), cursor(n - 1)));
    expect(socket(0).closed).toBe(true);
    await pause();
    expect(sockets).toHaveLength(1);
    expect((await take(items, 10_000)).at(-1)).toBe(cursor(10_000));
    await pause();
    expect(socket(1).since).toBe(cursor(10_000));
  });

  it('asks and is answered under an id', async () => {
    const stream = open('a0');
    await expect(stream.request({ request: 'ping' })).rejects.toMatchObject({ code: 'not-connected' });
    socket(0).open();
    const [answered, refused] = [stream.request({ request: 'ping' }), stream.request({ request: 'ping' })];
    const [first, second] = socket(0).sent;
    expect(first).toEqual({ id: expect.any(Number), request: 'ping' });
    socket(0).say({ error: { id: second?.['id'], code: 'not-found', detail: 'gone' } });
    socket(0).say({ answer: { id: first?.['id'], at: 'now' } });
    await expect(refused).rejects.toMatchObject({ code: 'not-found', message: 'gone' });
    expect(await answered).toEqual({ id: first?.['id'], at: 'now' });
    const lost = stream.request({ request: 'ping' });
    socket(0).drop();
    await expect(lost).rejects.toMatchObject({ code: 'connection-lost' });
  });

  it('watches again on every connection what it was told to watch', async () => {
    const conversation = '0190f0a0-0000-7000-8000-000000000001' as never;
    const stream = open('a0');
    await stream.request({ request: 'watch', roster: true });
    await stream.request({ request: 'watch', conversation });
    await stream.request({ request: 'unwatch', roster: true });
    socket(0).open();
    expect(socket(0).sent).toEqual([{ id: expect.any(Number), request: 'watch', conversation }]);
    socket(0).drop();
    await pause();
    socket(1).open();
    expect(socket(1).sent).toEqual([{ id: expect.any(Number), request: 'watch', conversation }]);
    socket(1).say({ ephemeral: { type: 'typing', conversation, active: true } });
    expect(await take(stream[Symbol.asyncIterator](), 1)).toEqual(['ephemeral']);
  });
});

describe('the stream of a client, over a real socket', () => {
  it('speaks through ws', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise<void>((ready) => {
      server.once('listening', ready);
    });
    const asked: (string | undefined)[] = [];
    server.on('connection', (socket, request) => {
      asked.push(request.headers.authorization, request.url);
      socket.send(JSON.stringify(frame('a1', 'a0')));
    });
    const { port } = server.address() as { port: number };
    const client = new ParleyClient({
      url: `http://127.0.0.1:${String(port)}`,
      token: 'a-token',
      openSocket: (url, headers) => new Ws(url, { headers }),
    });
    for await (const item of client.stream('a0')) {
      expect(item).toEqual({ kind: 'event', frame: frame('a1', 'a0') });
      break;
    }
    expect(asked).toEqual(['Bearer a-token', '/v1/stream?since=a0']);
    await new Promise((closed) => {
      server.close(closed);
    });
  });
});
