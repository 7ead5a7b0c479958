import { afterEach, describe, expect, it } from '@jest/globals';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buildMessage } from '../build.js';
import type { Incoming } from '../incoming.js';
import { aRequest, aStack, closeAll, hopTo, longestTurnOf, ManualClock, until } from '../stack.fixture.js';
import { usualTimers } from '../timers.js';
import type { Hop } from './places.js';
import { isStun, readStun, stunAnswer, stunRequest } from './stun.js';

const ends: (() => void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await closeAll();
});

/** A connection with nothing on it but what a test writes. */
async function rawClient({
  address,
  port,
}: Hop): Promise<{ socket: Socket; text: () => string; isOver: () => boolean }> {
  const socket = connect(port, address);
  return rawEnd(socket, new Promise((resolve) => socket.once('connect', resolve)));
}

async function rawEnd(
  socket: Socket,
  stands: Promise<unknown>,
): Promise<{ socket: Socket; text: () => string; isOver: () => boolean }> {
  let heard = '';
  let isOver = false;
  socket.on('error', () => undefined);
  socket.on('close', () => (isOver = true));
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  ends.push(() => socket.destroy());
  await stands;
  return { socket, text: () => heard, isOver: () => isOver };
}

/** A port that others connect to, with nothing behind it. */
async function rawServer(): Promise<{ hop: Hop; sockets: Socket[]; server: Server }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { hop: { transport: 'tcp', address: '127.0.0.1', port }, sockets, server };
}

async function rawUdp(): Promise<{ socket: UdpSocket; hop: Hop; heard: Buffer[] }> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  ends.push(() => socket.close());
  const heard: Buffer[] = [];
  socket.on('message', (bytes) => heard.push(bytes));
  return { socket, hop: { transport: 'udp', address: '127.0.0.1', port: socket.address().port }, heard };
}

let branches = 0;

function rawMessage(body = '', port = 9): Buffer {
  const request = aRequest('MESSAGE', body);
  branches++;
  request.headers.prepend(
    'via',
    `SIP/2.0/TCP 127.0.0.1:${String(port)};branch=z9hG4bKraw${String(branches)}`,
  );
  return buildMessage(request);
}

describe('a connection', () => {
  it('brings messages in whatever pieces, and answers pings', async () => {
    const { stack, asked } = aStack();
    const { socket, text } = await rawClient(await hopTo(stack, 'tcp'));
    const bytes = Buffer.concat([
      rawMessage('one'),
      Buffer.from('\r\n\r\n'),
      rawMessage('two'),
      rawMessage('three'),
    ]);
    for (let at = 0; at < bytes.length; at += 7) {
      socket.write(bytes.subarray(at, at + 7));
      if (at % 70 === 0) await new Promise(setImmediate);
    }
    await until(() => asked.length === 3);
    expect(asked.map(({ request }) => request.body.toString())).toEqual(['one', 'two', 'three']);
    await until(() => text() === '\r\n');
  });

  it('is ended when nobody can say where the next message begins', async () => {
    const faults: string[] = [];
    const { stack, asked } = aStack({ onFault: ({ reason }) => faults.push(reason) });
    const { socket, text, isOver } = await rawClient(await hopTo(stack, 'tcp'));
    const broken = rawMessage('Hello')
      .toString()
      .replace(/Content-Length: \d+/, 'Content-Length: many');
    socket.write(broken);
    socket.write(rawMessage('never read'));
    await until(isOver);
    expect(text()).toMatch(/^SIP\/2\.0 400 /);
    expect(faults).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it('is cut when a message that has begun is not whole in time, and not while messages come', async () => {
    const clock = new ManualClock();
    const { stack, asked } = aStack({ clock });
    const hop = await hopTo(stack, 'tcp');
    const [silent, slow, busy] = await Promise.all([rawClient(hop), rawClient(hop), rawClient(hop)]);
    const message = rawMessage('Hello');
    const half = Math.floor(message.length / 2);
    slow.socket.write(message.subarray(0, half));
    busy.socket.write(Buffer.concat([message, message.subarray(0, half)]));
    await until(() => asked.length === 1);
    clock.advance(usualTimers.amidMs / 2);
    busy.socket.write(Buffer.concat([message.subarray(half), rawMessage('more'), message.subarray(0, half)]));
    slow.socket.write(message.subarray(half, half + 1));
    await until(() => asked.length === 2);
    clock.advance(usualTimers.amidMs / 2);
    await until(() => silent.isOver() && slow.isOver());
    expect(busy.isOver()).toBe(false);
    clock.advance(usualTimers.amidMs);
    await until(busy.isOver);
  });

  it('is one of so many that others may make, in all and from one address', async () => {
    const { stack } = aStack({ limits: { connectionsPerAddress: 2 } });
    const hop = await hopTo(stack, 'tcp');
    const [first, second] = await Promise.all([rawClient(hop), rawClient(hop)]);
    const third = await rawClient(hop);
    await until(third.isOver);
    expect([first.isOver(), second.isOver()]).toEqual([false, false]);
    first.socket.destroy();
    await until(first.isOver);
    // As soon as the other side has seen it go.
    for (let stands = false; !stands;) {
      const next = await rawClient(hop);
      next.socket.write('\r\n\r\n');
      await until(() => next.isOver() || next.text() !== '');
      stands = next.text() !== '';
    }
  });

  it('is closed when nothing went over it for long, unless somebody holds it', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const [one, other] = [await rawServer(), await rawServer()];
    const idle = await stack.flowTo(one.hop);
    const held = await stack.flowTo(other.hop);
    held.ended(() => undefined);
    clock.advance(usualTimers.idleMs - 1);
    expect(idle.isOpen).toBe(true);
    clock.advance(2);
    expect([idle.isOpen, held.isOpen]).toEqual([false, true]);
    expect((await stack.flowTo(one.hop)).id).not.toBe(idle.id);
    expect((await stack.flowTo(other.hop)).id).toBe(held.id);
  });

  it('is dead when a peer that answered pings no longer does, or one that promised to', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const { hop, sockets } = await rawServer();
    const flow = await stack.flowTo(hop);
    await until(() => sockets.length === 1);
    const peer = await rawEnd(sockets[0] as Socket, Promise.resolve());
    const dead: string[] = [];
    const stop = flow.keepAlive({ everyMs: 30_000, outbound: false }, (why) => dead.push(why));
    clock.advance(30_000);
    await until(() => peer.text() === '\r\n\r\n');
    // It has never answered, and nobody said that it would.
    clock.advance(usualTimers.pongMs);
    expect(dead).toEqual([]);
    peer.socket.write('\r\n');
    const request = stack.request({ request: aRequest(), hops: [flow] });
    await until(() => peer.text().includes('MESSAGE'));
    clock.advance(30_000 + usualTimers.pongMs);
    expect(dead).toHaveLength(1);
    expect(flow.isOpen).toBe(false);
    stop();
    await request;
    const promised = await stack.flowTo(hop);
    promised.keepAlive({ everyMs: 30_000, outbound: true }, (why) => dead.push(why));
    clock.advance(30_000);
    clock.advance(usualTimers.pongMs);
    expect(dead).toHaveLength(2);
    promised.keepAlive({ everyMs: 30_000, outbound: true }, (why) => dead.push(why));
    expect(dead).toHaveLength(3);
  });

  it('is given up when a request had its time and nothing at all was heard, so that the next is not lost too', async () => {
    const clock = new ManualClock();
    const { stack, asked } = aStack({ clock });
    const [silent, lively] = [await rawServer(), await rawServer()];
    const flows = [await stack.flowTo(silent.hop), await stack.flowTo(lively.hop)];
    await until(() => lively.sockets.length === 1);
    const timers = clock.count;
    const asking = [silent, lively].map(({ hop }) => stack.request({ request: aRequest(), hops: [hop] }));
    await until(() => clock.count === timers + 2);
    clock.advance(16_000);
    // Not an answer, but a sign of life.
    lively.sockets[0]?.write(rawMessage());
    await until(() => asked.length === 1);
    clock.advance(16_000);
    for (const answer of await Promise.all(asking))
      expect(answer).toMatchObject({ why: 'timeout', left: true });
    expect(flows.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  });

  it('hurts nobody else when its peer takes nothing, and is cut', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const bob = aStack({ onRequest: (incoming) => void incoming.respond(200) });
    const { hop, sockets } = await rawServer();
    const flow = await stack.flowTo(hop);
    await until(() => sockets.length === 1);
    sockets[0]?.pause();
    const asking = Array.from({ length: 200 }, () =>
      stack.request({ request: aRequest('MESSAGE', 'x'.repeat(200_000)), hops: [flow] }),
    );
    const good = await stack.request({ request: aRequest(), hops: [await hopTo(bob.stack, 'tcp')] });
    expect(good.answer).toBe('response');
    clock.advance(usualTimers.stallMs);
    const answers = await Promise.all(asking);
    const left = answers.map((answer) => answer.answer === 'none' && answer.left);
    // What did not fit has not left; what was taken may have.
    expect(new Set(left)).toEqual(new Set([true, false]));
    expect(flow.isOpen).toBe(false);
  });

  it('that is gone is made anew for the response, to where the Via says (§18.2.2)', async () => {
    const { stack, asked } = aStack();
    const { hop, sockets } = await rawServer();
    const { socket, isOver } = await rawClient(await hopTo(stack, 'tcp'));
    socket.write(rawMessage('Hello', hop.port));
    await until(() => asked.length === 1);
    const [incoming] = asked as [Incoming];
    socket.destroy();
    await until(() => isOver() && !incoming.flow.isOpen);
    incoming.respond(200);
    await until(() => sockets.length === 1);
    const { text } = await rawEnd(sockets[0] as Socket, Promise.resolve());
    await until(() => text().startsWith('SIP/2.0 200'));
  });

  it('is made once for all who wait for it, and each may stop waiting', async () => {
    const { stack } = aStack();
    const { hop, sockets } = await rawServer();
    const giveUp = new AbortController();
    const [first, second] = [stack.flowTo(hop, giveUp.signal), stack.flowTo(hop)];
    giveUp.abort();
    await expect(first).rejects.toMatchObject({ name: 'NotSent' });
    expect((await second).isOpen).toBe(true);
    await until(() => sockets.length === 1);
  });

  it('that does not stand in time has carried nothing', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const { hop } = await rawServer();
    // It takes connections, and no TLS.
    const tls = { key: '', options: {} };
    const asking = stack.request({ request: aRequest(), hops: [{ ...hop, transport: 'tls', tls }] });
    await until(() => clock.count > 0);
    clock.advance(usualTimers.connectMs);
    expect(await asking).toMatchObject({ why: 'not-sent', left: false, code: 'ETIMEDOUT' });
  });
});

describe('a UDP port', () => {
  it('answers STUN, which keeps a way through a NAT open and shows that it is', async () => {
    const clock = new ManualClock();
    const bob = aStack();
    const { stack } = aStack({ clock });
    const flow = await stack.flowTo(await hopTo(bob.stack));
    const dead: string[] = [];
    flow.keepAlive({ everyMs: 20_000, outbound: true }, (why) => dead.push(why));
    const resting = clock.count;
    for (let round = 0; round < 3; round++) {
      clock.advance(20_000);
      // What waited for the answer no longer does.
      await until(() => clock.count === resting);
    }
    expect(dead).toEqual([]);
    await bob.stack.close();
    clock.advance(20_000 + usualTimers.pongMs);
    expect(dead).toEqual(['the peer no longer answers keepalives']);
  });

  it('is dead when the peer sees us at another address, for nobody finds us at the old one', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const { socket, hop, heard } = await rawUdp();
    const flow = await stack.flowTo(hop);
    const dead: string[] = [];
    flow.keepAlive({ everyMs: 20_000, outbound: true }, (why) => dead.push(why));
    const resting = clock.count;
    const answer = (port: number): void => {
      const id = readStun(heard.at(-1) ?? Buffer.alloc(20))?.id ?? '';
      socket.send(stunAnswer(id, { address: '192.0.2.1', port }), flow.local.port, flow.local.address);
    };
    for (const port of [1_000, 1_000, 1_001]) {
      expect(dead).toEqual([]);
      const before = heard.length;
      clock.advance(20_000);
      await until(() => heard.length > before);
      answer(port);
      await until(() => clock.count <= resting);
    }
    expect(dead).toEqual(['the peer sees us at another address']);
  });

  it('sends ends of lines where the peer has promised nothing, and asks for nothing', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({ clock });
    const { hop, heard } = await rawUdp();
    const flow = await stack.flowTo(hop);
    const dead: string[] = [];
    const stop = flow.keepAlive({ everyMs: 20_000, outbound: false }, (why) => dead.push(why));
    clock.advance(200_000);
    await until(() => heard.length >= 10);
    expect(heard.every((bytes) => bytes.toString() === '\r\n')).toBe(true);
    stop();
    expect(clock.count).toBe(0);
    await stack.close();
    expect(dead).toEqual([]);
  });

  it('reads and writes the addresses of STUN, of both kinds', () => {
    const id = '0102030405060708090a0b0c';
    const mapped = (address: string, port: number): string | undefined =>
      readStun(stunAnswer(id, { address, port }))?.mapped;
    // RFC 5769 §2.2, 2.3: the addresses of its test vectors.
    expect(mapped('192.0.2.1', 32_853)).toBe('8055c0000201');
    expect(mapped('2001:db8:1234:5678:11:2233:4455:6677', 32_853)).toBe(
      '805520010db8123456780011223344556677',
    );
    expect(mapped('::1', 1)).toBe(`0001${'0'.repeat(31)}1`);
    expect(isStun(rawMessage())).toBe(false);
    expect(readStun(stunRequest(Buffer.alloc(12)))).toMatchObject({ isRequest: true });
    for (let length = 20; length < 32; length++) {
      expect(() =>
        readStun(stunAnswer(id, { address: '192.0.2.1', port: 1 }).subarray(0, length)),
      ).not.toThrow();
    }
  });
});

describe('hostile bytes', () => {
  it('never hold a turn for long, and never hold up others', async () => {
    const garbage = Buffer.from('\0\xff garbage\r\n\r\n'.repeat(50), 'latin1');
    const messages = Buffer.concat(Array.from({ length: 150 }, () => rawMessage('x'.repeat(20))));
    const datagram = rawMessage();
    const junk = Buffer.alloc(1_000_000, 'a: b\r\n');
    const flood = async (): Promise<void> => {
      const { stack } = aStack({ onRequest: (incoming) => void incoming.respond(200) });
      const [udp, tcp] = [await hopTo(stack), await hopTo(stack, 'tcp')];
      const { socket } = await rawUdp();
      const [first, ...others] = await Promise.all(Array.from({ length: 11 }, () => rawClient(tcp)));
      const answered = others.map(({ socket: stream }) => {
        let octets = 0;
        stream.on('data', ({ length }: Buffer) => (octets += length));
        return () => octets;
      });
      // All of it is there before any of it is read.
      first?.socket.write(junk);
      for (const { socket: stream } of others) stream.write(messages);
      const answering = aStack().stack.request({ request: aRequest(), hops: [tcp] });
      for (let index = 0; index < 1_000; index++) {
        socket.send(index % 2 === 0 ? garbage : datagram, udp.port);
        if (index % 20 === 0) await new Promise(setImmediate);
      }
      const answer = await answering;
      expect(answer.answer).toBe('response');
      const whole = (): number => others[0]?.text().split('SIP/2.0 200').length ?? 0;
      await until(() => whole() === 151 && new Set(answered.map((octets) => octets())).size === 1);
      await closeAll();
    };
    expect(await longestTurnOf(flood, 50)).toBeLessThan(50);
  });
});
