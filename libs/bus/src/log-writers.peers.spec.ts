import { expect, it } from '@jest/globals';
import { newId, type AccountId, type PersonId, type WorkspaceId } from '#model';
import { describeWithPeers, eventually, postgresPeer, run, type RunningProcess } from '#peers';
import { SystemClock, type Database } from '#platform';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { createHead, EventLog } from './event-log.js';
import { LogReaders } from './log-readers.js';
import { Signals } from './signals.js';
import { NoWire } from './wire.js';

const account: AccountId = newId();
const person: PersonId = newId();

/** What every writer process begins with: the built code of this program, and one way to append. */
const preamble = `
  import { EventLog } from '#bus';
  import { newId } from '#model';
  import { Database, postgresEngine } from '#platform';
  const database = new Database(postgresEngine(process.env.URL));
  const log = new EventLog(database);
  const { WORKSPACE: workspace, ACCOUNT: account } = process.env;
  const events = (count) => Array.from({ length: count }, () => ({
    id: newId(), type: 'message.created', audience: { kind: 'account', account }, subject: newId(), data: { pid: process.pid },
  }));
`;

/** Transactions of all sizes, three at a time, some of which change their mind; tells how many events it stored. */
const busy = `${preamble}
  let stored = 0;
  const one = async () => {
    const count = 1 + Math.floor(Math.random() * 20);
    try {
      await database.transaction(async (sql) => {
        await sql.query('SELECT pg_sleep($1)', [Math.random() * 0.01]);
        await log.append(sql, workspace, events(count));
        if (Math.random() < 0.15) throw new Error('changed my mind');
      });
      stored += count;
    } catch (error) {
      if (error.message !== 'changed my mind') throw error;
    }
  };
  for (let round = 0; round < 40; round++) await Promise.all([one(), one(), one()]);
  await database.close();
  console.log('stored ' + stored);
`;

/** Takes the head, says so, and commits much later. */
const hanging = `${preamble}
  await database.transaction(async (sql) => {
    await log.append(sql, workspace, events(5));
    console.log('holding');
    await new Promise((later) => setTimeout(later, 3_000));
  });
`;

function writer(script: string, test: TestDatabase, workspace: WorkspaceId): RunningProcess {
  const env = { URL: test.url, WORKSPACE: workspace, ACCOUNT: account };
  return run(process.execPath, ['--input-type=module', '--eval', script], { env });
}

async function setUp(database: Database) {
  const signals = new Signals(new NoWire());
  const log = new EventLog(database, signals);
  const workspace: WorkspaceId = newId();
  await database.prisma.workspace.create({ data: { id: workspace, name: 'Example' } });
  await createHead(database, workspace);
  return { signals, log, workspace };
}

async function storedBy(process: RunningProcess): Promise<number> {
  const stored = await eventually(
    'the writer tells what it stored',
    () => {
      if ((process.child.exitCode ?? 0) !== 0) throw new Error(process.output());
      return /^stored (\d+)$/m.exec(process.output())?.[1];
    },
    60_000,
  );
  return Number(stored);
}

describeWithPeers('several writer processes on PostgreSQL', [postgresPeer], () => {
  it('never show N+1 to anybody who has not seen N, and leave no hole', async () => {
    await using test = await openTestDatabase('postgres');
    const { database } = test;
    const { signals, workspace } = await setUp(database);
    const readers = new LogReaders(database, new SystemClock(), signals);

    let writing = true as boolean;
    let looks = 0;
    /** Looks as often as it can, with no help from us: plain SELECTs on a connection of its own. */
    const look = async (): Promise<bigint> => {
      let last = 0n;
      for (let quiet = false; writing || !quiet;) {
        const rows = await database.query<{ sequence: bigint }>(
          'SELECT sequence FROM event WHERE workspace_id = $1 AND sequence > $2 ORDER BY sequence',
          [workspace, last],
        );
        for (const { sequence } of rows) expect(sequence).toBe(++last);
        quiet = rows.length === 0;
        looks++;
      }
      return last;
    };
    const reader = readers.open(workspace, { person, accounts: new Set([account]) }, 0n, { buffer: 50 });
    const readAll = async (): Promise<bigint> => {
      let last = 0n;
      for await (const item of reader) {
        if (item.kind !== 'event') continue;
        expect(item.prev).toBe(last);
        expect(item.event.sequence).toBe(++last);
        if (last === total) break;
      }
      return last;
    };
    let total: bigint | undefined;

    const processes = Array.from({ length: 4 }, () => writer(busy, test, workspace));
    const looking = [look(), look(), look()];
    const reading = readAll();
    const counts = await Promise.all(processes.map(storedBy));
    const stored = BigInt(counts.reduce((sum, count) => sum + count, 0));
    expect(stored).toBeGreaterThan(1_000n);
    total = stored;
    writing = false;
    expect(await Promise.all(looking)).toEqual([stored, stored, stored]);
    expect(looks).toBeGreaterThan(100);
    const [head] = await database.query('SELECT sequence FROM log_head WHERE workspace_id = $1', [workspace]);
    expect(head).toEqual({ sequence: stored });
    // One more, for a reader that had already seen the last when the total became known.
    const log = new EventLog(database, signals);
    total = stored + 1n;
    const extra = { id: newId<'EventId'>(), type: 'message.created', subject: newId(), data: {} } as const;
    const { last } = await database.transaction((sql) =>
      log.append(sql, workspace, [{ ...extra, audience: { kind: 'account', account } }]),
    );
    log.committed(workspace, last);
    expect(await reading).toBe(stored + 1n);
    await readers.beforeApplicationShutdown();
  }, 90_000);

  it('wait two seconds at most for one that took the head and stands still', async () => {
    await using test = await openTestDatabase('postgres');
    const { database } = test;
    const { log, workspace } = await setUp(database);
    await using holder = writer(hanging, test, workspace);
    await eventually('it holds the head', () => holder.output().includes('holding'), 30_000);
    const { pid } = holder.child;
    if (pid === undefined) throw new Error('no process');
    process.kill(pid, 'SIGSTOP');
    try {
      const began = performance.now();
      const numbers = await eventually('another can write', () =>
        database
          .transaction((sql) =>
            log.append(sql, workspace, [
              {
                id: newId(),
                type: 'message.created',
                audience: { kind: 'account', account },
                subject: newId(),
                data: {},
              },
            ]),
          )
          // Whoever began to wait early enough gives up (55P03) just before the holder is ended.
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: '55P03' });
            return undefined;
          }),
      );
      expect(performance.now() - began).toBeLessThan(4_000);
      expect(numbers).toEqual({ first: 1n, last: 1n });
      const readable = await log.page(workspace, 0n, 10, { person, accounts: new Set([account]) });
      expect(readable.map(({ sequence }) => sequence)).toEqual([1n]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('the holder has learnt that it lost', () => holder.child.exitCode === 1);
    expect(await log.head(workspace)).toEqual({ sequence: 1n, floor: 0n });
  });
});
