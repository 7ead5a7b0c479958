import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { Authenticator } from './authenticator.js';
import { hashOf } from './codes.js';
import { TokenUse } from './token-use.js';

interface Made {
  readonly id: string;
  readonly token: string;
}

// argon2 on a machine that others use as well.
describe('a token', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;

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
    bob = await house.invite(alice, 'member');
  });

  const make = (who: Somebody, scopes: string[], more: object = {}) =>
    house.ask('POST', '/v1/tokens', { token: who.token, body: { label: 'bot', scopes, ...more } });
  const made = async (who: Somebody, scopes: string[], more: object = {}) =>
    (await make(who, scopes, more)).body as Made;
  const statusOf = async (token: string, path = '/v1/me') => (await house.ask('GET', path, { token })).status;

  it('is shown once and never again', async () => {
    const { id, token } = await made(bob, ['read', 'me']);
    expect(token).toMatch(/^parley_[\w-]{43}$/);
    const list = await house.ask('GET', '/v1/tokens', { token });
    expect(list.body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ id, label: 'bot' })]),
    });
    expect(list.text).not.toContain(token.slice(7));
    const rows = await open.database.query('SELECT t::text FROM token t');
    expect(JSON.stringify(rows)).not.toContain(token.slice(7));
  });

  it('does what its scopes say and nothing else', async () => {
    const { token } = await made(bob, ['read']);
    expect(await statusOf(token)).toBe(200);
    const answer = await house.ask('PATCH', '/v1/me', { token, body: { name: 'Bob' } });
    expect(answer).toMatchObject({ status: 403, body: { code: 'missing-scope' } });
  });

  it('gives nobody more than they have', async () => {
    expect(await make(bob, ['read', 'admin'])).toMatchObject({
      status: 403,
      body: { code: 'missing-scope' },
    });
    const few = await made(bob, ['me']);
    const more = await house.ask('POST', '/v1/tokens', {
      token: few.token,
      body: { label: 'more', scopes: ['read'] },
    });
    expect(more).toMatchObject({ status: 403, body: { code: 'missing-scope' } });
  });

  it('loses what its person’s role loses, at once', async () => {
    const admin = await house.invite(alice, 'admin');
    const { token } = await made(admin, ['read', 'admin']);
    expect(await statusOf(token, '/v1/invitations')).toBe(200);
    await house.get('PATCH', `/v1/people/${admin.id}`, { token: alice.token, body: { role: 'member' } });
    expect(await statusOf(token, '/v1/invitations')).toBe(403);
    expect((await house.ask('GET', '/v1/me', { token })).body).toMatchObject({ scopes: ['read'] });
  });

  it('is worth nothing once it is taken back', async () => {
    const { id, token } = await made(bob, ['read']);
    expect(await statusOf(token)).toBe(200);
    expect((await house.ask('DELETE', `/v1/tokens/${id}`, { token: bob.token })).status).toBe(204);
    expect(await statusOf(token)).toBe(401);
    expect((await house.ask('DELETE', `/v1/tokens/${id}`, { token: bob.token })).status).toBe(404);
  });

  it('of somebody else is not there, whoever asks', async () => {
    const { id, token } = await made(bob, ['read']);
    const stranger = await house.elsewhere(alice);
    for (const who of [alice, stranger]) {
      const answer = await house.ask('DELETE', `/v1/tokens/${id}`, { token: who.token });
      expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
    expect(await statusOf(token)).toBe(200);
  });

  it('ends when it says, and cannot end in the past', async () => {
    const soon = await made(bob, ['read'], { expiresAt: new Date(Date.now() + 60_000).toISOString() });
    expect(await statusOf(soon.token)).toBe(200);
    await open.database.query(`UPDATE token SET expires_at = now() - interval '1 s' WHERE id = $1`, [
      soon.id,
    ]);
    const fresh = await made(bob, ['read'], { expiresAt: new Date(Date.now() + 60_000).toISOString() });
    await open.database.query(`UPDATE token SET expires_at = now() - interval '1 s' WHERE id = $1`, [
      fresh.id,
    ]);
    expect(await statusOf(fresh.token)).toBe(401);
    expect(await make(bob, ['read'], { expiresAt: '2001-01-01T00:00:00Z' })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/expiresAt' }] },
    });
  });

  it('cannot be forged', async () => {
    const { token } = await made(bob, ['read']);
    const cookie = (await house.signIn(bob)).split('=')[1] ?? '';
    const last = token.at(-1) === 'A' ? 'B' : 'A';
    const forged = [
      `${token.slice(0, -1)}${last}`,
      token.slice(7),
      `${token}A`,
      cookie,
      `parley_${cookie}`,
      `parley_${hashOf(token).toString('base64url')}`,
      'parley_',
      '',
      `parley_${'A'.repeat(4_000)}`,
      "parley_' OR 1=1 --",
    ];
    for (const guess of forged) expect(await statusOf(guess)).toBe(401);
    const asked = async (headers: Record<string, string>) =>
      (await house.ask('GET', '/v1/me', { headers })).status;
    expect(await asked({ authorization: `Basic ${token}` })).toBe(401);
    expect(await asked({ authorization: token })).toBe(401);
    expect(await asked({ cookie: `parley_session=${token}` })).toBe(401);
    expect(await asked({ authorization: `bearer ${token}` })).toBe(200);
  });

  it('is looked up once for a thousand requests', async () => {
    const { token } = await made(bob, ['read']);
    const authenticator = house.app.get(Authenticator);
    const request = { method: 'GET', headers: { authorization: `Bearer ${token}` } };
    const asked = jest.spyOn(open.database, 'query');
    try {
      for (let round = 0; round < 10; round++) {
        await Promise.all(Array.from({ length: 100 }, () => authenticator.authenticate(request)));
      }
      expect(asked.mock.calls.length).toBeLessThanOrEqual(1);
    } finally {
      asked.mockRestore();
    }
  });

  it('says when it was last used, written down now and then', async () => {
    const { id, token } = await made(bob, ['read']);
    const seen = async () => {
      const { items } = await house.get<{ items: { id: string; lastUsedAt: string | null }[] }>(
        'GET',
        '/v1/tokens',
        { token: bob.token },
      );
      return items.find((item) => item.id === id)?.lastUsedAt;
    };
    await statusOf(token);
    expect(await seen()).toBeNull();
    await house.app.get(TokenUse).flush();
    expect(Date.parse((await seen()) ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is listed in pages', async () => {
    for (let count = 0; count < 3; count++) await make(bob, ['read']);
    const page = (query: string) =>
      house.get<{ items: { id: string }[]; next?: string }>('GET', `/v1/tokens${query}`, {
        token: bob.token,
      });
    const first = await page('?limit=2');
    const rest = await page(`?limit=2&next=${first.next ?? ''}`);
    expect(first.items).toHaveLength(2);
    expect(rest.items).toHaveLength(2);
    expect(rest.next).toBeUndefined();
    expect(new Set([...first.items, ...rest.items].map(({ id }) => id)).size).toBe(4);
    const wrong = await house.ask('GET', '/v1/tokens?next=x', { token: bob.token });
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ pointer: 'next' }] } });
  });
});
