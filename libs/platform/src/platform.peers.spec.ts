import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  Controller,
  Injectable,
  Module,
  Post,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  describeWithPeers,
  eventually,
  postgresPeer,
  scratchDirectory,
  startPostgres,
  type RunningPostgres,
} from '#peers';
import { describeEngines, testConfig, type TestDatabase } from '#platform/testing';
import { Database } from './database.js';
import { FreeSpace, SpaceGuard } from './free-space.js';
import { Health } from './health.js';
import { createHttpAdapter } from './http.js';
import { PlatformModule } from './platform.module.js';

const seen: string[] = [];

/** A room as others are: it needs the database from its first moment to its last. */
@Injectable()
class Room implements OnModuleInit, OnApplicationShutdown {
  constructor(readonly database: Database) {}

  async onModuleInit(): Promise<void> {
    await this.database.query('SELECT 1');
    seen.push('begun');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.database.query('SELECT 1');
    seen.push('ended');
  }
}

@Controller('new')
class NewController {
  constructor(private readonly database: Database) {}

  @Post()
  async make(): Promise<string> {
    await this.database.transaction((sql) => sql.query('SELECT 1'));
    return 'made';
  }
}

@Module({ providers: [Room], controllers: [NewController] })
class RoomModule {}

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory('platform');
  seen.length = 0;
});
afterEach(() => {
  scratch[Symbol.dispose]();
});

async function start(url: string | undefined, space?: FreeSpace): Promise<NestFastifyApplication> {
  const config = testConfig(scratch.path, url === undefined ? {} : { DATABASE_URL: url });
  const builder = Test.createTestingModule({ imports: [PlatformModule.forRoot(config), RoomModule] });
  if (space !== undefined) builder.overrideProvider(FreeSpace).useValue(space);
  const module = await builder.compile();
  const app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(config), {
    logger: false,
  });
  await app.init();
  return app;
}

async function ready(app: NestFastifyApplication): Promise<{ status: number; body: unknown }> {
  const answer = await app.inject({ method: 'GET', url: '/readyz' });
  return { status: answer.statusCode, body: answer.json() };
}
const allWell = {
  status: 200,
  body: {
    status: 'ok',
    checks: { database: { status: 'ok' }, migrations: { status: 'ok' }, storage: { status: 'ok' } },
  },
};

it('is there before the rooms, and until after them', async () => {
  const app = await start(undefined);
  expect(await ready(app)).toEqual(allWell);
  await app.close();
  expect(seen).toEqual(['begun', 'ended']);
  await expect(app.get(Database).query('SELECT 1')).rejects.toThrow();
  // The data directory is free again.
  await (await start(undefined)).close();
});

it('refuses what is new when the disk is nearly full, goes on reading, and says so', async () => {
  const space = { free: 100e6, bytes: () => Promise.resolve(space.free) };
  const app = await start(undefined, space);
  const make = async () => {
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/new' });
    return [statusCode, statusCode === 201 ? body : (JSON.parse(body) as { code: string }).code];
  };
  expect(await make()).toEqual([507, 'storage-full']);
  expect(await ready(app)).toMatchObject({
    status: 200,
    body: { status: 'degraded', checks: { storage: { status: 'degraded' } } },
  });
  space.free = 1e9;
  await app.get(SpaceGuard).look();
  expect(await make()).toEqual([201, 'made']);
  await app.close();
});

describeEngines('readiness', (open) => {
  let test: TestDatabase;
  let app: NestFastifyApplication;
  beforeEach(async () => {
    test = await open();
    const config = testConfig(scratch.path);
    const module = await Test.createTestingModule({ imports: [PlatformModule.forRoot(config)] })
      .overrideProvider(Database)
      .useValue(test.database)
      .compile();
    app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(config), { logger: false });
    await app.init();
  });
  afterEach(async () => {
    await app.close();
    await test[Symbol.asyncDispose]();
  });

  it('knows a database that a newer version has migrated, and goes on', async () => {
    await test.database.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES (gen_random_uuid(), '', '2999_new', now())`,
    );
    expect(await ready(app)).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        checks: { migrations: { status: 'degraded', why: expect.stringContaining('2999_new') } },
      },
    });
  });

  it('knows a database that lacks its tables', async () => {
    await test.database.query('DELETE FROM _prisma_migrations');
    expect(await ready(app)).toMatchObject({
      status: 503,
      body: { checks: { migrations: { status: 'down' } } },
    });
  });

  it('ends with the process, while life goes on', async () => {
    expect(await ready(app)).toEqual(allWell);
    app.get(Health).stopping();
    expect(await ready(app)).toMatchObject({
      status: 503,
      body: { checks: { process: { why: 'shutting down' } } },
    });
    expect((await app.inject({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
  });
});

describeWithPeers('a server whose PostgreSQL goes away', [postgresPeer], () => {
  let server: RunningPostgres;
  beforeEach(async () => {
    server = await startPostgres();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('says so, answers 503 with Retry-After, and is ready again by itself', async () => {
    const app = await start(server.url);
    expect(await ready(app)).toEqual(allWell);
    await server.kill();
    const away = { status: 'down', why: 'the database cannot be reached' };
    expect(await ready(app)).toMatchObject({
      status: 503,
      body: { checks: { database: away, migrations: away } },
    });
    const answer = await app.inject({ method: 'POST', url: '/new' });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
    expect(answer.json()).toMatchObject({ code: 'storage-unavailable' });
    await server.start();
    await eventually('it is ready again', async () => (await ready(app)).status === 200);
    expect((await app.inject({ method: 'POST', url: '/new' })).statusCode).toBe(201);
    await app.close();
  });
});
