import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '#accounts/testing';
import { startLogging } from '#platform';
import { openTestDatabase, type TestDatabase } from '#platform/testing';

// argon2 on a machine that others use as well.
describe('what nobody may read', () => {
  let open: TestDatabase;
  let house: House;
  const log: string[] = [];

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    startLogging('trace', { write: (line) => void log.push(line) });
    house = await openHouse(open.database, { lent: true, env: { PARLEY_SETUP_CODE: 'setup-code-here' } });
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    startLogging('silent');
    await open[Symbol.asyncDispose]();
  });

  it('is in no log, no event, no audit, no later answer and no table, whatever people do and get wrong', async () => {
    const answers: string[] = [];
    const ask = async (...asking: Parameters<House['ask']>) => {
      const answer = await house.ask(...asking);
      answers.push(answer.text);
      return answer;
    };
    const alice = await house.setUp();
    const token = alice.token;
    const invited = await house.get<{ code: string }>('POST', '/v1/invitations', {
      token,
      body: { role: 'member' },
    });
    const bot = await house.get<{ id: string; token: string }>('POST', '/v1/tokens', {
      token,
      body: { label: 'bot', scopes: ['read'] },
    });
    const cookie = await house.signIn(alice);
    const secrets = { password: 'secret-of-paper', pin: '987654321' };
    const body = { connector: 'paper', label: 'x', settings: { host: 'paper.example.org' }, secrets };
    const made = await ask('POST', '/v1/accounts', { token, body });
    const { id } = made.body as { id: string };
    await ask('PATCH', `/v1/accounts/${id}`, { token, body: { secrets: { password: 'another-secret' } } });
    await ask('PATCH', `/v1/accounts/${id}`, { token, body: { secrets: { pin: 'wrong-pin-here' } } });
    await ask('POST', '/v1/accounts', {
      token,
      body: { ...body, secrets: { password: { nested: 'deep-secret' } } },
    });
    await ask('POST', `/v1/accounts/${id}/answer`, { token, body: { answer: 'answer-to-captcha' } });
    await ask('POST', '/v1/session', { body: { email: alice.email, password: 'wrong-password-here' } });
    await ask('POST', '/v1/setup', {
      body: { code: 'guessed-code-here', name: 'x', email: 'x@example.org', password: 'password-of-setup' },
    });
    await ask('POST', `/v1/invitations/${invited.code}/accept`, {
      body: { name: 'x', email: alice.email, password: 'wrong-password-too' },
    });
    const password = 'a-new-password-here';
    await ask('PATCH', '/v1/me', { token, body: { password, currentPassword: 'wrong-current-one' } });
    await ask('PATCH', '/v1/me', { token, body: { password, currentPassword: alice.password } });
    for (const path of ['me', 'tokens', 'invitations', 'accounts', 'links', 'people', 'connectors']) {
      await ask('GET', `/v1/${path}`, { token });
    }
    await ask('DELETE', `/v1/tokens/${bot.id}`, { token });
    // A failure that nobody foresaw, on the way of a secret.
    await open.database.query('ALTER TABLE link RENAME COLUMN secrets TO mislaid');
    const failed = await ask('POST', '/v1/accounts', { token, body });
    expect(failed.status).toBe(500);
    await open.database.query('ALTER TABLE link RENAME COLUMN mislaid TO secrets');

    const tables = await open.database.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows: unknown[] = [];
    for (const { name } of tables) rows.push(await open.database.query(`SELECT t::text FROM ${name} t`));
    expect(log.length).toBeGreaterThan(0);
    expect(tables.length).toBeGreaterThan(20);
    const everything = [...log, ...answers, JSON.stringify(rows)].join('\n');
    for (const secret of [
      'setup-code-here',
      alice.password,
      token.slice(7),
      bot.token.slice(7),
      invited.code,
      cookie.split('=')[1] ?? '?',
      ...Object.values(secrets),
      'another-secret',
      'wrong-pin-here',
      'deep-secret',
      'answer-to-captcha',
      'wrong-password-here',
      'guessed-code-here',
      'password-of-setup',
      'wrong-password-too',
      'wrong-current-one',
      password,
    ]) {
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });
});
