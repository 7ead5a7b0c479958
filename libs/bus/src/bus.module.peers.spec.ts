import { Global, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import { newId, type AccountId, type PersonId, type WorkspaceId } from '#model';
import { describeWithPeers, eventually, leastOf, postgresPeer, redisPeer, startRedis } from '#peers';
import { Clock, Config, Database, Health, Metrics, readConfig, SystemClock } from '#platform';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { BusModule } from './bus.module.js';
import { DueSweep } from './due-sweep.js';
import { createHead, EventLog } from './event-log.js';
import { Jobs } from './jobs.js';
import { LogReaders } from './log-readers.js';
import { Requests } from './requests.js';

const alice: PersonId = newId();
const account: AccountId = newId();
const scope = { person: alice, accounts: new Set([account]) };

/** One process of an installation: the bus as Nest puts it together, on what the platform would give it. */
async function startProcess(database: Database, redisUrl?: string): Promise<INestApplicationContext> {
  const config = readConfig({
    DATABASE_URL: 'postgresql://parley@db.example.org/parley',
    REDIS_URL: redisUrl,
  });
  @Global()
  @Module({
    providers: [
      { provide: Config, useValue: config },
      { provide: Clock, useClass: SystemClock },
      { provide: Database, useValue: database },
      Health,
      Metrics,
    ],
    exports: [Config, Clock, Database, Health, Metrics],
  })
  class Platform {}
  @Module({ imports: [Platform, BusModule] })
  class Process {}
  return await NestFactory.createApplicationContext(Process, { logger: false, abortOnError: false });
}

async function newWorkspace(database: Database): Promise<WorkspaceId> {
  const id: WorkspaceId = newId();
  await database.prisma.workspace.create({ data: { id, name: 'Example' } });
  await createHead(database, id);
  return id;
}

async function append(process: INestApplicationContext, workspace: WorkspaceId): Promise<bigint> {
  const log = process.get(EventLog);
  const { last } = await process.get(Database).transaction((sql) =>
    log.append(sql, workspace, [
      {
        id: newId(),
        type: 'message.created',
        audience: { kind: 'account', account },
        subject: newId(),
        data: {},
      },
    ]),
  );
  log.committed(workspace, last);
  return last;
}

/** Reads until the number comes; how long that took, in milliseconds. */
async function hears(process: INestApplicationContext, workspace: WorkspaceId, act: () => Promise<bigint>) {
  await using reader = process.get(LogReaders).open(workspace, scope, undefined);
  const items = reader[Symbol.asyncIterator]();
  await items.next();
  const next = items.next();
  const last = await act();
  const began = performance.now();
  expect(await next).toMatchObject({ value: { kind: 'event', event: { sequence: last } } });
  return performance.now() - began;
}

async function exercise(here: INestApplicationContext, there: INestApplicationContext): Promise<void> {
  const workspace = await newWorkspace(here.get(Database));
  // Sooner than it would be looked for.
  const took = await leastOf(1_500, () => hears(there, workspace, () => append(here, workspace)));
  expect(took).toBeLessThan(1_500);
  const end = there.get(Requests).serve('link:1', (body) => Promise.resolve({ heard: body }));
  await eventually('the request is answered', () =>
    here
      .get(Requests)
      .ask('link:1', 'hello', 1_000)
      .catch(() => undefined),
  );
  end();
  let done = 0;
  for (const process of new Set([here, there])) {
    process.get(Jobs).handle('preview', () => {
      done++;
      return Promise.resolve();
    });
  }
  await here.get(Jobs).add('preview', null);
  await eventually('the job is done', () => done === 1);
  let swept = 0;
  here.get(DueSweep).add('due', () => {
    swept++;
    return Promise.resolve(undefined);
  });
  await eventually('the sweep has run', () => swept === 1);
}

async function status(process: INestApplicationContext): Promise<string> {
  return (await process.get(Health).report()).status;
}

describe('the bus in one process', () => {
  it('carries everything, and ends cleanly in the middle of it', async () => {
    await using test = await openTestDatabase('embedded');
    const process = await startProcess(test.database);
    await exercise(process, process);
    const workspace = await newWorkspace(test.database);
    const reader = process.get(LogReaders).open(workspace, scope, 0n);
    const ended = (async () => {
      for await (const item of reader) expect(item.kind).toBe('event');
    })();
    await append(process, workspace);
    await process.close();
    await ended;
  });
});

describeWithPeers('the bus in two processes on PostgreSQL', [postgresPeer], () => {
  it('carries everything between them', async () => {
    await using test = await openTestDatabase('postgres');
    const [here, there] = [
      await startProcess(new Database(test.engine)),
      await startProcess(new Database(test.engine)),
    ];
    await exercise(here, there);
    await here.close();
    await there.close();
  });
});

describeWithPeers('the bus in two processes on PostgreSQL and Redis', [postgresPeer, redisPeer], () => {
  it('carries everything between them, and loses no event while Redis is away', async () => {
    await using test: TestDatabase = await openTestDatabase('postgres');
    await using redis = await startRedis();
    const [here, there] = [
      await startProcess(new Database(test.engine), redis.url),
      await startProcess(new Database(test.engine), redis.url),
    ];
    await exercise(here, there);
    expect(await status(there)).toBe('ok');
    await redis.kill();
    await eventually('the installation says so', async () => (await status(there)) === 'degraded');
    const workspace = await newWorkspace(test.database);
    expect(await hears(there, workspace, () => append(here, workspace))).toBeLessThan(5_000);
    await redis.start();
    await eventually('all is well again', async () => (await status(there)) === 'ok');
    await eventually(
      'signals flow again',
      async () => (await hears(there, workspace, () => append(here, workspace))) < 500,
    );
    await here.close();
    await there.close();
  });

  it('starts when Redis is away, and is whole when it comes', async () => {
    await using test: TestDatabase = await openTestDatabase('postgres');
    await using redis = await startRedis();
    await redis.kill();
    const [here, there] = [
      await startProcess(new Database(test.engine), redis.url),
      await startProcess(new Database(test.engine), redis.url),
    ];
    expect(await status(here)).toBe('degraded');
    const workspace = await newWorkspace(test.database);
    expect(await hears(there, workspace, () => append(here, workspace))).toBeLessThan(5_000);
    await redis.start();
    await eventually(
      'all is well',
      async () => (await status(here)) === 'ok' && (await status(there)) === 'ok',
    );
    await exercise(here, there);
    await here.close();
    await there.close();
  });
});
