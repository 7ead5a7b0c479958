import { createServer, connect, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultProxy } from './fault-proxy.js';
import { until } from './until.js';

/** A network that says back what it hears, and a client that notes what it is told. */
describe('the fault proxy', () => {
  let echo: Server;
  let proxy: FaultProxy;
  const networkSide: Socket[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => {
      networkSide.push(socket);
      socket.on('error', () => undefined).pipe(socket);
    });
    await new Promise<void>((ready) => echo.listen(0, '127.0.0.1', ready));
    const address = echo.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy = await FaultProxy.start({ host: '127.0.0.1', port: address.port });
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const socket of networkSide.splice(0)) socket.destroy();
    await new Promise((closed) => echo.close(closed));
  });

  async function client() {
    const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true });
    const seen = { chunks: [] as Buffer[], end: undefined as string | undefined };
    socket
      .on('data', (chunk) => seen.chunks.push(chunk))
      .on('end', () => (seen.end ??= 'fin'))
      .on('error', (error: NodeJS.ErrnoException) => (seen.end ??= error.code));
    await until('connected', () => socket.readyState === 'open' && proxy.open === 1);
    return { socket, text: () => Buffer.concat(seen.chunks).toString(), seen };
  }

  it('passes bytes on as they are, both ways', async () => {
    const { socket, text } = await client();
    socket.write('hello');
    await until('the answer', () => text() === 'hello');
    expect(proxy.connects).toBe(1);
    socket.destroy();
    await until('closed on both sides', () => proxy.open === 0);
  });

  it('cuts with a reset, and with an orderly end', async () => {
    const one = await client();
    proxy.cut('rst');
    await until('the reset', () => one.seen.end === 'ECONNRESET');
    const two = await client();
    proxy.cut('fin');
    await until('the end', () => two.seen.end === 'fin');
    expect(proxy.open).toBe(0);
  });

  it('holds a connection half open and lets everything go when it thaws', async () => {
    const { socket, text, seen } = await client();
    socket.write('one');
    await until('the answer', () => text() === 'one');
    proxy.freeze();
    socket.write('two');
    await new Promise((quiet) => setTimeout(quiet, 30));
    expect(text()).toBe('one');
    expect(seen.end).toBeUndefined();
    proxy.thaw();
    await until('the rest', () => text() === 'onetwo');
  });

  it('can be cut while it is frozen', async () => {
    const { socket, seen } = await client();
    proxy.freeze();
    socket.write('lost');
    proxy.cut('rst');
    await until('the reset', () => seen.end === 'ECONNRESET');
  });

  it('splits at every byte', async () => {
    proxy.split(1);
    const { socket, text, seen } = await client();
    const said = 'é👩‍👩‍👧 at every byte';
    socket.write(said);
    await until('the answer', () => text() === said);
    const bytes = Buffer.byteLength(said);
    expect(seen.chunks.length).toBeGreaterThan(bytes / 2);
  });

  it('passes no more bytes a second than it is told', async () => {
    proxy.slow(20_000);
    const { socket, text } = await client();
    const started = performance.now();
    socket.write('x'.repeat(2_000));
    await until('all of it', () => text().length === 2_000);
    expect(performance.now() - started).toBeGreaterThan(80);
  });

  it('swallows what the client says', async () => {
    const { socket, text } = await client();
    proxy.swallow(true);
    socket.write('gone');
    await new Promise((quiet) => setTimeout(quiet, 20));
    proxy.swallow(false);
    socket.write('here');
    await until('the second', () => text() === 'here');
  });

  it('speaks to the client in the place of the network', async () => {
    const { text } = await client();
    await proxy.inject(Buffer.from('from nowhere'));
    await until('it is heard', () => text() === 'from nowhere');
  });

  it('is unreachable when deaf and reachable again on the same port', async () => {
    await proxy.deafen();
    const socket = connect({ host: proxy.host, port: proxy.port });
    const code = await new Promise((refused) =>
      socket.once('error', (error: NodeJS.ErrnoException) => {
        refused(error.code);
      }),
    );
    expect(code).toBe('ECONNREFUSED');
    await proxy.listen();
    const { socket: again } = await client();
    again.destroy();
  });
});
