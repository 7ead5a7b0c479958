import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import { eventually, leastOf } from '#peers';
import { openTestDatabase, TestClock, type TestDatabase } from '#platform/testing';
import { Authenticator } from './authenticator.js';

const own = { origin: 'http://localhost:80' };
const foreign = { origin: 'https://evil.example.org' };

// argon2 on a machine that others use as well.
describe('signing in', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await open.database.query('TRUNCATE sign_in_limit');
  });

  const tryIn = (body: object, from?: string, headers?: Record<string, string>) =>
    house.ask('POST', '/v1/session', {
      body,
      ...(from === undefined ? {} : { from }),
      ...(headers === undefined ? {} : { headers }),
    });
  const right = () => ({ email: alice.email, password: alice.password });

  it('gives a cookie that scripts and other sites cannot have', async () => {
    const answer = await tryIn(right());
    expect(answer).toMatchObject({ status: 201, body: { id: alice.id, role: 'admin' } });
    expect(answer.headers['set-cookie']).toMatch(
      /^parley_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.text).not.toContain('parley_session');
  });

  it('gives a cookie for TLS only where people come by https', async () => {
    await using safe = await openHouse(open.database, {
      lent: true,
      env: { PARLEY_PUBLIC_URL: 'https://parley.example.org' },
    });
    const answer = await safe.ask('POST', '/v1/session', {
      body: right(),
      headers: { origin: 'https://parley.example.org' },
    });
    expect(answer.headers['set-cookie']).toMatch(/; Secure/);
  });

  it('keeps the secret of the cookie out of the tables', async () => {
    const cookie = await house.signIn(alice);
    const rows = await open.database.query<{ row: string }>('SELECT s::text AS row FROM web_session s');
    expect(JSON.stringify(rows)).not.toContain(cookie.split('=')[1]);
  });

  it('answers a wrong password and an unknown address alike, in words and in time', async () => {
    const wrong = { ...right(), password: 'wrong' };
    const nobody = { email: 'nobody@example.org', password: 'wrong' };
    const answer = async (body: object) => {
      const { status, body: said } = await tryIn(body);
      const { code, detail } = said as { code: string; detail: string };
      return { status, code, detail };
    };
    const known = await answer(wrong);
    expect(await answer(nobody)).toEqual(known);
    expect(known).toMatchObject({ status: 401, code: 'wrong-credentials' });
    const took = (body: object): Promise<number> =>
      leastOf(
        0,
        async () => {
          const began = performance.now();
          await tryIn(body);
          return performance.now() - began;
        },
        3,
      );
    // An answer without the work of argon2 would come in a few hundredths of the time.
    expect(await took(nobody)).toBeGreaterThan((await took(wrong)) / 5);
  });

  it('holds a door shut after ten wrong passwords, whoever knocks, and opens it to a right one before that', async () => {
    const wrong = { ...right(), password: 'wrong' };
    for (let time = 0; time < 9; time++) {
      expect((await tryIn(wrong, `192.0.2.${String(time)}`)).status).toBe(401);
    }
    expect((await tryIn(right(), '192.0.2.9')).status).toBe(201);
    for (let time = 0; time < 10; time++) {
      expect((await tryIn(wrong, `192.0.2.${String(time)}`)).status).toBe(401);
    }
    const shut = await tryIn(right(), '198.51.100.1');
    expect(shut).toMatchObject({ status: 429, body: { code: 'too-many-attempts' } });
    expect(Number(shut.headers['retry-after'])).toBeGreaterThan(0);
    const other = { email: 'nobody@example.org', password: 'wrong' };
    expect((await tryIn(other, '198.51.100.1')).status).toBe(401);
  });

  it('counts wrong passwords that come all at once one by one', async () => {
    const wrong = { ...right(), password: 'wrong' };
    const answers = await Promise.all(Array.from({ length: 15 }, () => tryIn(wrong)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  });

  it('tires of one client that tries fifty doors, and of its whole IPv6 network', async () => {
    for (let time = 0; time < 50; time++) {
      const body = { email: `nobody.${String(time)}@example.org`, password: 'wrong' };
      expect((await tryIn(body, `2001:db8:1:1::${time.toString(16)}`)).status).toBe(401);
    }
    expect((await tryIn(right(), '2001:db8:1:1:ffff::1')).status).toBe(429);
    expect((await tryIn(right(), '2001:db8:1:2::1')).status).toBe(201);
  });

  it('believes X-Forwarded-For only from a trusted proxy', async () => {
    const wrong = { ...right(), password: 'wrong' };
    await tryIn(wrong, '203.0.113.1', { 'x-forwarded-for': '192.0.2.77' });
    await using behind = await openHouse(open.database, {
      lent: true,
      env: { PARLEY_TRUST_PROXY: '203.0.113.0/24' },
    });
    const headers = { 'x-forwarded-for': '192.0.2.88' };
    await behind.ask('POST', '/v1/session', { body: wrong, from: '203.0.113.1', headers });
    await behind.ask('POST', '/v1/session', { body: wrong, from: '198.51.100.7', headers });
    const rows = await open.database.query<{ key: string }>(
      `SELECT key FROM sign_in_limit WHERE key LIKE 'address:%' ORDER BY key`,
    );
    expect(rows.map(({ key }) => key)).toEqual([
      'address:192.0.2.88',
      'address:198.51.100.7',
      'address:203.0.113.1',
    ]);
  });

  it('goes to the workspace that one has been in longest, or to the one that is named', async () => {
    const { id } = await house.get<{ id: string }>('POST', '/v1/workspaces', {
      token: alice.token,
      body: { name: 'Second' },
    });
    expect((await tryIn(right())).body).toMatchObject({ workspace: { id: alice.workspace } });
    expect((await tryIn({ ...right(), workspace: id })).body).toMatchObject({
      workspace: { name: 'Second' },
    });
    const stranger = await house.elsewhere(alice);
    const other = await tryIn({ ...right(), workspace: stranger.workspace });
    expect(other).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
  });

  describe('by cookie', () => {
    let cookie: string;
    beforeEach(async () => {
      cookie = await house.signIn(alice);
    });
    const rename = (headers?: Record<string, string>) =>
      house.ask('PATCH', '/v1/me', { cookie, body: { name: 'Alice' }, ...(headers ? { headers } : {}) });

    it('one may look from anywhere, and act from our own pages only', async () => {
      expect((await house.ask('GET', '/v1/me', { cookie, headers: foreign })).status).toBe(200);
      expect((await rename(own)).status).toBe(200);
      for (const headers of [foreign, { origin: 'null' }, { origin: 'http://localhost:81' }, {}]) {
        expect(await rename(headers)).toMatchObject({ status: 403, body: { code: 'foreign-origin' } });
      }
    });

    it('one opens a WebSocket from our own pages only', async () => {
      const authenticator = house.app.get(Authenticator);
      const upgrade = (headers: Record<string, string>) =>
        authenticator.authenticate({
          method: 'GET',
          headers: { host: 'localhost:80', upgrade: 'websocket', cookie, ...headers },
        });
      await expect(upgrade(own)).resolves.toMatchObject({ kind: 'web-session', person: alice.id });
      await expect(upgrade(foreign)).rejects.toMatchObject({ status: 403 });
      await expect(upgrade({})).rejects.toMatchObject({ status: 403 });
    });

    it('nobody is signed in by another site', async () => {
      expect(await tryIn(right(), undefined, foreign)).toMatchObject({
        status: 403,
        body: { code: 'foreign-origin' },
      });
    });

    it('signing out ends the session and takes the cookie away', async () => {
      const out = await house.ask('DELETE', '/v1/session', { cookie, headers: own });
      expect(out.status).toBe(204);
      expect(out.headers['set-cookie']).toMatch(/^parley_session=; Max-Age=0;/);
      expect((await house.ask('GET', '/v1/me', { cookie })).status).toBe(401);
    });

    it('a token that is given as well decides', async () => {
      const answer = await house.ask('GET', '/v1/me', { cookie, token: 'parley_wrong' });
      expect(answer).toMatchObject({ status: 401, body: { code: 'not-signed-in' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    });
  });

  it('lasts thirty days from its last use, and no longer', async () => {
    const clock = new TestClock(Date.now());
    await using slow = await openHouse(open.database, { lent: true, clock });
    const cookie = await slow.signIn(alice);
    const look = () => slow.ask('GET', '/v1/me', { cookie });
    const days = (count: number) => {
      clock.advance(count * 86_400_000);
    };
    expect((await look()).headers['set-cookie']).toBeUndefined();
    days(20);
    const renewed = await look();
    expect(renewed.status).toBe(200);
    expect(renewed.headers['set-cookie']).toMatch(new RegExp(`^${cookie}; Max-Age=2592000;`));
    days(29);
    expect((await look()).status).toBe(200);
    days(31);
    expect((await look()).status).toBe(401);
  });

  describe('with another password', () => {
    let bob: Somebody;
    beforeEach(async () => {
      bob = await house.invite(alice, 'member');
    });

    it('ends the other web sessions and leaves this one and the tokens', async () => {
      const [here, there] = [await house.signIn(bob), await house.signIn(bob)];
      expect((await house.ask('GET', '/v1/me', { cookie: there })).status).toBe(200);
      const body = { password: 'a very different one', currentPassword: bob.password };
      expect((await house.ask('PATCH', '/v1/me', { cookie: here, headers: own, body })).status).toBe(200);
      expect((await house.ask('GET', '/v1/me', { cookie: there })).status).toBe(401);
      expect((await house.ask('GET', '/v1/me', { cookie: here })).status).toBe(200);
      expect((await house.ask('GET', '/v1/me', { token: bob.token })).status).toBe(200);
      expect((await tryIn({ email: bob.email, password: bob.password })).status).toBe(401);
      expect((await tryIn({ email: bob.email, password: body.password })).status).toBe(201);
    });

    it('needs the present one, and tires of guesses at it', async () => {
      const change = (currentPassword?: string) =>
        house.ask('PATCH', '/v1/me', {
          token: bob.token,
          body: { password: 'a very different one', ...(currentPassword && { currentPassword }) },
        });
      expect(await change()).toMatchObject({ status: 422, body: { code: 'invalid' } });
      for (let time = 0; time < 10; time++) {
        expect(await change('wrong')).toMatchObject({ status: 403, body: { code: 'wrong-password' } });
      }
      expect((await change(bob.password)).status).toBe(429);
    });

    it('or another address: not somebody else’s', async () => {
      const move = (email: string) =>
        house.ask('PATCH', '/v1/me', {
          token: bob.token,
          body: { email, currentPassword: bob.password },
        });
      expect(await move(alice.email)).toMatchObject({ status: 409, body: { code: 'email-taken' } });
      expect((await move('Robert@Example.org')).body).toMatchObject({ email: 'robert@example.org' });
      await expect(
        house.signIn({ email: 'robert@example.org', password: bob.password }),
      ).resolves.toBeDefined();
    });
  });

  it('is written down, refusals too, with where it came from and without the password', async () => {
    await tryIn({ ...right(), password: 'hunter2hunter2' }, '192.0.2.5');
    await tryIn(right(), '192.0.2.6');
    // A refusal is written down after the answer, so that the time it takes tells nothing.
    const rows = await eventually('both are written down', async () => {
      const found = await open.database.query<{ action: string; address: string }>(
        `SELECT action, address, facts FROM audit WHERE address IN ('192.0.2.5', '192.0.2.6')
         AND action LIKE 'session.%' ORDER BY id DESC LIMIT 2`,
      );
      return found.some(({ action }) => action === 'session.refused') && found;
    });
    expect(rows.map(({ action, address }) => `${action} ${address}`).sort()).toEqual([
      'session.opened 192.0.2.6',
      'session.refused 192.0.2.5',
    ]);
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });
});
