import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '#accounts/testing';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { SetupCode } from './setup.service.js';

const alice = { name: 'Alice', email: 'Alice@Example.org', password: 'correct horse battery' };

// argon2 on a machine that others use as well.
describe('the first person', () => {
  let open: TestDatabase;
  let house: House;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
  });
  afterAll(async () => {
    await open[Symbol.asyncDispose]();
  });

  const begin = async (env: Readonly<Record<string, string>> = {}): Promise<House> =>
    (house = await openHouse(open.database, { env, lent: true }));

  beforeEach(async () => {
    await open.database.query('TRUNCATE workspace, person, setup, sign_in_limit CASCADE');
  });
  afterEach(async () => {
    await house[Symbol.asyncDispose]();
  });

  it('comes in by a code that is made at the first start and can be read aloud', async () => {
    await begin();
    const code = house.app.get(SetupCode).current();
    expect(code).toMatch(/^([a-z]+-\d{4}-){2}[a-z]+-\d{4}$/);
    const answer = await house.ask('POST', '/v1/setup', { body: { ...alice, code } });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      token: expect.stringMatching(/^parley_[\w-]{43}$/),
      me: {
        email: 'alice@example.org',
        role: 'admin',
        workspace: { name: 'Alice’s workspace' },
        scopes: ['read', 'send', 'accounts', 'me', 'admin'],
        presence: { presence: 'available' },
      },
    });
    const { token } = answer.body as { token: string };
    expect((await house.ask('GET', '/v1/me', { token })).status).toBe(200);
    expect(house.app.get(SetupCode).current()).toBeUndefined();
  });

  it('comes in by the code of the environment, however it is typed', async () => {
    await begin({ PARLEY_SETUP_CODE: 'Open-Sesame' });
    expect(house.app.get(SetupCode).current()).toBe('Open-Sesame');
    const body = { ...alice, code: ' OPEN-sesame ', workspace: 'The cave' };
    const answer = await house.ask('POST', '/v1/setup', { body });
    expect(answer.body).toMatchObject({ me: { workspace: { name: 'The cave' } } });
  });

  it('gets a workspace whose log is empty and readable', async () => {
    await begin();
    const { workspace } = await house.setUp();
    expect(
      await open.database.query('SELECT sequence FROM log_head WHERE workspace_id = $1', [workspace]),
    ).toEqual([{ sequence: 0n }]);
  });

  it('comes only once: afterwards the code is worth nothing', async () => {
    await begin({ PARLEY_SETUP_CODE: 'open-sesame' });
    await house.setUp();
    const again = await house.ask('POST', '/v1/setup', { body: { ...alice, code: 'open-sesame' } });
    expect(again).toMatchObject({ status: 410, body: { code: 'already-set-up' } });
  });

  it('finds no code at a second start', async () => {
    await begin();
    await house.setUp();
    await house[Symbol.asyncDispose]();
    await begin();
    expect(house.app.get(SetupCode).current()).toBeUndefined();
    const answer = await house.ask('POST', '/v1/setup', { body: { ...alice, code: 'tulip-0000' } });
    expect(answer.status).toBe(410);
  });

  it('may guess a code ten times, and then has to wait', async () => {
    await begin({ PARLEY_SETUP_CODE: 'open-sesame' });
    const guess = (code: string, from: string) =>
      house.ask('POST', '/v1/setup', { body: { ...alice, code }, from });
    for (let time = 0; time < 10; time++) {
      expect(await guess('open-barley', '192.0.2.1')).toMatchObject({
        status: 403,
        body: { code: 'wrong-code' },
      });
    }
    const eleventh = await guess('open-sesame', '192.0.2.1');
    expect(eleventh).toMatchObject({ status: 429, body: { code: 'too-many-attempts' } });
    expect(Number(eleventh.headers['retry-after'])).toBeGreaterThan(800);
    expect((await guess('open-sesame', '192.0.2.2')).status).toBe(201);
  });

  it('is one, however many try at once', async () => {
    await begin({ PARLEY_SETUP_CODE: 'open-sesame' });
    const tries = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        house.ask('POST', '/v1/setup', {
          body: { ...alice, email: `${name}@example.org`, code: 'open-sesame' },
        }),
      ),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual([201, 410, 410, 410]);
    expect(await open.database.query('SELECT count(*)::int AS count FROM person')).toEqual([{ count: 1 }]);
    expect(await open.database.query('SELECT count(*)::int AS count FROM workspace')).toEqual([{ count: 1 }]);
  });

  it('is told every mistake at once', async () => {
    await begin();
    const answer = await house.ask('POST', '/v1/setup', {
      body: { code: 'x', name: '', email: 'nobody', password: 'short', admin: true },
    });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } });
    const { errors } = answer.body as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/admin', '/email', '/name', '/password']);
    expect(answer.text).not.toContain('short"');
  });

  it('leaves neither code nor password nor token in the tables', async () => {
    await begin({ PARLEY_SETUP_CODE: 'open-sesame' });
    const { token, password } = await house.setUp();
    const tables = ['person', 'token', 'setup', 'audit', 'workspace', 'membership', 'sign_in_limit'];
    const rows = await Promise.all(
      tables.map((table) => open.database.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`)),
    );
    const text = JSON.stringify(rows);
    expect(text).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const secret of [token, token.slice(7), password, 'open-sesame']) expect(text).not.toContain(secret);
  });
});
