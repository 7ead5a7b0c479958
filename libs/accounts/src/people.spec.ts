import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import { openTestDatabase, type TestDatabase } from '#platform/testing';

interface Invitation {
  readonly id: string;
  readonly code: string;
}

const carol = { name: 'Carol', email: 'carol@example.org', password: 'carol likes long words' };

// argon2 on a machine that others use as well.
describe('the people of a workspace', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
  });
  afterAll(async () => {
    await open[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await open.database.query('TRUNCATE workspace, person, setup, sign_in_limit, event, audit CASCADE');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
  });
  afterEach(async () => {
    await house[Symbol.asyncDispose]();
  });

  const invite = (body: object = { role: 'member' }, by = alice) =>
    house.get<Invitation>('POST', '/v1/invitations', { token: by.token, body });
  const accept = (code: string, body: object = carol) =>
    house.ask('POST', `/v1/invitations/${code}/accept`, { body });
  const statusOf = async (token: string) => (await house.ask('GET', '/v1/me', { token })).status;
  const change = (person: string, body: object, by = alice) =>
    house.ask('PATCH', `/v1/people/${person}`, { token: by.token, body });
  const remove = (person: string, by = alice) =>
    house.ask('DELETE', `/v1/people/${person}`, { token: by.token });

  describe('come in by an invitation', () => {
    it('which is shown once, and is good for one person, in the role it names', async () => {
      const { code } = await invite();
      const answer = await accept(code);
      expect(answer).toMatchObject({
        status: 201,
        body: { me: { email: carol.email, role: 'member', workspace: { id: alice.workspace } } },
      });
      expect(await accept(code, { ...carol, email: 'dave@example.org' })).toMatchObject({
        status: 404,
        body: { code: 'no-invitation' },
      });
      const list = await house.ask('GET', '/v1/invitations', { token: alice.token });
      expect(list.body).toMatchObject({ items: [{ role: 'member', acceptedBy: expect.any(String) }] });
      expect(list.text).not.toContain(code);
      const rows = await open.database.query('SELECT i::text FROM invitation i');
      expect(JSON.stringify(rows)).not.toContain(code);
    });

    it('which lets one of many in, however they hurry', async () => {
      const { code } = await invite();
      const answers = await Promise.all(
        ['d', 'e', 'f', 'g'].map((name) => accept(code, { ...carol, email: `${name}@example.org` })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 404, 404, 404]);
      const { items } = await house.get<{ items: unknown[] }>('GET', '/v1/people', { token: alice.token });
      expect(items).toHaveLength(2);
    });

    it('which ends after seven days, or when it is taken back', async () => {
      const old = await house.get<Invitation & { expiresAt: string }>('POST', '/v1/invitations', {
        token: alice.token,
        body: { role: 'member' },
      });
      const days = (Date.parse(old.expiresAt) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(6.99);
      expect(days).toBeLessThan(7.01);
      await open.database.query(`UPDATE invitation SET expires_at = now() - interval '1 s'`);
      expect((await accept(old.code)).status).toBe(404);
      const { id, code } = await invite();
      const took = () => house.ask('DELETE', `/v1/invitations/${id}`, { token: alice.token });
      expect((await took()).status).toBe(204);
      expect((await took()).status).toBe(404);
      expect((await accept(code)).status).toBe(404);
    });

    it('which may be for one address only', async () => {
      const { code } = await invite({ role: 'member', email: 'Carol@example.org' });
      expect(await accept(code, { ...carol, email: 'mallory@example.org' })).toMatchObject({
        status: 403,
        body: { code: 'other-email' },
      });
      expect((await accept(code)).status).toBe(201);
    });

    it('and whoever is known already gives the password they have', async () => {
      const bob = await house.invite(alice, 'admin');
      const elsewhere = await house.get<{ id: string }>('POST', '/v1/workspaces', {
        token: bob.token,
        body: { name: 'Second' },
      });
      const cookie = await house.signIn(bob, elsewhere.id);
      const { code } = await house.get<Invitation>('POST', '/v1/invitations', {
        cookie,
        headers: { origin: 'http://localhost:80' },
        body: { role: 'member' },
      });
      const mine = { name: 'Alice', email: alice.email };
      expect(await accept(code, { ...mine, password: 'not her password' })).toMatchObject({
        status: 401,
        body: { code: 'wrong-credentials' },
      });
      expect(await accept(code, { ...mine, password: alice.password })).toMatchObject({
        status: 201,
        body: { me: { id: alice.id, role: 'member', workspace: { name: 'Second' } } },
      });
      const { items } = await house.get<{ items: unknown[] }>('GET', '/v1/workspaces', {
        token: alice.token,
      });
      expect(items).toHaveLength(2);
    });

    it('and not a second time', async () => {
      const { code } = await invite();
      const body = { name: 'Alice', email: alice.email, password: alice.password };
      expect(await accept(code, body)).toMatchObject({ status: 409, body: { code: 'already-here' } });
      expect((await accept(code)).status).toBe(201);
    });
  });

  describe('have roles', () => {
    it('of which the last admin keeps theirs', async () => {
      const bob = await house.invite(alice, 'member');
      expect(await change(alice.id, { role: 'member' })).toMatchObject({
        status: 409,
        body: { code: 'last-admin' },
      });
      expect((await remove(alice.id)).status).toBe(409);
      expect((await change(bob.id, { role: 'admin' })).body).toMatchObject({ role: 'admin' });
      expect((await change(alice.id, { role: 'member' })).status).toBe(200);
      expect((await change(bob.id, { role: 'member' })).status).toBe(403);
    });

    it('and two admins who demote each other at once leave one', async () => {
      const bob = await house.invite(alice, 'admin');
      const answers = await Promise.all([
        change(bob.id, { role: 'member' }, alice),
        change(alice.id, { role: 'member' }, bob),
      ]);
      expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
      const rows = await open.database.query(`SELECT 1 FROM membership WHERE role = 'admin'`);
      expect(rows).toHaveLength(1);
    });

    it('and whoever is no admin any more leaves no open invitations behind', async () => {
      const bob = await house.invite(alice, 'admin');
      const { code } = await invite({ role: 'admin' }, bob);
      await change(bob.id, { role: 'member' });
      expect((await accept(code)).status).toBe(404);
    });
  });

  it('are seen by each other, and by nobody else', async () => {
    const bob = await house.invite(alice, 'member');
    const stranger = await house.elsewhere(alice);
    const seen = await house.get<{ items: { id: string }[] }>('GET', '/v1/people', { token: bob.token });
    expect(seen.items.map(({ id }) => id).sort()).toEqual([alice.id, bob.id].sort());
    expect((await house.ask('GET', `/v1/people/${bob.id}`, { token: alice.token })).status).toBe(200);
    for (const answer of [
      await house.ask('GET', `/v1/people/${bob.id}`, { token: stranger.token }),
      await change(bob.id, { role: 'admin' }, stranger),
      await remove(bob.id, stranger),
      await house.ask('GET', '/v1/people/nonsense', { token: alice.token }),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });

  it('are renamed by an admin only while they are nowhere else', async () => {
    const bob = await house.invite(alice, 'admin');
    expect((await change(bob.id, { name: 'Robert' })).body).toMatchObject({ name: 'Robert', version: 2 });
    await house.get('POST', '/v1/workspaces', { token: bob.token, body: { name: 'Second' } });
    expect(await change(bob.id, { name: 'Bobby' })).toMatchObject({
      status: 409,
      body: { code: 'in-other-workspaces' },
    });
  });

  it('go with their tokens, sessions, accounts and access, and the others hear of it', async () => {
    const bob = await house.invite(alice, 'member');
    const cookie = await house.signIn(bob);
    const add = async (who: Somebody, people: string[]) => {
      const settings = { host: 'paper.example.org' };
      const body = { connector: 'paper', label: 'x', settings, people };
      return house.get<{ id: string }>('POST', '/v1/accounts', { token: who.token, body });
    };
    const { id: hers } = await add(alice, [bob.id]);
    const { id: his } = await add(bob, [alice.id]);
    await open.database.query('TRUNCATE event');

    expect((await remove(bob.id)).status).toBe(204);
    expect(await statusOf(bob.token)).toBe(401);
    expect((await house.ask('GET', '/v1/me', { cookie })).status).toBe(401);
    expect((await house.ask('GET', `/v1/accounts/${his}`, { token: alice.token })).status).toBe(404);
    expect((await house.ask('GET', `/v1/accounts/${hers}`, { token: alice.token })).body).toMatchObject({
      people: [alice.id],
      version: 2,
    });
    expect(await open.database.query('SELECT 1 FROM person WHERE id = $1', [bob.id])).toEqual([]);
    expect(await open.database.query('SELECT 1 FROM link')).toHaveLength(1);
    const events = await open.database.query(
      'SELECT type, account_id AS account, person_id AS person, subject FROM event ORDER BY sequence',
    );
    expect(events).toEqual([
      ...[alice.id, bob.id].map((person) => ({
        type: 'account.removed',
        account: null,
        person,
        subject: his,
      })),
      { type: 'account.changed', account: hers, person: null, subject: hers },
    ]);
  });
});
