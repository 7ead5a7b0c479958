import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { LinkId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { LinkBook } from './link-book.js';

interface Account {
  readonly id: string;
  readonly link: LinkId;
  readonly version: number;
}

const hosts = {
  'home.example.org': ['192.168.1.5'],
  'metadata.example.org': ['169.254.169.254'],
};
const settings = { host: 'paper.example.org' };

// argon2 on a machine that others use as well.
describe('an account’s settings', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true, hosts });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await open.database.query('TRUNCATE event, audit');
  });

  const add = (who: Somebody, more: object = {}) =>
    house.ask('POST', '/v1/accounts', {
      token: who.token,
      body: { connector: 'paper', label: 'Paper', settings, ...more },
    });
  const added = async (who: Somebody, more: object = {}): Promise<Account> => {
    const answer = await add(who, more);
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.body as Account;
  };
  const at = (
    who: Somebody,
    method: 'GET' | 'PATCH' | 'DELETE' | 'POST' | 'PUT',
    path: string,
    body?: object,
  ) => house.ask(method, `/v1/accounts/${path}`, { token: who.token, ...(body ? { body } : {}) });
  const events = () =>
    open.database.query<{ type: string; account: string | null; person: string | null; data: object }>(
      'SELECT type, account_id AS account, person_id AS person, data FROM event ORDER BY sequence',
    );
  const book = () => house.app.get(LinkBook);

  describe('turned inward', () => {
    const host = (name: string, port = 4_000) => ({ settings: { host: name, port } });

    it('is a member’s mistake and an admin’s choice where it is private', async () => {
      expect(await add(bob, host('home.example.org'))).toMatchObject({
        status: 403,
        body: { code: 'private-target', errors: [{ pointer: '/settings' }] },
      });
      const { id, link } = await added(alice, host('home.example.org'));
      expect((await book().load([link])).get(link)).toMatchObject({ privateLeave: true });
      const noted = await open.database.query(
        `SELECT subject FROM audit WHERE action = 'private-target.allowed'`,
      );
      expect(noted).toEqual([{ subject: link }]);
      await at(alice, 'DELETE', id);
    });

    it('is not an admin’s choice for a token without that scope', async () => {
      const { token } = await house.get<{ token: string }>('POST', '/v1/tokens', {
        token: alice.token,
        body: { label: 'few', scopes: ['accounts'] },
      });
      expect((await add({ ...alice, token }, host('home.example.org'))).status).toBe(403);
    });

    it('is nobody’s choice where it is our own door or reserved', async () => {
      expect((await add(alice, host('127.0.0.1', 8080))).body).toMatchObject({ code: 'inward-target' });
      expect((await add(alice, host('metadata.example.org'))).body).toMatchObject({
        code: 'reserved-target',
      });
    });

    it('by a change is refused like one that is new, and leave for one host is none for another', async () => {
      const { id, link } = await added(bob);
      const turn = (name: string) => at(bob, 'PATCH', id, host(name));
      expect((await turn('home.example.org')).body).toMatchObject({ code: 'private-target' });
      await open.database.query(
        `UPDATE link SET private_leave = true, settings = '{"host": "home.example.org", "port": 4000}' WHERE id = $1`,
        [link],
      );
      const renamed = { settings: { host: 'home.example.org', port: 4_000, nick: 'bob' } };
      expect((await at(bob, 'PATCH', id, renamed)).status).toBe(200);
      expect((await book().load([link])).get(link)).toMatchObject({ privateLeave: true });
      expect((await turn('10.1.2.3')).status).toBe(403);
      expect((await turn('paper.example.org')).status).toBe(200);
      expect((await book().load([link])).get(link)).toMatchObject({ privateLeave: false });
      expect((await turn('home.example.org')).status).toBe(403);
    });

    it('by a name that cannot be found yet is judged before it connects, and gets no leave', async () => {
      const { link } = await added(alice, host('later.example.org'));
      expect((await book().load([link])).get(link)).toMatchObject({ privateLeave: false });
    });
  });

  describe('changed', () => {
    it('has a new version, and everybody who sees it hears of it', async () => {
      const { id } = await added(bob);
      await open.database.query('TRUNCATE event');
      const answer = await at(bob, 'PATCH', id, { label: 'Work', onUnknown: 'resend' });
      expect(answer.body).toMatchObject({ label: 'Work', onUnknown: 'resend', version: 2 });
      expect(await events()).toEqual([
        { type: 'account.changed', account: id, person: null, data: { version: 2 } },
      ]);
    });

    it('keeps the secrets that are not named and loses those that are null', async () => {
      const { id, link } = await added(bob, { secrets: { password: 'hunter2', pin: '1234' } });
      const answer = await at(bob, 'PATCH', id, { secrets: { password: 'swordfish' } });
      expect(answer.body).toMatchObject({ secretNames: ['password', 'pin'] });
      expect(await book().openSecrets(link)).toEqual({ password: 'swordfish', pin: '1234' });
      await at(bob, 'PATCH', id, { secrets: { password: null, pin: null } });
      expect(await book().openSecrets(link)).toEqual({});
      expect((await at(bob, 'PATCH', id, { secrets: { pin: 'letters' } })).body).toMatchObject({
        errors: [{ pointer: '/secrets/pin' }],
      });
    });

    it('keeps nothing of the old settings', async () => {
      const { id } = await added(bob, { settings: { ...settings, nick: 'bob', port: 5_000 } });
      const answer = await at(bob, 'PATCH', id, { settings });
      expect(answer.body).toMatchObject({ settings: { host: 'paper.example.org', port: 4_000 } });
      expect(answer.text).not.toContain('nick');
    });

    it('may be mended until it was online, and then stays on its network', async () => {
      const { id } = await added(bob, { settings: { host: 'tpyo.example.org' } });
      expect((await at(bob, 'PATCH', id, { settings })).body).toMatchObject({
        network: 'paper:paper.example.org',
      });
      await open.database.query(`UPDATE account SET local_address = 'bob' WHERE id = $1`, [id]);
      expect(await at(bob, 'PATCH', id, { settings: { host: 'other.example.org' } })).toMatchObject({
        status: 409,
        body: { code: 'other-network' },
      });
      expect((await at(bob, 'PATCH', id, { settings: { ...settings, port: 7_000 } })).status).toBe(200);
    });

    it('by two at once is changed by one, and the other is told', async () => {
      const { id } = await added(bob);
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((nick) => at(bob, 'PATCH', id, { settings: { ...settings, nick } })),
      );
      const told = answers.filter(({ status }) => status !== 200);
      for (const answer of told)
        expect(answer).toMatchObject({ status: 409, body: { code: 'changed-meanwhile' } });
      expect((await at(bob, 'GET', id)).body).toMatchObject({ version: 4 - told.length });
    });
  });
});
