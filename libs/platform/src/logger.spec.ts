import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { logger, NestLog, startLogging } from './logger.js';

const early = logger('early');
let lines: Record<string, unknown>[];

beforeEach(() => {
  lines = [];
  startLogging('debug', {
    write: (line) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
    },
  });
});
afterEach(() => {
  startLogging('silent');
});

describe('a room’s logger', () => {
  it('writes one line of JSON with the room, the facts and the sentence', () => {
    logger('bus').info({ attempt: 3, sequence: 9_007_199_254_740_993n }, 'reading on');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        room: 'bus',
        attempt: 3,
        sequence: '9007199254740993',
        msg: 'reading on',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      }),
    ]);
  });

  it('follows when logging starts after it was made', () => {
    early.warn({}, 'still here');
    expect(lines).toMatchObject([{ room: 'early', msg: 'still here' }]);
  });

  it('says nothing below the level', () => {
    logger('bus').trace({}, 'too fine');
    expect(lines).toEqual([]);
  });
});

describe('redaction', () => {
  const written = (facts: Record<string, unknown>): string => {
    logger('x').info(facts, 'facts');
    return JSON.stringify(lines.at(-1));
  };

  it.each([
    'password',
    'newPassword',
    'secret',
    'client_secret',
    'secrets',
    'token',
    'accessToken',
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'apiKey',
    'x-api-key',
    'masterKey',
    'text',
    'replyText',
    'body',
    'draft',
    'topic',
  ])('masks %s at any depth', (name) => {
    const line = written({ [name]: 'hush-1', a: { b: [{ c: { [name]: ['hush-2'] } }] } });
    expect(line).not.toContain('hush');
    expect(line).toContain('[redacted]');
  });

  it('keeps facts about them: whether, and how many', () => {
    expect(written({ password: true, text: null, tokens: 3 })).toMatch(
      /"password":true,"text":null,"tokens":3/,
    );
  });

  it('cuts passwords out of addresses', () => {
    const line = written({
      url: 'postgresql://parley:hush@db.example.org/parley',
      at: new URL('redis://:hush@h:1'),
    });
    expect(line).not.toContain('hush');
    expect(line).toContain('postgresql://parley:***@db.example.org/parley');
  });

  it('cuts the secret out of the address that a provider calls, wherever it stands', () => {
    const address = 'https://example.org/p/in/01890000-0000-7000-8000-000000000000/hush?x=1';
    const line = written({
      url: address,
      err: new Error(`no answer from "${address}"`),
      at: new URL(address),
    });
    expect(line).not.toContain('hush');
    expect(line).toContain('/p/in/01890000-0000-7000-8000-000000000000/***?x=1');
  });

  it('keeps the rows that PostgreSQL shows in its errors out', () => {
    const error = new DatabaseError('invalid input syntax for type uuid: "hush"', 1, 'error');
    error.code = '22P02';
    error.detail = 'Failing row contains (hush).';
    const line = written({ err: new Error('could not store', { cause: error }) });
    expect(line).not.toContain('hush');
    expect(line).toContain('"type":"DatabaseError","code":"22P02"');
    expect(line).toContain('could not store');
    expect(line).toContain('"stack":["at ');
  });

  it('keeps what could not be parsed out', () => {
    let error: unknown;
    try {
      JSON.parse('hush');
    } catch (caught) {
      error = caught;
    }
    expect(written({ err: error })).not.toContain('hush');
  });

  it('ends in circles and in very wide things', () => {
    const circle: Record<string, unknown> = { wide: Array.from({ length: 1_000 }, (_, at) => at) };
    circle['self'] = circle;
    expect(written(circle).length).toBeLessThan(5_000);
  });
});

describe('Nest’s own voice', () => {
  it('speaks in our format, its start being detail', () => {
    const nest = new NestLog();
    nest.log('Mapped {/v1, GET} route', 'RouterExplorer');
    nest.error(new Error('broken'), 'stack\nlines', 'Module');
    expect(lines).toMatchObject([
      { level: 'debug', room: 'nest', context: 'RouterExplorer' },
      { level: 'error', room: 'nest', context: 'Module', err: { message: 'broken' } },
    ]);
  });
});
