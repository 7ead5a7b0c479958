import { describe, expect, it } from '@jest/globals';
import { newId, type AccountId, type Audience, type NewEvent, type PersonId, type WorkspaceId } from '#model';
import type { Database, Sql } from '#platform';
import { describeEngines } from '#platform/testing';
import { createHead, EventLog, UnknownWorkspace, type Alongside } from './event-log.js';
import { Signals } from './signals.js';
import { NoWire } from './wire.js';

const alice: PersonId = newId();
const account: AccountId = newId();

function event(audience: Audience = { kind: 'account', account }, data: NewEvent['data'] = {}): NewEvent {
  return { id: newId(), type: 'message.created', audience, subject: newId(), data };
}

async function newWorkspace(database: Database): Promise<WorkspaceId> {
  const id: WorkspaceId = newId();
  await database.prisma.workspace.create({ data: { id, name: 'Example' } });
  await createHead(database, id);
  return id;
}

async function setUp(database: Database) {
  const signals = new Signals(new NoWire());
  const log = new EventLog(database, signals);
  const workspace = await newWorkspace(database);
  const append = (events: readonly NewEvent[], alongside?: Alongside) =>
    database.transaction((sql) => log.append(sql, workspace, events, alongside));
  const everything = (after = 0n, limit = 1_000) =>
    log.page(workspace, after, limit, { person: alice, accounts: new Set([account]) });
  return { signals, log, workspace, append, everything };
}

describeEngines('the event log', (open) => {
  describe('numbers', () => {
    it('are given in order, without holes, from 1', async () => {
      await using test = await open();
      const { log, workspace, append, everything } = await setUp(test.database);
      const events = [event(), event(), event()];
      expect(await append(events.slice(0, 2))).toEqual({ first: 1n, last: 2n });
      expect(await append(events.slice(2))).toEqual({ first: 3n, last: 3n });
      expect(await log.head(workspace)).toEqual({ sequence: 3n, floor: 0n });
      expect((await everything()).map(({ id, sequence }) => ({ id, sequence }))).toEqual(
        events.map(({ id }, index) => ({ id, sequence: BigInt(index + 1) })),
      );
    });

    it('of one workspace say nothing of another', async () => {
      await using test = await open();
      const { database } = test;
      const { log, append } = await setUp(database);
      await append([event(), event()]);
      const other = await newWorkspace(database);
      expect(await database.transaction((sql) => log.append(sql, other, [event()]))).toEqual({
        first: 1n,
        last: 1n,
      });
    });

    it('of a transaction that did not commit are given again', async () => {
      await using test = await open();
      const { database } = test;
      const { log, workspace, append } = await setUp(database);
      const failing = database.transaction(async (sql) => {
        await log.append(sql, workspace, [event(), event()]);
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      expect(await append([event()])).toEqual({ first: 1n, last: 1n });
    });

    it('do not exist where there is no workspace', async () => {
      await using test = await open();
      const { database } = test;
      const { log } = await setUp(database);
      const nowhere: WorkspaceId = newId();
      await expect(database.transaction((sql) => log.append(sql, nowhere, [event()]))).rejects.toThrow(
        UnknownWorkspace,
      );
      await expect(log.head(nowhere)).rejects.toThrow(UnknownWorkspace);
    });
  });

  it('gives back what it was given', async () => {
    await using test = await open();
    const { append, everything } = await setUp(test.database);
    const before = Date.now();
    const events = [
      event({ kind: 'account', account }, { text: 'Grüße\n"\\ 🎉', list: [1, null, { deep: true }] }),
      event({ kind: 'person', person: alice }),
    ];
    await append(events);
    const read = await everything();
    expect(read).toEqual(
      events.map((given, index) => ({ ...given, sequence: BigInt(index + 1), at: expect.any(Date) })),
    );
    for (const { at } of read) expect(Math.abs(at.getTime() - before)).toBeLessThan(60_000);
  });

  it('shows each reader what is for its person and its accounts, in order, a page at a time', async () => {
    await using test = await open();
    const { log, workspace, append } = await setUp(test.database);
    const other: AccountId = newId();
    const bob: PersonId = newId();
    const audiences: Audience[] = [
      { kind: 'account', account },
      { kind: 'account', account: other },
      { kind: 'person', person: alice },
      { kind: 'person', person: bob },
      { kind: 'account', account },
    ];
    await append(audiences.map((audience) => event(audience)));
    const page = async (person: PersonId, accounts: AccountId[], after: bigint, limit: number) =>
      (await log.page(workspace, after, limit, { person, accounts: new Set(accounts) })).map(
        (each) => each.sequence,
      );
    expect(await page(alice, [account], 0n, 10)).toEqual([1n, 3n, 5n]);
    expect(await page(alice, [account], 0n, 2)).toEqual([1n, 3n]);
    expect(await page(alice, [account], 3n, 2)).toEqual([5n]);
    expect(await page(bob, [account, other], 0n, 10)).toEqual([1n, 2n, 4n, 5n]);
    expect(await page(bob, [], 0n, 10)).toEqual([4n]);
    expect(await page(bob, [], 4n, 10)).toEqual([]);
  });

  describe('what goes alongside', () => {
    const keyValues = (database: Sql) =>
      database.query<{ subject: string; sequence: bigint }>(
        'SELECT principal AS subject, status::int8 AS sequence FROM idempotency ORDER BY status',
      );
    const beside = (workspace: WorkspaceId, key: string): Alongside => ({
      params: [workspace, key],
      ctes: (from) => `
        noted AS (
          INSERT INTO idempotency (workspace_id, principal, key, body_hash, status, answer)
          SELECT $${String(from)}, subject, $${String(from + 1)} || ord, ''::bytea, sequence, '{}' FROM numbered
          WHERE type = 'message.created' RETURNING status
        ), unread AS (SELECT 1 FROM noted)`,
    });

    it('reads the numbers and is part of the same statement', async () => {
      await using test = await open();
      const { database } = test;
      const { workspace, append } = await setUp(database);
      await append([event()]);
      const events = [event(), event()];
      await append(events, beside(workspace, 'k'));
      expect(await keyValues(database)).toEqual(
        events.map(({ subject }, index) => ({ subject, sequence: BigInt(index + 2) })),
      );
    });

    it('runs without events too, and then takes no head', async () => {
      await using test = await open();
      const { database } = test;
      const { log, workspace, append } = await setUp(database);
      await append([event()], beside(workspace, 'k'));
      const touch: Alongside = {
        params: [],
        ctes: () => `touched AS (UPDATE idempotency SET status = 7 + (SELECT count(*) FROM numbered))`,
      };
      const { first, last } = await append([], touch);
      expect(last).toBeLessThan(first);
      expect((await keyValues(database)).map(({ sequence }) => sequence)).toEqual([7n]);
      expect(await log.head(workspace)).toEqual({ sequence: 1n, floor: 0n });
      expect(await append([])).toEqual({ first, last });
    });

    it('takes the events back when it fails', async () => {
      await using test = await open();
      const { workspace, append, everything } = await setUp(test.database);
      await append([event()], beside(workspace, 'k'));
      await expect(
        append([event()], { params: [], ctes: () => 'broken AS (UPDATE idempotency SET status = null)' }),
      ).rejects.toThrow('null');
      expect(await everything()).toHaveLength(1);
    });
  });

  it('says that it has grown, once there is something to see', async () => {
    await using test = await open();
    const { signals, log, workspace } = await setUp(test.database);
    let woken = 0;
    signals.subscribe(`log:${workspace}`, () => woken++);
    log.committed(workspace, 0n);
    await Promise.resolve();
    expect(woken).toBe(0);
    log.committed(workspace, 1n);
    await Promise.resolve();
    expect(woken).toBe(1);
  });

  describe('retention', () => {
    const age = (database: Database, upTo: bigint) =>
      database.query(`UPDATE event SET at = now() - interval '40 days' WHERE sequence <= $1`, [upTo]);
    const monthAgo = (): Date => new Date(Date.now() - 30 * 24 * 3_600_000);

    it('lets go of what is older, says up to where, and stops at the first younger event', async () => {
      await using test = await open();
      const { database } = test;
      const { log, workspace, append, everything } = await setUp(database);
      await append(Array.from({ length: 10 }, () => event()));
      await age(database, 6n);
      await database.query('UPDATE event SET at = now() WHERE sequence = 5');
      await log.retain(monthAgo());
      expect(await log.head(workspace)).toEqual({ sequence: 10n, floor: 4n });
      expect((await everything()).map(({ sequence }) => sequence)).toEqual([5n, 6n, 7n, 8n, 9n, 10n]);
      await log.retain(new Date(Date.now() + 60_000));
      expect(await log.head(workspace)).toEqual({ sequence: 10n, floor: 10n });
      expect(await append([event()])).toEqual({ first: 11n, last: 11n });
    });

    it('never passes what a durable reader has not read', async () => {
      await using test = await open();
      const { database } = test;
      const { log, workspace, append } = await setUp(database);
      await append(Array.from({ length: 10 }, () => event()));
      await age(database, 8n);
      const consumer = { workspaceId: workspace, name: 'archive' };
      await database.prisma.logConsumer.create({ data: { ...consumer, sequence: 3n } });
      await database.prisma.logConsumer.create({ data: { ...consumer, name: 'webhook', sequence: 7n } });
      await log.retain(monthAgo());
      expect(await log.head(workspace)).toEqual({ sequence: 10n, floor: 3n });
      await database.prisma.logConsumer.update({
        where: { workspaceId_name: consumer },
        data: { sequence: 10n },
      });
      await log.retain(monthAgo());
      expect((await log.head(workspace)).floor).toBe(7n);
    });

    it('works in slices, in every workspace, and ends what a cut-off run began', async () => {
      await using test = await open();
      const { database } = test;
      const { log, workspace, append, everything } = await setUp(database);
      const other = await newWorkspace(database);
      await append(Array.from({ length: 2_500 }, () => event()));
      await database.transaction((sql) => log.append(sql, other, [event(), event()]));
      await age(database, 2_400n);
      // As if a run had raised the floor and been cut off before it deleted.
      await database.query('UPDATE log_head SET floor = 1200 WHERE workspace_id = $1', [workspace]);
      await log.retain(monthAgo());
      expect((await log.head(workspace)).floor).toBe(2_400n);
      expect(await everything()).toHaveLength(100);
      const [left] = await database.query<{ count: bigint }>('SELECT count(*) AS count FROM event');
      expect(left?.count).toBe(100n);
      expect((await log.head(other)).floor).toBe(2n);
    });
  });
});
