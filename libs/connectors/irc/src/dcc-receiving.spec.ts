import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundEvent, InboundMessage, Session } from '#connector';
import { ManualClock, TestContext } from '#connector/testing';
import { failure, newId } from '#model';
import { eventually, scriptedIrc } from '#peers';
import { Receiving } from './dcc-receiving.js';
import { offerOf } from './dcc.js';
import { createIrc } from './index.js';
import { partyOf } from './parties.js';

const loopback = 2_130_706_433;
const photo = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 31) % 251));

/** Somebody who sends files: does with each connection what it is told to. */
class Sender implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  /** What came back, of all connections. */
  acks = Buffer.alloc(0);
  ended = 0;
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(send: (socket: Socket) => void): Promise<Sender> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const sender = new Sender(server, address.port);
    server.on('connection', (socket) => {
      sender.sockets.push(socket);
      socket
        .on('data', (bytes) => (sender.acks = Buffer.concat([sender.acks, bytes])))
        .on('error', () => undefined)
        .on('end', () => socket.end())
        .on('close', () => sender.ended++);
      send(socket);
    });
    return sender;
  }

  get lastAck(): number | undefined {
    return this.acks.length < 4 ? undefined : this.acks.readUInt32BE(this.acks.length - 4);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }
}

interface Rig {
  readonly house: TestContext;
  readonly told: InboundMessage[];
  readonly receiving: Receiving;
  /** Offers; answers what is told at once. */
  readonly offer: (argument: string, nick?: string) => string | undefined;
  readonly texts: () => readonly string[];
}

function rig({ accept = true, most = 300_000, clock = undefined as ManualClock | undefined } = {}): Rig {
  const house = new TestContext(clock ? { clock } : {});
  const told: InboundMessage[] = [];
  const receiving = new Receiving({
    context: house,
    account: newId<'AccountId'>(),
    inlet: {
      push: (event: InboundEvent) => {
        if (event.type === 'message') told.push(event);
      },
    },
    flush: () => undefined,
    people: { party: partyOf },
    settings: { dccAccept: accept, dccMaxBytes: most },
    timings: { connect: 5_000, transferIdle: 5_000, transfer: 60_000 },
  });
  return {
    house,
    told,
    receiving,
    offer: (argument, nick = 'bob') => {
      const offer = offerOf({ verb: 'DCC', kind: 'request', argument });
      if (offer === undefined) throw new Error(`no offer: ${argument}`);
      return receiving.offered(offer, { from: { nick }, nick });
    },
    texts: () => told.map(({ content }) => content.text),
  };
}

describe('a file that is offered', () => {
  let rigs: Rig[] = [];
  const made = (options: Parameters<typeof rig>[0] = {}): Rig => {
    const one = rig(options);
    rigs.push(one);
    return one;
  };
  beforeEach(() => {
    rigs = [];
  });
  afterEach(() => {
    for (const one of rigs) one.receiving.close();
  });

  it('comes as it is, is acknowledged to the last byte, and is shown from whoever offered it', async () => {
    await using sender = await Sender.start((socket) => socket.write(photo));
    const { house, told, offer } = made();
    expect(offer(`SEND photo.jpg ${String(loopback)} ${String(sender.port)} ${String(photo.length)}`)).toBe(
      undefined,
    );
    const message = await eventually('it has come', () => told[0]);
    expect(message).toMatchObject({
      conversation: 'bob',
      conversationKind: 'direct',
      author: { address: 'bob' },
      origin: 'remote',
      content: { text: '', attachments: [{ name: 'photo.jpg', size: photo.length }] },
    });
    expect(message.content.notice).toBeUndefined();
    expect(house.inbox.received[0]?.bytes.equals(photo)).toBe(true);
    expect(house.turns).toEqual(['127.0.0.1']);
    await eventually('our end is closed', () => sender.ended === 1);
    expect(sender.acks.length % 4).toBe(0);
    const counts = Array.from({ length: sender.acks.length / 4 }, (_, at) =>
      sender.acks.readUInt32BE(at * 4),
    );
    expect(counts).toEqual([...counts].sort((one, other) => one - other));
    expect(sender.lastAck).toBe(photo.length);
  });

  it('comes without a size, too, when its sender closes', async () => {
    await using sender = await Sender.start((socket) => socket.end(photo));
    const { house, told, offer } = made();
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)}`);
    await eventually('it has come', () => told[0]);
    expect(house.inbox.received[0]?.bytes.equals(photo)).toBe(true);
    await eventually('all is acknowledged', () => sender.lastAck === photo.length);
  });

  it('waits for each acknowledgement where its sender does', async () => {
    await using sender = await Sender.start((socket) => {
      let sent = 0;
      const next = (): void => {
        if (sent < photo.length) socket.write(photo.subarray(sent, (sent += 50_000)));
      };
      let back = Buffer.alloc(0);
      socket.on('data', (bytes) => {
        back = Buffer.concat([back, bytes]);
        if (back.length % 4 === 0 && back.readUInt32BE(back.length - 4) === sent) next();
      });
      next();
    });
    const { house, told, offer } = made();
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} ${String(photo.length)}`);
    await eventually('it has come', () => told[0]);
    expect(house.inbox.received[0]?.bytes.equals(photo)).toBe(true);
  });

  it('is declined where the account takes none: nothing connects, and nobody asks whether it might', async () => {
    await using sender = await Sender.start((socket) => socket.end(photo));
    const { house, told, offer } = made({ accept: false });
    expect(offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} 200000`)).toBe(
      'offers photo.jpg (200.0 kB) by DCC; declined',
    );
    expect(house.turns).toEqual([]);
    expect(told).toEqual([]);
    expect(sender.sockets).toEqual([]);
  });

  it('is declined where the house lets nobody connect, without its address', async () => {
    await using sender = await Sender.start((socket) => socket.end(photo));
    const { house, told, offer, texts } = made();
    house.turnsAre = failure('not-allowed', '127.0.0.1 is a private address.');
    offer(`SEND photo.jpg ${String(loopback)} ${String(sender.port)} 200000`);
    await eventually('it is told', () => told[0]);
    expect(texts()).toEqual(['offers photo.jpg (200.0 kB) by DCC; declined: nothing is fetched from there']);
    expect(told[0]?.content.notice).toBe(true);
    expect(sender.sockets).toEqual([]);
  });

  it.each([
    ['a name', 'example.org 5000 1000'],
    ['a number below all addresses', '5000 5000 1000'],
    ['a name of hexadecimal letters', 'dead.beef 5000 1000'],
    ['a number that is no address', '4294967296 5000 1000'],
    ['port 0 (we were to listen)', '199 0 1000 42'],
    ['a token (we were to listen)', '2130706433 5000 1000 42'],
    ['a port of the system', '2130706433 1023 1000'],
    ['a port that is none', '2130706433 65536 1000'],
    ['a zone', 'fe80::1%eth0 5000 1000'],
  ])('is declined from %s, and no turn is asked for', (_what, where) => {
    const { house, offer } = made();
    expect(offer(`SEND photo.jpg ${where}`)).toBe(
      'offers photo.jpg (1.0 kB) by DCC; declined: files are not fetched in this way',
    );
    expect(house.turns).toEqual([]);
  });

  it('is declined by TLS or without acknowledgements, as a chat is', () => {
    const { house, offer } = made();
    expect(offer('SSEND photo.jpg 2130706433 5000 1000')).toContain('declined');
    expect(offer('TSEND photo.jpg 2130706433 5000 1000')).toContain('declined');
    expect(offer('CHAT chat 2130706433 5000')).toBe('offers a direct chat by DCC; declined');
    expect(house.turns).toEqual([]);
  });

  it.each([
    ['3232235777', '192.168.1.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.7', '192.0.2.7'],
    ['4294967295', '255.255.255.255'],
  ])('has its address %s judged as %s', async (address, host) => {
    const { house, told, offer } = made();
    house.turnsAre = failure('not-allowed');
    offer(`SEND x ${address} 5000 1000`);
    await eventually('it is told', () => told[0]);
    expect(house.turns).toEqual([host]);
  });

  it('has failed with fewer bytes than were offered', async () => {
    await using sender = await Sender.start((socket) => socket.end(photo.subarray(0, 1_000)));
    const { house, told, offer, texts } = made();
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} 200000`);
    await eventually('it is told', () => told[0]);
    expect(texts()).toEqual([
      'offered photo.jpg (200.0 kB) by DCC; it did not come: it ended before all of it had come',
    ]);
    expect(house.inbox.received).toEqual([]);
  });

  it('is cut where more comes than was offered', async () => {
    await using sender = await Sender.start((socket) => socket.write(photo));
    const { house, told, offer } = made();
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} 1000`);
    await eventually('it has come', () => told[0]);
    expect(house.inbox.received[0]?.bytes.equals(photo.subarray(0, 1_000))).toBe(true);
    await eventually('our end is closed', () => sender.ended === 1);
  });

  it('is declined when it says that it is too large, and ends when it is without having said so', async () => {
    let sent = 0;
    await using sender = await Sender.start((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(photo)) sent += photo.length;
      };
      socket.on('drain', more);
      more();
    });
    const { house, told, offer, texts } = made({ most: 300_000 });
    expect(offer(`SEND film.mkv 127.0.0.1 ${String(sender.port)} 300001`)).toContain(
      'larger than may be taken',
    );
    expect(house.turns).toEqual([]);
    offer(`SEND film.mkv 127.0.0.1 ${String(sender.port)}`);
    await eventually('it is told', () => told[0]);
    expect(texts()).toEqual(['offered film.mkv by DCC; it did not come: it is larger than may be taken']);
    await eventually('our end is closed', () => sender.ended === 1);
    expect(house.inbox.received).toEqual([]);
    // What the kernels hold between the two, and not without end.
    expect(sent).toBeLessThan(100_000_000);
  });

  it('has failed where the house has no room for it', async () => {
    await using sender = await Sender.start((socket) => socket.end(photo));
    const { house, told, offer, texts } = made();
    house.inbox.limit = 1_000;
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} 200000`);
    await eventually('it is told', () => told[0]);
    expect(texts()[0]).toContain('it is larger than may be taken');
    expect(sender.sockets).toEqual([]);
  });

  it('has failed when its sender falls silent, or takes too long with byte after byte', async () => {
    await using silent = await Sender.start((socket) => socket.write('x'));
    const clock = new ManualClock();
    const { told, offer, texts } = made({ clock });
    offer(`SEND slow 127.0.0.1 ${String(silent.port)} 1000`);
    await eventually('a byte has come', () => silent.lastAck === 1);
    clock.advance(4_900);
    expect(told).toEqual([]);
    clock.advance(200);
    await eventually('it is told', () => told[0]);
    expect(texts()).toEqual(['offered slow (1.0 kB) by DCC; it did not come: its sender has fallen silent']);
    await eventually('our end is closed', () => silent.ended === 1);

    offer(`SEND slow 127.0.0.1 ${String(silent.port)} 1000`);
    await eventually('the next is connected', () => silent.sockets.length === 2);
    const acks = (): number => silent.acks.length / 4;
    for (let bytes = 2; told.length === 1 && bytes < 30; bytes++) {
      await eventually('a byte has come', () => acks() === bytes || told.length > 1);
      clock.advance(4_000);
      silent.sockets[1]?.write('x');
    }
    await eventually('it is told', () => told.length === 2);
    expect(texts()[1]).toContain('it took too long');
    expect(clock.timers).toBe(0);
  });

  it('has failed where nobody listens', async () => {
    const sender = await Sender.start(() => undefined);
    await sender[Symbol.asyncDispose]();
    const { told, offer, texts } = made();
    offer(`SEND photo.jpg 127.0.0.1 ${String(sender.port)} 1000`);
    await eventually('it is told', () => told[0]);
    expect(texts()).toEqual(['offered photo.jpg (1.0 kB) by DCC; it did not come: nobody answers there']);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['"C:\\windows\\evil.exe"', 'evil.exe'],
    ['"..\\.profile"', 'profile'],
    ['"a\r\nQUIT :b.txt"', 'aQUIT :b.txt'],
    ['...hidden', 'hidden'],
  ])('is stored under a harmless name: %j', async (name, harmless) => {
    await using sender = await Sender.start((socket) => socket.end('x'));
    const { house, told, offer } = made();
    offer(`SEND ${name} 127.0.0.1 ${String(sender.port)} 1`);
    await eventually('it has come', () => told[0]);
    expect(house.inbox.received[0]?.file.name).toBe(harmless);
  });

  it('has a name that is not too long', () => {
    const offer = offerOf({ verb: 'DCC', kind: 'request', argument: `SEND ${'x'.repeat(900)} 1 5000 1` });
    expect(offer?.kind === 'file' ? offer.name.length : undefined).toBeLessThanOrEqual(120);
  });

  it('comes one at a time, in order; a few wait, and the rest is declined', async () => {
    await using sender = await Sender.start(() => undefined);
    const { house, told, offer, texts } = made();
    const answers = [1, 2, 3, 4, 5, 6].map((at) =>
      offer(`SEND f${String(at)} 127.0.0.1 ${String(sender.port)} 1`),
    );
    expect(answers.slice(0, 5)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(answers[5]).toBe('offers f6 (1 B) by DCC; declined: too many others wait');
    for (let at = 1; at <= 5; at++) {
      await eventually('the next connects', () => sender.sockets.length === at);
      sender.sockets[at - 1]?.end('x');
      await eventually('it has come', () => told.length === at);
    }
    expect(house.inbox.received.map(({ file }) => file.name)).toEqual(['f1', 'f2', 'f3', 'f4', 'f5']);
    expect(texts()).toEqual(['', '', '', '', '']);
  });

  it('goes on under the new nick of whoever offered it', async () => {
    await using sender = await Sender.start(() => undefined);
    const { told, offer, receiving } = made();
    offer(`SEND f 127.0.0.1 ${String(sender.port)} 1`);
    await eventually('it connects', () => sender.sockets.length === 1);
    receiving.renamed('carol', 'dave');
    receiving.renamed('Bob', 'bobby');
    sender.sockets[0]?.end('x');
    await eventually('it has come', () => told[0]);
    expect(told[0]).toMatchObject({ conversation: 'bobby', author: { address: 'bobby' } });
  });

  it('is not told by the thousand: ten at once, and ten in a minute', () => {
    const clock = new ManualClock();
    const { house, offer, receiving } = made({ accept: false, clock });
    const flood = (): number =>
      Array.from({ length: 5_000 }, (_, at) =>
        offer(`SEND f${String(at)} 1 5000 1`, `n${String(at)}`),
      ).filter((words) => words !== undefined).length;
    expect(flood()).toBe(10);
    clock.advance(60_000);
    expect(flood()).toBe(10);
    receiving.close();
    expect(house.logged.map(({ facts }) => facts['offers'])).toEqual([9_980]);
  });

  it('ends with the connection: it is told, and nothing goes on', async () => {
    await using sender = await Sender.start((socket) => socket.write('x'));
    const { house, told, offer, receiving, texts } = made();
    offer(`SEND one 127.0.0.1 ${String(sender.port)} 1000`);
    offer(`SEND two 127.0.0.1 ${String(sender.port)} 1000`);
    await eventually('it connects', () => sender.lastAck === 1);
    receiving.close();
    const words = 'by DCC; it did not come: the connection to the network ended first';
    expect(texts()).toEqual([`offered one (1.0 kB) ${words}`, `offered two (1.0 kB) ${words}`]);
    await eventually('our end is closed', () => sender.ended === 1);
    expect(offer('SEND three 1 5000 1')).toBeUndefined();
    expect([sender.sockets.length, told.length, house.inbox.received.length]).toEqual([1, 2, 0]);
  });

  it('is not connected to when the turn comes after the end', async () => {
    await using sender = await Sender.start((socket) => socket.end('x'));
    const { house, told, offer, receiving } = made();
    house.turnsAre = 'waiting';
    offer(`SEND one 127.0.0.1 ${String(sender.port)} 1`);
    receiving.close();
    house.closed = true;
    house.closeTurns();
    await new Promise(setImmediate);
    expect([told.length, sender.sockets.length]).toEqual([1, 0]);
    expect(house.breaches).toEqual([]);
  });
});

describe('a file that is offered over a connection', () => {
  const sessions: Session[] = [];
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close('asked')));
  });

  const online = async (port: number, house: TestContext): Promise<Session> => {
    const settings = { host: '127.0.0.1', port, tls: false, nick: 'alice', dccAccept: true };
    const session = createIrc({ timings: { welcome: 100, close: 400 } }).open(
      { id: newId<'LinkId'>(), settings },
      house,
    );
    sessions.push(session);
    const presence = { presence: 'available' };
    session.attach({ id: newId<'AccountId'>(), desired: { rooms: [], presence, contacts: [] } });
    session.connect();
    await eventually('we are online', () => house.stateOf()?.state === 'online');
    return session;
  };

  it('is stored with the message that brings it; in a room it is nothing', async () => {
    await using sender = await Sender.start((socket) => socket.write(photo));
    await using server = await scriptedIrc();
    const house = new TestContext();
    await online(server.port, house);
    const client = await server.client(1);
    const port = String(sender.port);
    client.send(
      `:bob!b@example.org PRIVMSG #lobby :\x01DCC SEND worm.exe ${String(loopback)} ${port} 200000\x01`,
      `@msgid=m1 :bob!b@example.org PRIVMSG alice :\x01DCC SEND "my photo.jpg" ${String(loopback)} ${port} 200000\x01`,
    );
    const message = await eventually('it has come', () => house.heard()[0]);
    expect(message).toMatchObject({
      conversation: 'bob',
      author: { address: 'bob' },
      content: { text: '', attachments: [{ name: 'my photo.jpg', size: 200_000 }] },
    });
    expect(house.inbox.received.map(({ bytes }) => bytes.equals(photo))).toEqual([true]);
    expect([sender.sockets.length, house.breaches.length]).toEqual([1, 0]);
  });

  it('ends with the session, which tells so', async () => {
    await using sender = await Sender.start((socket) => socket.write('x'));
    await using server = await scriptedIrc();
    const house = new TestContext();
    const session = await online(server.port, house);
    const client = await server.client(1);
    client.send(
      `:bob!b@example.org PRIVMSG alice :\x01DCC SEND f ${String(loopback)} ${String(sender.port)} 9\x01`,
    );
    await eventually('it begins', () => sender.lastAck === 1);
    await session.close('asked');
    house.closed = true;
    await eventually('our end is closed', () => sender.ended === 1);
    expect(house.heard().map(({ content }) => content.text)).toEqual([
      'offered f (9 B) by DCC; it did not come: the connection to the network ended first',
    ]);
    expect(house.breaches).toEqual([]);
  });
});
