import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventFrame } from '#api';
import { encodeCursor } from '#bus';
import type { AccountId, ConversationId } from '#model';
import { eventually } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, type Somebody } from './house.fixture.js';

/** One block of an event stream, as WHATWG HTML §9.2.6 reads it. */
interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
}

/** A reader of an event stream that keeps the last event id, as a browser does. */
class Reader {
  readonly blocks: Block[] = [];
  lastId: string | undefined;
  ended = false;
  #rest = '';

  private constructor(
    readonly response: IncomingMessage,
    private readonly request: ClientRequest,
  ) {
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n\n');
      this.#rest = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      this.ended = true;
    });
  }

  /** Over a connection of its own. */
  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<Reader> {
    const sent = request(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } });
    sent.on('error', () => undefined);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new Reader(response, sent);
  }

  get frames(): EventFrame[] {
    return this.blocks
      .filter(({ event, data }) => event === undefined && data !== undefined)
      .map(({ data = '' }) => JSON.parse(data) as EventFrame);
  }
  named(name: string): unknown[] {
    return this.blocks
      .filter(({ event }) => event === name)
      .map(({ data = '' }) => JSON.parse(data) as unknown);
  }
  close(): void {
    this.request.destroy();
  }

  #take(part: string): void {
    const block: Record<string, string> = {};
    for (const line of part.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
      block[name === '' ? 'comment' : name] = value;
    }
    if (block['id'] !== undefined) this.lastId = block['id'];
    this.blocks.push(block);
  }
}

describeEngines('server-sent events', (open) => {
  let test: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;
  let lobby: ConversationId;
  const readers: Reader[] = [];

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
    alice = await house.setUp();
    bob = await house.invite(alice);
    account = await house.account(alice);
    lobby = (await alice.client.call('createConversation', { body: { account, address: '#lobby' } })).id;
    await house.network.say(account, 'carol', 'good morning', '#lobby');
  });
  afterAll(async () => {
    for (const reader of readers) reader.close();
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  const cursorNow = async (of: Somebody): Promise<string> => (await of.client.call('events')).cursor;
  async function ask(query: string, headers: Record<string, string>): Promise<Response> {
    return await fetch(`${house.url}/v1/events${query}`, { headers });
  }
  async function read(of: Somebody, query = '', headers: Record<string, string> = {}): Promise<Reader> {
    const reader = await Reader.open(`${house.url}/v1/events${query}`, {
      authorization: `Bearer ${of.token}`,
      ...headers,
    });
    readers.push(reader);
    return reader;
  }
  const texts = ({ frames }: Reader): unknown[] => frames.map(({ event }) => event.data.message?.text);

  it('is an event stream that nobody on the way keeps or squeezes', async () => {
    const { response } = await read(alice);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': expect.stringContaining('no-transform'),
      'x-accel-buffering': 'no',
    });
  });

  it('gives events by their cursor, from one on and then live', async () => {
    const since = await cursorNow(alice);
    await house.network.say(account, 'carol', 'past', '#lobby');
    const reader = await read(alice, `?since=${since}`);
    await eventually('the past is read', () => reader.frames.length === 1);
    await house.network.say(account, 'carol', 'two\nlines', '#lobby');
    await eventually('the present is read', () => reader.frames.length === 2);
    expect(texts(reader)).toEqual(['past', 'two\nlines']);
    expect(reader.frames.map(({ prev }) => prev)).toEqual([since, reader.frames[0]?.cursor]);
    expect(reader.lastId).toBe(reader.frames[1]?.cursor);
  });

  it('goes on where a browser was: Last-Event-ID wins over since', async () => {
    const since = await cursorNow(alice);
    await house.network.say(account, 'carol', 'one', '#lobby');
    await house.network.say(account, 'carol', 'two', '#lobby');
    const first = await read(alice, `?since=${since}`);
    await eventually('both are read', () => first.frames.length === 2);
    const again = await read(alice, `?since=${since}`, { 'last-event-id': first.frames[0]?.cursor ?? '' });
    await eventually('the second is read', () => again.frames.length > 0);
    expect(texts(again)).toEqual(['two']);
    const empty = await read(alice, `?since=${since}`, { 'last-event-id': '' });
    await eventually('both are read again', () => empty.frames.length === 2);
  });

  it('moves the cursor with a comment where there is nothing to show', async () => {
    const reader = await read(bob);
    const now = await cursorNow(bob);
    await eventually('the first word', () => reader.lastId === now);
    expect(reader.blocks.filter(({ data }) => data !== undefined)).toEqual([]);
    expect(reader.blocks.at(-1)).toEqual({ comment: 'heartbeat', id: now });
  });

  it('ends with a reset when what I may see has changed', async () => {
    const reader = await read(bob);
    await eventually('the first word', () => reader.lastId !== undefined);
    await alice.client.call('setAccountPeople', { params: { id: account }, body: { people: [bob.me.id] } });
    await eventually('it ends', () => reader.ended);
    expect(reader.named('reset')).toEqual([{ reason: 'access' }]);
    await alice.client.call('setAccountPeople', { params: { id: account }, body: { people: [] } });
  });

  it('ends when its token is taken back, and says why', async () => {
    const { id, token } = await house.token(alice, 'read');
    const reader = await read({ ...alice, token });
    await eventually('the first word', () => reader.lastId !== undefined);
    await alice.client.call('deleteToken', { params: { id } });
    await eventually('it ends', () => reader.ended);
    expect(reader.named('close')).toEqual([{ code: 4401, reason: 'not-signed-in' }]);
  });

  it('tells present state of what is watched', async () => {
    const reader = await read(alice, `?watch=roster,${lobby}`);
    const other = await read(alice);
    await eventually('the first words', () => reader.lastId !== undefined && other.lastId !== undefined);
    const stage = house.network.stage(account);
    stage.typing(account, '#lobby', 'carol', true);
    stage.presence(account, 'carol', { presence: 'busy' });
    await eventually('both are told', () => reader.named('ephemeral').length === 2);
    expect(reader.named('ephemeral')).toEqual([
      { type: 'typing', account, conversation: lobby, address: 'carol', active: true },
      { type: 'presence', account, address: 'carol', presence: { presence: 'busy' } },
    ]);
    expect(other.named('ephemeral')).toEqual([]);
  });

  describe('answers with a problem', () => {
    it.each([
      ['a cursor that is none', '?since=nonsense', 422, 'invalid'],
      ['something to watch that is none', '?watch=everything', 422, 'invalid'],
      ['an unknown parameter', '?from=a0', 422, 'invalid'],
    ])('to %s', async (_, query, status, code) => {
      const response = await ask(query, {
        accept: 'text/event-stream',
        authorization: `Bearer ${alice.token}`,
      });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(await response.json()).toMatchObject({ code });
    });

    it('to somebody else’s conversation, as to one that is not there', async () => {
      const headers = { accept: 'text/event-stream', authorization: `Bearer ${bob.token}` };
      expect((await ask(`?watch=${lobby}`, headers)).status).toBe(404);
    });

    it('to nobody', async () => {
      expect((await ask('', { accept: 'text/event-stream' })).status).toBe(401);
    });

    it('to a Last-Event-ID that is none', async () => {
      const headers = {
        accept: 'text/event-stream',
        authorization: `Bearer ${alice.token}`,
        'last-event-id': 'x',
      };
      expect((await ask('', headers)).status).toBe(422);
    });
  });

  it('resets a cursor ahead of the log, as an event', async () => {
    const reader = await read(alice, `?since=${encodeCursor(1_000_000n)}`);
    await eventually('it ends', () => reader.ended);
    expect(reader.named('reset')).toEqual([{ reason: 'ahead' }]);
  });

  it('is let go when the reader goes', async () => {
    const before = house.streams.count;
    const reader = await read(alice);
    await eventually('it is open', () => house.streams.count === before + 1);
    reader.close();
    await eventually('it is let go', () => house.streams.count === before);
  });
});

describeEngines('streams at the end of a server', (open) => {
  it('are told to come again, and hold nothing up', async () => {
    await using test = await open();
    const house = await House.open(test.database);
    const alice = await house.setUp();
    const reader = await Reader.open(`${house.url}/v1/events`, { authorization: `Bearer ${alice.token}` });
    await eventually('the first word', () => reader.lastId !== undefined);
    const began = performance.now();
    await house[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(10_000);
    await eventually('it ends', () => reader.ended);
    expect(reader.named('close')).toEqual([{ code: 1012, reason: 'the server restarts' }]);
  });
});
