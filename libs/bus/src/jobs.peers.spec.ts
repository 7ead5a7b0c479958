import { describe, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, redisPeer, startRedis, type RunningRedis } from '#peers';
import { Metrics, readConfig, SystemClock, type Database } from '#platform';
import { describeEngines } from '#platform/testing';
import { Jobs, JobsUnavailable, UnknownJob } from './jobs.js';
import type { JsonLike } from './json.js';

/** One installation's job store, and processes that share it. */
interface Store extends AsyncDisposable {
  process(roles?: string): Jobs;
}

function storeOf(database: Database, redisUrl: string | undefined, close: () => PromiseLike<void>): Store {
  const processes: Jobs[] = [];
  return {
    process(roles = 'gateway,worker') {
      const config = readConfig({
        PARLEY_ROLES: roles,
        DATABASE_URL: 'postgresql://parley@db.example.org/parley',
        REDIS_URL: redisUrl,
      });
      const jobs = new Jobs(config, database, new SystemClock(), new Metrics());
      processes.push(jobs);
      return jobs;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((jobs) => jobs.onModuleDestroy()));
      await close();
    },
  };
}

/** What no Redis store ever touches. */
const noDatabase = undefined as unknown as Database;

async function inRedis(): Promise<Store & { readonly redis: RunningRedis }> {
  const redis = await startRedis();
  const store = storeOf(noDatabase, redis.url, () => redis[Symbol.asyncDispose]());
  return Object.assign(store, { redis });
}

function contract(open: () => Promise<Store>): void {
  it('are done with what they were given, soon', async () => {
    await using store = await open();
    const jobs = store.process();
    const done: JsonLike[] = [];
    jobs.handle('preview', (data) => {
      done.push(data);
      return Promise.resolve();
    });
    jobs.onApplicationBootstrap();
    const data = [{ url: 'https://example.org/ü', deep: [1, null, true] }, 'text', null, 0];
    for (const each of data) await jobs.add('preview', each);
    await eventually('all are done', () => done.length === data.length);
    expect(done).toEqual(expect.arrayContaining(data));
  });

  it('are put down by any process and done by a worker', async () => {
    await using store = await open();
    const gateway = store.process('gateway');
    const worker = store.process('worker');
    const done: string[] = [];
    for (const [name, jobs] of Object.entries({ gateway, worker })) {
      jobs.handle('export', () => {
        done.push(name);
        return Promise.resolve();
      });
      jobs.onApplicationBootstrap();
    }
    for (let count = 0; count < 5; count++) await gateway.add('export', count);
    await eventually('all are done', () => done.length === 5);
    expect(new Set(done)).toEqual(new Set(['worker']));
  });

  it('that nobody handles are refused, and so is a second handler', async () => {
    await using store = await open();
    const jobs = store.process();
    await expect(jobs.add('nothing', null)).rejects.toThrow(UnknownJob);
    jobs.handle('preview', () => Promise.resolve());
    expect(() => {
      jobs.handle('preview', () => Promise.resolve());
    }).toThrow(UnknownJob);
  });

  it('wait as long as they are told to', async () => {
    await using store = await open();
    const jobs = store.process();
    const done: { what: JsonLike; at: number }[] = [];
    jobs.handle('alarm', (what) => {
      done.push({ what, at: performance.now() });
      return Promise.resolve();
    });
    jobs.onApplicationBootstrap();
    const began = performance.now();
    await jobs.add('alarm', 'late', { delayMs: 700 });
    await jobs.add('alarm', 'early', { delayMs: 100 });
    await eventually('both are done', () => done.length === 2);
    expect(done.map(({ what }) => what)).toEqual(['early', 'late']);
    expect((done[1]?.at ?? 0) - began).toBeGreaterThanOrEqual(690);
  });

  it('with a key are put down once while they wait', async () => {
    await using store = await open();
    const jobs = store.process();
    const done: JsonLike[] = [];
    jobs.handle('rebuild', (data) => {
      done.push(data);
      return Promise.resolve();
    });
    for (const data of [1, 2, 3]) await jobs.add('rebuild', data, { key: 'alice' });
    await jobs.add('rebuild', 4, { key: 'bob' });
    await jobs.add('rebuild', 5);
    await jobs.add('rebuild', 'last', { delayMs: 200 });
    jobs.onApplicationBootstrap();
    await eventually('the last is done', () => done.includes('last'));
    expect(done.sort()).toEqual([1, 4, 5, 'last']);
    await jobs.add('rebuild', 6, { key: 'alice' });
    await eventually('the key is free again', () => done.includes(6));
  });

  it('with a key that are put down while one runs are done after it, once, with the latest data', async () => {
    await using store = await open();
    const jobs = store.process();
    const begun: JsonLike[] = [];
    const finish: (() => void)[] = [];
    jobs.handle('rebuild', (data) => {
      begun.push(data);
      return new Promise((done) => finish.push(done));
    });
    jobs.onApplicationBootstrap();
    await jobs.add('rebuild', 'first', { key: 'alice' });
    await eventually('the first runs', () => begun.length === 1);
    await jobs.add('rebuild', 'second', { key: 'alice' });
    await jobs.add('rebuild', 'third', { key: 'alice' });
    expect(begun).toEqual(['first']);
    finish[0]?.();
    await eventually('the next runs', () => begun.length === 2);
    expect(begun).toEqual(['first', 'third']);
    finish[1]?.();
    jobs.handle('marker', () => {
      begun.push('marker');
      return Promise.resolve();
    });
    await jobs.add('marker', null, { delayMs: 200 });
    await eventually('time has passed', () => begun.includes('marker'));
    expect(begun).toEqual(['first', 'third', 'marker']);
  });

  it('that fail are tried again, at least once', async () => {
    await using store = await open();
    const jobs = store.process();
    let tries = 0;
    jobs.handle('flaky', () => {
      if (++tries < 2) return Promise.reject(new Error('not yet'));
      return Promise.resolve();
    });
    jobs.onApplicationBootstrap();
    await jobs.add('flaky', null, { attempts: 1 });
    await eventually('it has been tried again', () => tries === 2);
  });

  it('that run at the end may finish, and no other begins', async () => {
    await using store = await open();
    const jobs = store.process();
    const events: string[] = [];
    let finish: () => void = () => undefined;
    jobs.handle('slow', async () => {
      events.push('begun');
      await new Promise<void>((done) => (finish = done));
      events.push('finished');
    });
    jobs.onApplicationBootstrap();
    await jobs.add('slow', null);
    await eventually('it runs', () => events.length === 1);
    const closing = jobs.onModuleDestroy().then(() => events.push('closed'));
    await expect(jobs.add('slow', null)).rejects.toThrow(JobsUnavailable);
    finish();
    await closing;
    expect(events).toEqual(['begun', 'finished', 'closed']);
  });
}

describeEngines('jobs', (open, engine) => {
  contract(async () => {
    const test = await open();
    return storeOf(test.database, undefined, () => test[Symbol.asyncDispose]());
  });

  if (engine === 'embedded') return;

  it('are done again after every connection was lost', async () => {
    await using test = await open();
    await using store = storeOf(test.database, undefined, () => Promise.resolve());
    const jobs = store.process();
    let done = 0;
    jobs.handle('preview', () => {
      done++;
      return Promise.resolve();
    });
    jobs.onApplicationBootstrap();
    await jobs.add('preview', null);
    await eventually('it is done', () => done === 1);
    const ended = await test.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    expect(ended.length).toBeGreaterThan(0);
    await eventually('jobs can be put down again', () =>
      jobs.add('preview', null).then(
        () => true,
        () => false,
      ),
    );
    await eventually('and are done', () => done >= 2, 30_000);
  });
});

describeWithPeers('jobs in Redis', [redisPeer], () => {
  contract(inRedis);

  describe('when Redis is away', () => {
    it('cannot be put down, which is said at once, and can again when it is back', async () => {
      await using store = await inRedis();
      const jobs = store.process();
      let done = 0;
      jobs.handle('preview', () => {
        done++;
        return Promise.resolve();
      });
      jobs.onApplicationBootstrap();
      await jobs.add('preview', null);
      await eventually('it is done', () => done === 1);
      await store.redis.kill();
      await expect(jobs.add('preview', null)).rejects.toThrow(JobsUnavailable);
      await store.redis.start();
      await eventually('jobs can be put down again', () =>
        jobs.add('preview', null).then(
          () => true,
          () => false,
        ),
      );
      await eventually('and are done', () => done >= 2);
    });
  });
});
