import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { closeCodes, ParleyClient, type EventFrame, type EventStream, type StreamItem } from '#api';
import { encodeCursor } from '#bus';
import { newId, type AccountId, type ConversationId } from '#model';
import { eventually } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, type Somebody } from './house.fixture.js';

/** A WebSocket without a client: what is said, frame by frame, and how it ended. */
class Raw {
  readonly heard: Record<string, unknown>[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;

  constructor(url: string, query: string, headers: Record<string, string>) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream${query}`, { headers });
    this.socket.on('message', (data) => {
      this.heard.push(JSON.parse((data as Buffer).toString()) as Record<string, unknown>);
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on('error', () => undefined);
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }
  async hear(what: (frame: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return await eventually('the frame is heard', () => this.heard.find(what));
  }
  async end(): Promise<{ code: number; reason: string }> {
    return await eventually('the stream is closed', () => this.closed);
  }
}

describeEngines('the stream', (open) => {
  let test: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;
  let lobby: ConversationId;
  const raws: Raw[] = [];

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
    alice = await house.setUp();
    bob = await house.invite(alice);
    account = await house.account(alice);
    lobby = (await alice.client.call('createConversation', { body: { account, address: '#lobby' } })).id;
    // From here on carol is known, and her words come alone.
    await house.network.say(account, 'carol', 'good morning', '#lobby');
  });
  afterAll(async () => {
    for (const { socket } of raws) socket.terminate();
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  const cursorNow = async (of: Somebody): Promise<string> => (await of.client.call('events')).cursor;
  function raw(headers: Record<string, string>, query = ''): Raw {
    const socket = new Raw(house.url, query, headers);
    raws.push(socket);
    return socket;
  }
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

  /** The next events of a stream, by the text of their messages where they have one. */
  async function take(items: AsyncIterator<StreamItem>, count: number): Promise<EventFrame[]> {
    const frames: EventFrame[] = [];
    while (frames.length < count) {
      const next = await items.next();
      if (next.done === true) throw new Error('the stream ended');
      if (next.value.kind === 'event') frames.push(next.value.frame);
      else if (next.value.kind === 'reset') throw new Error(`reset: ${next.value.reason}`);
    }
    return frames;
  }
  const texts = (frames: readonly EventFrame[]): unknown[] =>
    frames.map(({ event }) => event.data.message?.text);

  describe('follows the log', () => {
    it('from a cursor on, and then live, each event telling the one before it', async () => {
      const since = await cursorNow(alice);
      await house.network.say(account, 'carol', 'past', '#lobby');
      using stream = alice.client.stream(since);
      const items = stream[Symbol.asyncIterator]();
      const past = await take(items, 1);
      await house.network.say(account, 'carol', 'live', '#lobby');
      const frames = [...past, ...(await take(items, 1))];
      expect(texts(frames)).toEqual(['past', 'live']);
      expect(frames.map(({ prev }) => prev)).toEqual([since, frames[0]?.cursor]);
    });

    it('from now on where no cursor is given, and says where that is', async () => {
      const now = await cursorNow(alice);
      const socket = raw(bearer(alice.token));
      await socket.hear((frame) => 'heartbeat' in frame);
      expect(socket.heard[0]).toEqual({ heartbeat: { cursor: now } });
      await house.network.say(account, 'carol', 'news', '#lobby');
      const event = await socket.hear((frame) => 'event' in frame);
      expect(event['prev']).toBe(now);
    });

    it('lets a client know at once that it is in', async () => {
      const since = await cursorNow(bob);
      const socket = raw(bearer(bob.token), `?since=${since}`);
      await eventually('something is heard', () => socket.heard.length > 0);
      expect(socket.heard[0]).toEqual({ heartbeat: { cursor: since } });
    });

    it('over any number of lost connections, without a gap or a double', async () => {
      const since = await cursorNow(alice);
      const open: WebSocket[] = [];
      const client = new ParleyClient({
        url: house.url,
        check: true,
        token: alice.token,
        openSocket: (url, headers) => {
          const socket = new WebSocket(url, { headers });
          open.push(socket);
          return socket;
        },
      });
      using stream: EventStream = client.stream(since);
      const items = stream[Symbol.asyncIterator]();
      const frames: EventFrame[] = [];
      const [rounds, size] = [5, 12];
      const count = rounds * size;
      for (let round = 0; round < rounds; round++) {
        const saying = (async () => {
          for (let n = 0; n < size; n++) {
            await house.network.say(account, 'carol', String(round * size + n), '#lobby');
          }
        })();
        // In the midst of it, wherever that is.
        frames.push(...(await take(items, 1 + ((round * 2) % size))));
        open.at(-1)?.terminate();
        await eventually('it comes again', () => open.length === round + 2);
        await saying;
        frames.push(...(await take(items, (round + 1) * size - frames.length)));
      }
      expect(texts(frames)).toEqual(Array.from({ length: count }, (_, n) => String(n)));
      expect(frames.map(({ prev }) => prev)).toEqual([
        since,
        ...frames.slice(0, -1).map(({ cursor }) => cursor),
      ]);
    });

    it('for one that reads slowly, while others are not held up', async () => {
      const since = await cursorNow(alice);
      const slow = raw(bearer(alice.token), `?since=${since}`);
      await slow.hear((frame) => 'heartbeat' in frame);
      slow.socket.pause();
      // Far more than the kernel takes on the way.
      const count = 150;
      const padding = 'x'.repeat(60_000);
      using stream = alice.client.stream(since);
      const items = stream[Symbol.asyncIterator]();
      for (let n = 0; n < count; n++)
        await house.network.say(account, 'carol', `${String(n)} ${padding}`, '#lobby');
      const wanted = texts(await take(items, count));
      expect(wanted.at(-1)).toBe(`${String(count - 1)} ${padding}`);
      expect(slow.heard.length).toBeLessThan(count);
      slow.socket.resume();
      await eventually(
        'the slow one has caught up',
        () => slow.heard.filter((frame) => 'event' in frame).length === count,
        20_000,
      );
      const frames = slow.heard.flatMap((frame) =>
        'event' in frame ? [frame as unknown as EventFrame] : [],
      );
      expect(texts(frames)).toEqual(wanted);
      slow.socket.terminate();
    });

    it('for a hundred at once, the same to each', async () => {
      const carol = await house.invite(alice);
      const theirs = await house.account(carol);
      const since = await cursorNow(carol);
      const sockets = Array.from({ length: 100 }, () => raw(bearer(carol.token), `?since=${since}`));
      await Promise.all(sockets.map((socket) => socket.hear((frame) => 'heartbeat' in frame)));
      for (let n = 0; n < 5; n++) await house.network.say(theirs, 'dave', String(n));
      const told = await Promise.all(
        sockets.map(async (socket) => {
          await socket.hear((frame) => JSON.stringify(frame).includes('"text":"4"'));
          return socket.heard.filter((frame) => 'event' in frame);
        }),
      );
      for (const each of told) expect(each).toEqual(told[0]);
      const oneMore = raw(bearer(carol.token));
      expect(await oneMore.end()).toMatchObject({ code: closeCodes.tooMany });
      for (const { socket } of sockets) socket.terminate();
      await eventually('they are forgotten', () => house.streams.count < 20);
    });
  });

  describe('lets in', () => {
    it('nobody without a token, nor with a wrong one, nor with one in the address', async () => {
      for (const socket of [raw({}), raw(bearer('parley_nonsense')), raw({}, `?token=${alice.token}`)]) {
        expect(await socket.end()).toEqual({ code: closeCodes.notSignedIn, reason: 'not-signed-in' });
        expect(socket.heard).toEqual([]);
      }
    });

    it('nobody whose token may not read', async () => {
      const { token } = await house.token(alice, 'send', 'me');
      expect(await raw(bearer(token)).end()).toEqual({
        code: closeCodes.notAllowed,
        reason: 'missing-scope',
      });
    });

    it('a web session from our own page, and from no other', async () => {
      const cookie = await house.cookie(alice);
      const own = raw({ cookie, origin: house.url });
      await own.hear((frame) => 'heartbeat' in frame);
      for (const origin of ['https://example.org', 'null', '']) {
        const socket = raw({ cookie, ...(origin === '' ? {} : { origin }) });
        expect(await socket.end()).toEqual({ code: closeCodes.notAllowed, reason: 'foreign-origin' });
      }
    });

    it.each(['?since=x', '?since=', '?since=a0&limit=5', '?since=a01'])(
      'nobody who asks %s',
      async (query) => {
        expect(await raw(bearer(alice.token), query).end()).toMatchObject({ code: closeCodes.invalid });
      },
    );

    it('no plain request: it asks for an upgrade', async () => {
      const response = await fetch(`${house.url}/v1/stream`, { headers: bearer(alice.token) });
      expect(response.status).toBe(426);
      expect(response.headers.get('upgrade')).toBe('websocket');
      expect((await fetch(`${house.url}/v1/stream`)).status).toBe(401);
    });
  });

  describe('ends', () => {
    it('when its token is taken back', async () => {
      const { id, token } = await house.token(alice, 'read');
      const socket = raw(bearer(token));
      await socket.hear((frame) => 'heartbeat' in frame);
      await alice.client.call('deleteToken', { params: { id } });
      expect(await socket.end()).toMatchObject({ code: closeCodes.notSignedIn });
    });

    it('when its person is taken out', async () => {
      const carol = await house.invite(alice);
      const socket = raw(bearer(carol.token));
      await socket.hear((frame) => 'heartbeat' in frame);
      await alice.client.call('removePerson', { params: { id: carol.me.id } });
      expect(await socket.end()).toMatchObject({ code: closeCodes.notSignedIn });
    });

    it('with a reset when an account is shared or not any more, and tells nothing afterwards', async () => {
      for (const people of [[bob.me.id], []]) {
        const socket = raw(bearer(bob.token));
        await socket.hear((frame) => 'heartbeat' in frame);
        await alice.client.call('setAccountPeople', { params: { id: account }, body: { people } });
        await house.network.say(account, 'carol', 'afterwards', '#lobby');
        expect(await socket.end()).toMatchObject({ code: 1000 });
        expect(socket.heard.at(-1)).toEqual({ reset: { reason: 'access' } });
        expect(JSON.stringify(socket.heard)).not.toContain('afterwards');
      }
    });

    it('with a reset where its cursor is ahead of the log', async () => {
      const socket = raw(bearer(alice.token), `?since=${encodeCursor(1_000_000n)}`);
      await socket.end();
      expect(socket.heard.at(-1)).toEqual({ reset: { reason: 'ahead' } });
    });

    it('when a frame is larger than 64 KiB', async () => {
      const socket = raw(bearer(alice.token));
      await socket.hear((frame) => 'heartbeat' in frame);
      socket.say({ id: 1, request: 'ping', padding: 'x'.repeat(65_536) });
      expect(await socket.end()).toMatchObject({ code: 1009 });
    });
  });

  describe('answers', () => {
    it.each([
      ['no JSON', 'nonsense', { code: 'malformed' }],
      ['no object', '[]', { code: 'malformed' }],
      ['an unknown request', { id: 7, request: 'dance' }, { id: 7, code: 'malformed' }],
      ['too many keys', { id: 'a', request: 'ping', more: 1 }, { id: 'a', code: 'malformed' }],
      ['bytes', Buffer.from('{}'), { code: 'malformed' }],
    ])('%s with an error, and goes on', async (_, said, error) => {
      const socket = raw(bearer(alice.token));
      await once(socket.socket, 'open');
      socket.say(said);
      expect((await socket.hear((frame) => 'error' in frame))['error']).toMatchObject(error);
      socket.say({ id: 'still there', request: 'ping' });
      expect(await socket.hear((frame) => 'answer' in frame)).toMatchObject({
        answer: { id: 'still there' },
      });
      socket.socket.terminate();
    });

    it('a flood of requests one after the other, in their order', async () => {
      const socket = raw(bearer(alice.token));
      await once(socket.socket, 'open');
      const count = 2_000;
      for (let id = 0; id < count; id++) socket.say({ id, request: 'ping' });
      await eventually('all is answered', () => socket.heard.length > count, 20_000);
      const ids = socket.heard.flatMap((frame) =>
        'answer' in frame ? [(frame['answer'] as { id: number }).id] : [],
      );
      expect(ids).toEqual(Array.from({ length: count }, (_, id) => id));
      socket.socket.terminate();
    });

    it('somebody else’s conversation as one that is not there', async () => {
      const socket = raw(bearer(bob.token));
      await once(socket.socket, 'open');
      for (const [id, conversation] of [lobby, newId<'ConversationId'>()].entries()) {
        for (const request of ['watch', 'typing']) {
          socket.say({
            id: `${request} ${String(id)}`,
            request,
            conversation,
            ...(request === 'typing' && { active: true }),
          });
        }
      }
      await eventually(
        'all is answered',
        () => socket.heard.filter((frame) => 'error' in frame).length === 4,
      );
      expect(
        socket.heard.flatMap((frame) =>
          'error' in frame ? [(frame['error'] as { code: string }).code] : [],
        ),
      ).toEqual(Array<string>(4).fill('not-found'));
      socket.socket.terminate();
    });

    it('typing only with the scope send', async () => {
      const { token } = await house.token(alice, 'read');
      const socket = raw(bearer(token));
      await once(socket.socket, 'open');
      socket.say({ id: 1, request: 'typing', conversation: lobby, active: true });
      expect(await socket.hear((frame) => 'error' in frame)).toEqual({
        error: { id: 1, code: 'missing-scope', detail: expect.any(String) },
      });
      socket.socket.terminate();
    });
  });

  describe('tells present state', () => {
    it('to those who watch, until they do not', async () => {
      const stage = house.network.stage(account);
      const [watching, looking, neither] = [alice.token, alice.token, bob.token].map((token) =>
        raw(bearer(token)),
      );
      for (const socket of [watching, looking, neither]) await socket?.hear((frame) => 'heartbeat' in frame);
      watching?.say({ id: 1, request: 'watch', conversation: lobby });
      looking?.say({ id: 1, request: 'watch', roster: true });
      neither?.say({ id: 1, request: 'watch', roster: true });
      for (const socket of [watching, looking, neither]) await socket?.hear((frame) => 'answer' in frame);

      stage.typing(account, '#lobby', 'carol', true);
      stage.occupancy(account, '#lobby', { joined: [{ address: 'dave', role: 'voice' }] });
      stage.presence(account, 'carol', { presence: 'away', note: 'lunch' });
      const told = (socket: Raw | undefined): unknown[] =>
        (socket?.heard ?? []).flatMap((frame) => ('ephemeral' in frame ? [frame['ephemeral']] : []));
      await eventually('both have heard', () => told(watching).length === 2 && told(looking).length === 1);
      expect(told(watching)).toEqual([
        { type: 'typing', account, conversation: lobby, address: 'carol', active: true },
        {
          type: 'occupancy',
          account,
          conversation: lobby,
          joined: [{ address: 'dave', role: 'voice' }],
          left: [],
        },
      ]);
      expect(told(looking)).toEqual([
        { type: 'presence', account, address: 'carol', presence: { presence: 'away', note: 'lunch' } },
      ]);

      watching?.say({ id: 2, request: 'unwatch', conversation: lobby });
      await watching?.hear((frame) => (frame['answer'] as { id?: number } | undefined)?.id === 2);
      stage.typing(account, '#lobby', 'carol', false);
      stage.presence(account, 'carol', { presence: 'available' });
      await eventually('the other has heard', () => told(looking).length === 2);
      expect(told(watching)).toHaveLength(2);
      expect(told(neither)).toEqual([]);
      for (const socket of [watching, looking, neither]) socket?.socket.terminate();
    });
  });
});
