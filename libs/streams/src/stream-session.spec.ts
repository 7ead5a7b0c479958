import { describe, expect, it } from '@jest/globals';
import type { Principal } from '#accounts';
import { closeCodes, type ResetReason } from '#api';
import { encodeCursor } from '#bus';
import { newId, type AccountId, type ConversationId, type EventType, type LogEvent } from '#model';
import { Problem } from '#platform';
import { eventually } from '#peers';
import { TestClock } from '#platform/testing';
import { RendererClosed } from './event-renderer.js';
import type { FeedItem } from './event-feeds.js';
import { RenderedEvent } from './rendered-event.js';
import { StreamSession, type SessionRooms } from './stream-session.js';
import type { Watch, Watched } from './watches.js';
import type { Wire } from './wire.js';

const account = newId<'AccountId'>();
const principal: Principal = {
  kind: 'token',
  id: newId(),
  workspace: newId(),
  person: newId<'PersonId'>(),
  role: 'member',
  scopes: new Set(['read', 'send'] as const),
};

/** A far end that remembers what it was told, and takes it when the test says so. */
class FakeWire implements Wire {
  readonly kind = 'websocket';
  readonly told: string[] = [];
  lying = 0;
  alive = true;
  #drained: (() => void)[] = [];
  #gone: (() => void)[] | undefined = [];

  event(cursor: string): void {
    this.told.push(cursor);
  }
  heartbeat(cursor: string): void {
    this.told.push(`heartbeat ${cursor}`);
  }
  reset(reason: ResetReason): void {
    this.told.push(`reset ${reason}`);
  }
  ephemeral(ephemeral: string): void {
    this.told.push(ephemeral);
  }
  close(code: number): void {
    this.told.push(`close ${String(code)}`);
  }
  checkAlive(): boolean {
    return this.alive;
  }
  async drained(): Promise<void> {
    await new Promise<void>((done) => this.#drained.push(done));
  }
  onGone(gone: () => void): void {
    if (this.#gone) this.#gone.push(gone);
    else gone();
  }
  /** The peer takes what lies there. */
  drain(): void {
    this.lying = 0;
    for (const done of this.#drained.splice(0)) done();
  }
  /** The connection is over, whoever ended it. */
  cut(): void {
    const gone = this.#gone ?? [];
    this.#gone = undefined;
    this.drain();
    for (const each of gone) each();
  }
  get isGone(): boolean {
    return this.#gone === undefined;
  }
}

/** A log that the test writes. */
class FakeFeed {
  readonly batches: (readonly FeedItem[])[] = [];
  since: bigint | undefined;
  disposed = false;
  fault: Error | undefined;
  wake: (() => void) | undefined;

  give(...items: FeedItem[]): void {
    this.batches.push(items);
    this.wake?.();
  }
  fail(fault: Error): void {
    this.fault = fault;
    this.wake?.();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly FeedItem[], void> {
    while (!this.disposed) {
      const batch = this.batches.shift();
      if (batch) yield batch;
      else if (this.fault) throw this.fault;
      else {
        await new Promise<void>((wake) => {
          this.wake = wake;
        });
      }
    }
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    this.wake?.();
    return Promise.resolve();
  }
}

class FakeWatch {
  readonly moved: Watched[] = [];
  disposed = false;
  watching: ConversationId | undefined;
  isWatching(id: ConversationId): boolean {
    return this.watching === id;
  }
  conversation(watched: Watched): void {
    this.moved.push(watched);
  }
  [Symbol.dispose](): void {
    this.disposed = true;
  }
}

function open(since: bigint | 'now' = 0n) {
  const clock = new TestClock();
  const wire = new FakeWire();
  const feed = new FakeFeed();
  const watch = new FakeWatch();
  const rights = { accounts: new Set<AccountId>([account]), answer: (): Principal => principal };
  const rooms = {
    clock,
    feeds: {
      open: (_workspace: unknown, _scope: unknown, from: bigint | undefined) => {
        feed.since = from;
        return feed;
      },
    },
    access: { accountsOf: () => Promise.resolve(rights.accounts) },
    authenticator: {
      authenticate: async () => await Promise.resolve(rights.answer()),
    },
    watches: { join: () => watch as unknown as Watch },
    places: {
      find: (_: unknown, conversation: ConversationId) =>
        Promise.resolve({ conversation, account, address: '#new' }),
    },
  } as unknown as SessionRooms;
  const session = new StreamSession(rooms, principal, new Set([account]), { headers: {} }, wire);
  const running = session.run(since === 'now' ? undefined : since);
  return { clock, wire, feed, watch, rights, session, running };
}

const eventOf = (
  sequence: bigint,
  type: EventType = 'message.created',
  subject: string = newId(),
): FeedItem => {
  const audience = { kind: 'account', account } as const;
  const event: LogEvent = { id: newId(), type, subject, audience, data: {}, sequence, at: new Date(0) };
  return { kind: 'event', event: new RenderedEvent(event, undefined), prev: sequence - 1n };
};
const c = encodeCursor;
const turn = () => new Promise((done) => setImmediate(done));

describe('a stream', () => {
  it('begins with a word that lets the client know it is let in', async () => {
    const { wire, feed } = open(7n);
    await turn();
    expect(feed.since).toBe(7n);
    expect(wire.told).toEqual([`heartbeat ${c(7n)}`]);
  });

  it('leaves the first word to the log where it begins from now on', async () => {
    const { wire, feed } = open('now');
    feed.give({ kind: 'heartbeat', sequence: 9n });
    await eventually('something is told', () => wire.told.length > 0);
    expect(feed.since).toBeUndefined();
    expect(wire.told).toEqual([`heartbeat ${c(9n)}`]);
  });

  it('gives events and heartbeats in their order', async () => {
    const { wire, feed } = open();
    feed.give(eventOf(1n), eventOf(2n));
    feed.give({ kind: 'heartbeat', sequence: 5n }, eventOf(6n));
    await eventually('all is told', () => wire.told.length === 5);
    expect(wire.told.slice(1)).toEqual([c(1n), c(2n), `heartbeat ${c(5n)}`, c(6n)]);
  });

  it('ends with a reset, and lets the log go', async () => {
    const { wire, feed, watch, running } = open();
    feed.give(eventOf(1n), { kind: 'reset', reason: 'retention' }, eventOf(2n));
    await running;
    expect(wire.told.slice(1)).toEqual([c(1n), 'reset retention', 'close 1000']);
    expect(feed.disposed).toBe(true);
    expect(watch.disposed).toBe(true);
  });

  it('lets the log go when the peer goes', async () => {
    const { wire, feed, running } = open();
    wire.cut();
    await running;
    expect(feed.disposed).toBe(true);
    expect(wire.told.filter((word) => word.startsWith('close'))).toEqual([]);
  });

  it('cuts off a peer that does not hear a goodbye', async () => {
    const { wire, clock, session, running } = open();
    session.restart();
    await running;
    expect(wire.told.at(-1)).toBe('close 1012');
    clock.advance(4_900);
    expect(wire.isGone).toBe(false);
    clock.advance(200);
    expect(wire.isGone).toBe(true);
  });

  it.each([
    ['the server’s end', new RendererClosed(), 'close 1012'],
    ['a fault of ours', new Error('a fault of ours'), 'close 1011'],
  ])('says goodbye when the log ends by %s', async (_, fault, goodbye) => {
    const { wire, feed, running } = open();
    feed.fail(fault);
    await running;
    expect(wire.told.at(-1)).toBe(goodbye);
  });
});

describe('a slow peer', () => {
  const full = 300 * 1024;

  it('is given no more until it has made room', async () => {
    const { wire, feed } = open();
    await turn();
    wire.lying = full;
    feed.give(eventOf(1n), eventOf(2n));
    feed.give(eventOf(3n));
    await eventually('one is told', () => wire.told.length === 2);
    await turn();
    expect(wire.told).toHaveLength(2);
    expect(feed.batches).toHaveLength(1);
    wire.drain();
    await eventually('the rest is told', () => wire.told.length === 4);
  });

  it('is closed as slow when it takes too long, and cut off', async () => {
    const { wire, feed, clock, running } = open();
    await turn();
    wire.lying = full;
    feed.give(eventOf(1n), eventOf(2n));
    await eventually('it waits for room', () => wire.told.length === 2);
    clock.advance(29_900);
    expect(wire.told).toHaveLength(2);
    clock.advance(200);
    expect(wire.told.at(-1)).toBe(`close ${String(closeCodes.slow)}`);
    clock.advance(5_000);
    expect(wire.isGone).toBe(true);
    await running;
    expect(wire.told.filter((word) => word === c(2n))).toEqual([]);
  });

  it('misses present state, and is told so once', async () => {
    const { wire, session } = open();
    await turn();
    session.ephemeral('{"n":1}');
    wire.lying = full;
    session.ephemeral('{"n":2}');
    session.ephemeral('{"n":3}');
    wire.lying = 10;
    session.ephemeral('{"n":4}');
    wire.drain();
    await turn();
    session.ephemeral('{"n":5}');
    expect(wire.told.slice(1)).toEqual(['{"n":1}', '{"type":"missed"}', '{"n":5}']);
  });

  it('hears nothing after its end', async () => {
    const { wire, session, running } = open();
    session.end(1000, 'enough');
    session.end(1011, 'again');
    session.ephemeral('{"n":1}');
    await running;
    expect(wire.told.slice(1)).toEqual(['close 1000']);
    expect(await session.room()).toBe(false);
  });
});

describe('the rights of a stream', () => {
  const notSignedIn = new Problem(401, 'not-signed-in', 'no');
  const refused = (error: Error) => (): Principal => {
    throw error;
  };

  it.each([
    ['its token is taken back', refused(notSignedIn), closeCodes.notSignedIn],
    ['its page is foreign', refused(new Problem(403, 'foreign-origin', 'no')), closeCodes.notAllowed],
    [
      'its scope is gone',
      () => ({ ...principal, scopes: new Set(['send'] as const) }),
      closeCodes.notAllowed,
    ],
  ])('end when %s', async (_, answer, code) => {
    const { wire, rights, session, running } = open();
    rights.answer = answer;
    await session.recheck();
    await running;
    expect(wire.told.at(-1)).toBe(`close ${String(code)}`);
  });

  it.each([
    ['gained', new Set([account, newId<'AccountId'>()])],
    ['lost', new Set<AccountId>()],
    ['exchanged', new Set([newId<'AccountId'>()])],
  ])('reset it when an account is %s', async (_, accounts) => {
    const { wire, rights, session, running } = open();
    rights.accounts = accounts;
    await session.recheck();
    await running;
    expect(wire.told.slice(-2)).toEqual(['reset access', 'close 1000']);
  });

  it('leave it alone while nothing has changed, or nobody can tell', async () => {
    const { wire, rights, session } = open();
    await session.recheck();
    rights.answer = refused(new Error('the database is away'));
    await session.recheck();
    rights.answer = refused(new Problem(503, 'storage-unavailable', 'later'));
    await session.recheck();
    expect(wire.told).toHaveLength(1);
  });

  it('are looked at when it begins, and again when what was remembered has been forgotten', async () => {
    const { wire, rights, clock, running } = open();
    await turn();
    rights.answer = refused(notSignedIn);
    clock.advance(5_000);
    await running;
    expect(wire.told.at(-1)).toBe(`close ${String(closeCodes.notSignedIn)}`);
  });

  it('are looked at together with its life', async () => {
    const { wire, rights, session, running } = open();
    await session.checkUp();
    expect(wire.isGone).toBe(false);
    rights.answer = refused(notSignedIn);
    wire.alive = false;
    await session.checkUp();
    await running;
    expect(wire.isGone).toBe(true);
    expect(wire.told).toHaveLength(1);
  });
});

describe('what a stream watches', () => {
  it('is followed when its address changes', async () => {
    const { feed, watch } = open();
    const lobby = newId<'ConversationId'>();
    watch.watching = lobby;
    feed.give(eventOf(1n, 'conversation.changed', newId()), eventOf(2n, 'conversation.changed', lobby));
    await eventually('it was followed', () => watch.moved.length > 0);
    expect(watch.moved).toEqual([{ conversation: lobby, account, address: '#new' }]);
  });
});
