import { describe, expect, it } from '@jest/globals';
import { newId, type AccountId, type Audience, type LogEvent, type NewEvent, type PersonId } from '#model';
import { eventually } from '#peers';
import { SystemClock, type Clock, type Database } from '#platform';
import { describeEngines, TestClock } from '#platform/testing';
import { createHead, EventLog, type ReaderScope } from './event-log.js';
import type { LogItem, LogReader, ReaderOptions } from './log-reader.js';
import { LogReaders } from './log-readers.js';
import { Signals } from './signals.js';
import { NoWire } from './wire.js';

const alice: PersonId = newId();
const account: AccountId = newId();
const scope: ReaderScope = { person: alice, accounts: new Set([account]) };

function event(
  audience: Audience = { kind: 'account', account },
  type: NewEvent['type'] = 'message.created',
): NewEvent {
  return { id: newId(), type, audience, subject: newId(), data: {} };
}

/** The database, with an eye on what is asked of it, and a way to make it fail. */
function watched(database: Database) {
  const seen = { queries: 0, away: false };
  const watching = Object.create(database) as Database;
  watching.query = async (text, params) => {
    seen.queries++;
    if (seen.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    return await database.query(text, params);
  };
  return { watching, seen };
}

async function setUp(database: Database, clock: Clock = new SystemClock()) {
  const { watching, seen } = watched(database);
  const signals = new Signals(new NoWire());
  const log = new EventLog(database, signals);
  const readers = new LogReaders(watching, clock, signals);
  const workspace = newId<'WorkspaceId'>();
  await database.prisma.workspace.create({ data: { id: workspace, name: 'Example' } });
  await createHead(database, workspace);
  const silently = (...events: NewEvent[]) =>
    database.transaction((sql) => log.append(sql, workspace, events));
  const append = async (...events: NewEvent[]) => {
    const numbers = await silently(...events);
    log.committed(workspace, numbers.last);
    return numbers;
  };
  const read = (since: bigint | undefined, options: ReaderOptions = {}, who = scope) =>
    new Reading(readers.open(workspace, who, since, options));
  return { log, readers, workspace, append, silently, read, seen };
}

/** A reader and what it has given so far. */
class Reading implements AsyncDisposable {
  readonly items: LogItem[] = [];
  readonly #iterator: AsyncIterator<LogItem, undefined>;

  constructor(readonly reader: LogReader) {
    this.#iterator = reader[Symbol.asyncIterator]() as AsyncIterator<LogItem, undefined>;
  }

  async next(): Promise<LogItem | undefined> {
    const next = await this.#iterator.next();
    if (next.done === true) return undefined;
    this.items.push(next.value);
    return next.value;
  }

  /** Reads on until there are so many events, or the end. */
  async events(count: number): Promise<LogEvent[]> {
    while (this.#events.length < count && (await this.next()) !== undefined);
    return this.#events;
  }

  async toTheEnd(): Promise<readonly LogItem[]> {
    while ((await this.next()) !== undefined);
    return this.items;
  }

  get #events(): LogEvent[] {
    return this.items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
  }
}

const numbers = (events: readonly LogEvent[]): bigint[] => events.map(({ sequence }) => sequence);
const upTo = (last: number, from = 1): bigint[] =>
  Array.from({ length: last - from + 1 }, (_, index) => BigInt(index + from));

describeEngines('a live reader', (open) => {
  it('without a number begins now, and says where that is', async () => {
    await using test = await open();
    const { append, read } = await setUp(test.database);
    await append(event(), event());
    await using reading = read(undefined);
    expect(await reading.next()).toEqual({ kind: 'heartbeat', sequence: 2n });
    await append(event());
    expect(await reading.next()).toMatchObject({ kind: 'event', event: { sequence: 3n }, prev: 2n });
  });

  it('gives what was, then what comes, each once and each with the number before it', async () => {
    await using test = await open();
    const { append, read } = await setUp(test.database);
    await append(...Array.from({ length: 450 }, () => event()));
    await using reading = read(0n);
    await reading.events(450);
    await append(event(), event());
    expect(numbers(await reading.events(452))).toEqual(upTo(452));
    let prev = 0n;
    for (const item of reading.items) {
      if (item.kind !== 'event') continue;
      expect(item.prev).toBe(prev);
      prev = item.event.sequence;
    }
  });

  it('loses nothing between the table and the tail while others write', async () => {
    await using test = await open();
    const { append, read } = await setUp(test.database);
    let writing = true as boolean;
    const writer = (async () => {
      for (let batch = 0; batch < 150; batch++) await append(event(), event(), event());
      writing = false;
    })();
    const readings: Reading[] = [];
    const checks: Promise<void>[] = [];
    while (writing && readings.length < 12) {
      const reading = read(0n, { buffer: 5 });
      readings.push(reading);
      checks.push(
        reading.events(450).then((events) => {
          expect(numbers(events)).toEqual(upTo(450));
        }),
      );
      await new Promise((again) => setTimeout(again, 20));
    }
    await writer;
    await Promise.all(checks);
    expect(readings.length).toBeGreaterThan(1);
    for (const reading of readings) await reading[Symbol.asyncDispose]();
  });

  it('sees what is for its person and its accounts, from the table and from the tail', async () => {
    await using test = await open();
    const { append, read } = await setUp(test.database);
    const bob: ReaderScope = { person: newId(), accounts: new Set([newId<'AccountId'>(), account]) };
    const [own = account] = bob.accounts;
    const batch = (): NewEvent[] => [
      event(),
      event({ kind: 'person', person: alice }),
      event({ kind: 'person', person: bob.person }),
      event({ kind: 'account', account: own }),
      event({ kind: 'account', account: newId() }),
    ];
    await append(...batch());
    await using first = read(0n);
    await using second = read(0n, {}, bob);
    await first.events(2);
    await second.events(3);
    await append(...batch());
    expect(numbers(await first.events(4))).toEqual([1n, 2n, 6n, 7n]);
    expect(numbers(await second.events(6))).toEqual([1n, 3n, 4n, 6n, 8n, 9n]);
    expect(first.items.at(-2)).toMatchObject({ prev: 2n });
  });

  it('costs the database nothing more when there are many of them', async () => {
    await using test = await open();
    const { append, read, readers, seen } = await setUp(test.database);
    const readings = Array.from({ length: 50 }, () => read(undefined));
    for (const reading of readings) await reading.next();
    expect(readers.counts).toEqual({ readers: 50, tails: 1 });
    const all = Promise.all(readings.map((reading) => reading.events(1)));
    const before = seen.queries;
    await append(event());
    await all;
    expect(seen.queries - before).toBeLessThanOrEqual(2);
    for (const reading of readings) await reading[Symbol.asyncDispose]();
    expect(readers.counts).toEqual({ readers: 0, tails: 0 });
  });

  it('hears within seconds of what no signal told', async () => {
    await using test = await open();
    const clock = new TestClock();
    const { silently, read } = await setUp(test.database, clock);
    await using reading = read(0n);
    const next = reading.events(1);
    await eventually('the reader waits', () => clock.waiting === 2);
    await silently(event());
    clock.advance(2_000);
    expect(numbers(await next)).toEqual([1n]);
  });

  it('that has nothing to say gives a heartbeat with the number that all others have reached', async () => {
    await using test = await open();
    const clock = new TestClock();
    const { append, read } = await setUp(test.database, clock);
    await append(event());
    await using reading = read(1n);
    const next = reading.next();
    await eventually('the reader waits', () => clock.waiting === 2);
    await using other = read(1n, {}, { person: newId(), accounts: new Set() });
    const theirs = other.next();
    await eventually('the other waits', () => clock.waiting === 3);
    const hidden = event({ kind: 'account', account: newId() });
    await append(hidden, event());
    expect(await next).toMatchObject({ event: { sequence: 3n }, prev: 1n });
    clock.advance(15_000);
    expect(await theirs).toEqual({ kind: 'heartbeat', sequence: 3n });
    const later = reading.next();
    await eventually('the reader waits again', () => clock.waiting === 2);
    clock.advance(15_000);
    expect(await later).toEqual({ kind: 'heartbeat', sequence: 3n });
  });

  it('that is slow goes back to the table and loses nothing', async () => {
    await using test = await open();
    const { append, read, seen } = await setUp(test.database);
    await using slow = read(0n, { buffer: 10 });
    await using quick = read(0n);
    await append(event());
    await slow.events(1);
    const idle = slow.next();
    await append(event());
    await idle;
    const before = seen.queries;
    for (let batch = 0; batch < 20; batch++) {
      await append(...Array.from({ length: 50 }, () => event()));
      await quick.events(2 + 50 * (batch + 1));
    }
    const tail = seen.queries - before;
    expect(numbers(await slow.events(1_002))).toEqual(upTo(1_002));
    // Pages of its own: what had been handed to it was not kept.
    expect(seen.queries - before - tail).toBeGreaterThanOrEqual(5);
    await append(event());
    expect(numbers(await slow.events(1_003)).at(-1)).toBe(1_003n);
  });

  it('is late, not ended, when the database is away for a moment', async () => {
    await using test = await open();
    const { append, read, seen } = await setUp(test.database);
    await append(event());
    seen.away = true;
    await using reading = read(0n);
    const first = reading.events(1);
    await eventually('it has tried twice', () => seen.queries >= 2);
    seen.away = false;
    expect(numbers(await first)).toEqual([1n]);
    seen.away = true;
    const before = seen.queries;
    const second = reading.events(2);
    await append(event());
    await eventually('the tail has tried', () => seen.queries > before);
    seen.away = false;
    expect(numbers(await second)).toEqual([1n, 2n]);
  });

  describe('is told to begin again', () => {
    it('when what it has not seen was let go', async () => {
      await using test = await open();
      const { log, append, read } = await setUp(test.database);
      await append(event(), event());
      await log.retain(new Date(Date.now() + 60_000));
      await append(event());
      expect(await read(1n).toTheEnd()).toEqual([{ kind: 'reset', reason: 'retention' }]);
      await using reading = read(2n);
      expect(numbers(await reading.events(1))).toEqual([3n]);
    });

    it('when retention overtakes it on its way', async () => {
      await using test = await open();
      const { log, append, read } = await setUp(test.database);
      await append(...Array.from({ length: 500 }, () => event()));
      await using reading = read(0n);
      await reading.events(100);
      await log.retain(new Date(Date.now() + 60_000));
      expect((await reading.toTheEnd()).at(-1)).toEqual({ kind: 'reset', reason: 'retention' });
    });

    it('when its number lies ahead of the log', async () => {
      await using test = await open();
      const { append, read } = await setUp(test.database);
      await append(event());
      expect(await read(2n).toTheEnd()).toEqual([{ kind: 'reset', reason: 'ahead' }]);
    });

    it('when what it may see changed since its number, before it sees anything', async () => {
      await using test = await open();
      const { append, read } = await setUp(test.database);
      await append(event(), event({ kind: 'person', person: alice }, 'access.changed'), event());
      expect(await read(1n).toTheEnd()).toEqual([{ kind: 'reset', reason: 'access' }]);
      await using after = read(2n);
      expect(numbers(await after.events(1))).toEqual([3n]);
      await using bob = read(0n, {}, { person: newId(), accounts: new Set([account]) });
      expect(numbers(await bob.events(2))).toEqual([1n, 3n]);
    });

    it('when what it may see changes while it reads, and sees nothing after that', async () => {
      await using test = await open();
      const { append, read } = await setUp(test.database);
      await using reading = read(0n);
      const all = reading.toTheEnd();
      await append(event());
      await append(event({ kind: 'person', person: alice }, 'access.changed'), event());
      expect(await all).toEqual([
        expect.objectContaining({ kind: 'event' }),
        { kind: 'reset', reason: 'access' },
      ]);
    });
  });

  describe('ends', () => {
    it('when it is disposed of, even while it waits', async () => {
      await using test = await open();
      const { append, read, readers } = await setUp(test.database);
      const reading = read(0n);
      const all = reading.toTheEnd();
      await append(event());
      await eventually('it has given the event', () => reading.items.length === 1);
      await reading[Symbol.asyncDispose]();
      expect(await all).toHaveLength(1);
      expect(readers.counts).toEqual({ readers: 0, tails: 0 });
    });

    it('when its consumer walks away', async () => {
      await using test = await open();
      const { workspace, append, readers } = await setUp(test.database);
      await append(event(), event());
      for await (const item of readers.open(workspace, scope, 0n)) if (item.kind === 'event') break;
      expect(readers.counts).toEqual({ readers: 0, tails: 0 });
    });

    it('when it was never read', async () => {
      await using test = await open();
      const { read, readers } = await setUp(test.database);
      await read(0n)[Symbol.asyncDispose]();
      expect(readers.counts).toEqual({ readers: 0, tails: 0 });
    });

    it('when the process ends, and no other begins', async () => {
      await using test = await open();
      const { read, readers } = await setUp(test.database);
      const reading = read(0n);
      const all = reading.toTheEnd();
      await readers.beforeApplicationShutdown();
      expect(await all).toEqual([]);
      expect(() => read(0n)).toThrow('closed');
    });
  });
});
