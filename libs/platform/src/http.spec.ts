import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { scratchDirectory } from '#peers';
import { testConfig } from '#platform/testing';
import { Database } from './database.js';
import { CommitInDoubt, StorageFull } from './database.errors.js';
import { createHttpAdapter } from './http.js';
import { startLogging } from './logger.js';
import { PlatformModule } from './platform.module.js';
import { Problem } from './problem.js';
import type { Reply } from './problem.filter.js';

const errors: Record<string, () => unknown> = {
  problem: () =>
    new Problem(422, 'invalid', 'two things are wrong', {
      errors: [{ pointer: '/name', detail: 'is missing' }],
      members: { limit: 3 },
    }),
  later: () => new Problem(429, 'rate-limited', 'too fast', { retryAfterSeconds: 1.2 }),
  forbidden: () => new ForbiddenException('not yours'),
  teapot: () => new HttpException('short and stout', 418),
  'database-away': () =>
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }),
  'commit-in-doubt': () => new CommitInDoubt({ cause: new Error('gone') }),
  full: () => new StorageFull(),
  bug: () => new TypeError('cannot read hush of undefined'),
  text: () => 'hush',
  nothing: () => undefined,
};

@Controller('try')
class TryController {
  @Get('ip')
  ip(@Req() request: { readonly ip: string }): string {
    return request.ip;
  }

  @Get('begun')
  begun(@Res() reply: Reply): never {
    reply.raw.write('half of it');
    throw new Error('the other half is missing');
  }

  @Get(':error')
  fail(@Param('error') name: string): never {
    throw errors[name]?.();
  }

  @Post()
  take(@Body() body: unknown, @Query('async') later?: string): Promise<unknown> {
    return later === undefined
      ? Promise.resolve(body)
      : Promise.reject(new Problem(409, 'conflict', 'taken'));
  }
}

let scratch: ReturnType<typeof scratchDirectory>;
let app: NestFastifyApplication;
let lines: string[];

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const config = testConfig(scratch.path, env);
  const module = await Test.createTestingModule({
    imports: [PlatformModule.forRoot(config)],
    controllers: [TryController],
  })
    .overrideProvider(Database)
    .useValue({ query: () => Promise.resolve([]), full: false })
    .compile();
  app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(config), { logger: false });
  await app.listen(0, '127.0.0.1');
}

beforeEach(() => {
  scratch = scratchDirectory('http');
  lines = [];
  startLogging('debug', { write: (line) => void lines.push(line) });
});
afterEach(async () => {
  startLogging('silent');
  await app.close();
  scratch[Symbol.dispose]();
});

const problemAt = async (path: string) => {
  const answer = await app.inject({ method: 'GET', url: path });
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const body = answer.json<Record<string, unknown>>();
  expect(body).toMatchObject({ type: 'about:blank', status: answer.statusCode });
  return { status: answer.statusCode, headers: answer.headers, body };
};

describe('an error', () => {
  beforeEach(() => start());

  it('that is a problem is told as it is', async () => {
    const { body } = await problemAt('/try/problem');
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'invalid',
      detail: 'two things are wrong',
      errors: [{ pointer: '/name', detail: 'is missing' }],
      limit: 3,
    });
  });

  it.each([
    ['later', 429, 'rate-limited', '2'],
    ['database-away', 503, 'storage-unavailable', '2'],
    ['commit-in-doubt', 503, 'storage-unavailable', '2'],
    ['full', 507, 'storage-full', '60'],
  ])('%s says when to come again', async (name, status, code, seconds) => {
    const problem = await problemAt(`/try/${name}`);
    expect(problem.body).toMatchObject({ status, code });
    expect(problem.headers['retry-after']).toBe(seconds);
  });

  it.each([
    ['forbidden', 403, 'forbidden', 'not yours'],
    ['teapot', 418, 'bad-request', 'short and stout'],
  ])('of Nest’s own (%s) has a stable code', async (name, status, code, detail) => {
    expect((await problemAt(`/try/${name}`)).body).toMatchObject({ status, code, detail });
  });

  it.each(['bug', 'text', 'nothing'])(
    'that nobody foresaw (%s) is logged, and says nothing of itself',
    async (name) => {
      const { body } = await problemAt(`/try/${name}`);
      expect(body).toMatchObject({ status: 500, code: 'internal' });
      expect(JSON.stringify(body)).not.toContain('hush');
      const line = lines.find((each) => each.includes('a request failed'));
      expect(line).toContain(`"instance":"${String(body['instance'])}"`);
      expect(line).toContain('"route":"/try/:error"');
    },
  );

  it('after the answer has begun breaks it off', async () => {
    const asked = fetch(`${await app.getUrl()}/try/begun`).then((answer) => answer.text());
    await expect(asked).rejects.toThrow();
  });

  it('of an asynchronous handler is told too', async () => {
    const answer = await app.inject({ method: 'POST', url: '/try?async=1', payload: {} });
    expect(answer.json()).toMatchObject({ status: 409, code: 'conflict' });
  });
});

describe('a request', () => {
  beforeEach(() => start());

  const post = (payload: string, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/try', payload, headers });

  it.each([
    ['a path that is not there', '/nowhere', 404, 'not-found'],
    ['a path that is no path', '/%zz', 400, 'bad-request'],
    ['an endless path', `/try/${'x'.repeat(2_000)}`, 414, 'address-too-long'],
  ])('for %s is refused', async (_what, path, status, code) => {
    expect((await problemAt(path)).body).toMatchObject({ status, code });
  });

  it('with another method is refused', async () => {
    const answer = await app.inject({ method: 'DELETE', url: '/try' });
    expect(answer.json()).toMatchObject({ status: 404, code: 'not-found' });
  });

  it.each([
    ['that is not JSON', '{"hush', 'application/json', 400, 'malformed-json'],
    ['that is empty JSON', '', 'application/json', 400, 'malformed-json'],
    ['that poisons', '{"__proto__":{"x":1}}', 'application/json', 400, 'malformed-json'],
    ['of another type', '<x/>', 'application/xml', 415, 'unsupported-media-type'],
    ['of 10 MB', `"${'x'.repeat(10_000_000)}"`, 'application/json', 413, 'body-too-large'],
  ])(
    'with a body %s is refused, and the body is not repeated',
    async (_what, payload, type, status, code) => {
      const answer = await post(payload, { 'content-type': type });
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.json()).toMatchObject({ status, code });
      expect(answer.body + lines.join('')).not.toContain('hush');
    },
  );

  it('within the limits is taken', async () => {
    const text = 'x'.repeat(1_000_000);
    const answer = await post(JSON.stringify({ text }), { 'content-type': 'application/json' });
    expect(answer.json()).toEqual({ text });
  });

  it.each([
    ['that is no HTTP', 'EHLO example.org\r\n\r\n', 400, 'bad-request'],
    ['with an endless head', `GET / HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s is answered with a problem all the same', async (_what, bytes, status, code) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.write(bytes);
    await once(socket, 'close');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });
});

describe('the address of whoever asks', () => {
  const ip = async () =>
    (await app.inject({ method: 'GET', url: '/try/ip', headers: { 'x-forwarded-for': '192.0.2.7' } })).body;

  it('is the peer’s where no proxy is trusted', async () => {
    await start();
    expect(await ip()).toBe('127.0.0.1');
  });

  it('is what a trusted proxy says', async () => {
    await start({ PARLEY_TRUST_PROXY: '127.0.0.0/8' });
    expect(await ip()).toBe('192.0.2.7');
  });

  it('is not what anybody else says', async () => {
    await start({ PARLEY_TRUST_PROXY: '10.0.0.1' });
    expect(await ip()).toBe('127.0.0.1');
  });
});

describe('what whoever runs this asks', () => {
  beforeEach(() => start());

  it('alive: the process answers', async () => {
    const answer = await app.inject({ method: 'GET', url: '/healthz' });
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('how is it doing: numbers for Prometheus, of the process, the event loop and the requests', async () => {
    await app.inject({ method: 'GET', url: '/try/bug' });
    const answer = await app.inject({ method: 'GET', url: '/metrics' });
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.body).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(answer.body).toMatch(/^event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/m);
    expect(answer.body).toContain(
      'http_request_duration_seconds_count{method="GET",route="/try/:error",status="500"} 1',
    );
  });
});
