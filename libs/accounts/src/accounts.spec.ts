import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import { Requests, RequestRefused } from '#bus';
import type { AccountId, LinkId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { LinkBook } from './link-book.js';

interface Account {
  readonly id: string;
  readonly link: LinkId;
  readonly version: number;
}

const settings = { host: 'paper.example.org' };

// argon2 on a machine that others use as well.
describe('an account', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let dave: Somebody;
  let stranger: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
    dave = await house.invite(alice, 'member', 'Dave');
    stranger = await house.elsewhere(alice);
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

  it('is shown with its defaults filled in and without its secrets', async () => {
    const answer = await add(bob, { secrets: { password: 'hunter2', pin: '1234' } });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        connector: 'paper',
        label: 'Paper',
        network: 'paper:paper.example.org',
        localAddress: null,
        holder: bob.id,
        people: [bob.id],
        settings: { host: 'paper.example.org', port: 4_000 },
        secretNames: ['password', 'pin'],
        wanted: true,
        session: { state: 'offline' },
        onUnknown: 'ask',
        version: 1,
      },
    });
    expect(answer.text).not.toMatch(/hunter2|1234/);
  });

  it('keeps its secrets sealed: they are in no table and open for its worker only', async () => {
    const { id, link } = await added(bob, { secrets: { password: 'hunter2' } });
    for (const table of ['link', 'account', 'event', 'audit', 'desired']) {
      expect(JSON.stringify(await open.database.query(`SELECT t::text FROM ${table} t`))).not.toContain(
        Buffer.from('hunter2').toString('hex'),
      );
      expect(JSON.stringify(await open.database.query(`SELECT t::text FROM ${table} t`))).not.toContain(
        'hunter2',
      );
    }
    expect(await book().openSecrets(link)).toEqual({ password: 'hunter2' });
    const other = await added(bob, { secrets: { password: 'swordfish' } });
    await open.database.query(
      'UPDATE link SET secrets = (SELECT secrets FROM link WHERE id = $1) WHERE id = $2',
      [link, other.link],
    );
    await expect(book().openSecrets(other.link)).rejects.toThrow();
    await at(bob, 'DELETE', other.id);
    await at(bob, 'DELETE', id);
  });

  it('is refused with every mistake at its place, the connector’s own too', async () => {
    const answer = await add(bob, {
      settings: { port: 'x', nick: 'UPPER', more: 1 },
      secrets: { password: 'p' },
    });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } });
    const { errors } = answer.body as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
      '/secrets/password',
      '/settings/host',
      '/settings/more',
      '/settings/nick',
      '/settings/port',
    ]);
    expect((await add(bob, { connector: 'smoke' })).body).toMatchObject({ code: 'unknown-connector' });
    for (const body of [[], 'x', null, { label: 1 }, { connector: 'paper', label: 'x', link: alice.id }]) {
      expect((await house.ask('POST', '/v1/accounts', { token: bob.token, body })).status).toBe(422);
    }
  });

  it('tells its holder that they may see it, and then that it is there', async () => {
    const { id } = await added(bob, { people: [dave.id] });
    expect(await events()).toEqual([
      { type: 'access.changed', account: null, person: bob.id, data: { account: id, granted: true } },
      { type: 'access.changed', account: null, person: dave.id, data: { account: id, granted: true } },
      { type: 'account.changed', account: id, person: null, data: { version: 1 } },
    ]);
  });

  it('shows what its holder shows everywhere else', async () => {
    await house.get('PUT', '/v1/presence', { token: bob.token, body: { presence: 'busy', note: 'cooking' } });
    const { link } = await added(bob);
    const loaded = (await book().load([link])).get(link);
    expect(loaded?.accounts[0]?.desired).toEqual({
      rooms: [],
      contacts: [],
      admissions: [],
      presence: { presence: 'busy', note: 'cooking' },
    });
    await house.get('PUT', '/v1/presence', { token: bob.token, body: { presence: 'away' } });
    expect((await book().load([link])).get(link)?.accounts[0]?.desired.presence).toEqual({
      presence: 'away',
    });
    const me = await house.get('GET', '/v1/me', { token: bob.token });
    expect(me).toMatchObject({ presence: { presence: 'away', since: expect.any(String) } });
  });

  describe('wanted', () => {
    it('is connected and disconnected, and workers hear of it', async () => {
      const { id, link } = await added(bob, { wanted: false });
      const wanted = async () => (await book().wantedLinks()).some((one) => one.link === link);
      expect(await wanted()).toBe(false);
      const heard: unknown[] = [];
      const hangUp = book().onChanged((...what) => heard.push(what));
      expect((await at(bob, 'POST', `${id}/connect`)).body).toMatchObject({ wanted: true, version: 2 });
      expect(await wanted()).toBe(true);
      expect((await at(bob, 'POST', `${id}/connect`)).body).toMatchObject({ version: 2 });
      expect((await at(bob, 'POST', `${id}/disconnect`)).body).toMatchObject({ wanted: false, version: 3 });
      expect(await wanted()).toBe(false);
      expect(heard).toEqual([
        [link, id],
        [link, id],
        [link, undefined],
      ]);
      hangUp();
    });

    it('hands a person’s answer to the session that asked', async () => {
      const { id, link } = await added(bob);
      const answer = () => at(bob, 'POST', `${id}/answer`, { answer: '42' });
      expect(await answer()).toMatchObject({ status: 409, body: { code: 'nothing-asked' } });
      const challenge = { kind: 'captcha', prompt: 'Which number?' } as const;
      const state = {
        state: 'needs-person',
        code: 'auth-required',
        remedy: 'ask-person',
        challenge,
      } as const;
      await book().saveSession(open.database, [{ account: id as AccountId, state }]);
      expect(await answer()).toMatchObject({ status: 503, body: { code: 'not-connected' } });
      const asked: unknown[] = [];
      const hangUp = house.app.get(Requests).serve(`link:${link}`, (body) => {
        asked.push(body);
        return Promise.resolve(null);
      });
      expect((await answer()).status).toBe(200);
      expect(asked).toEqual([{ act: 'answer', account: id, answer: '42' }]);
      hangUp();
      const refusing = house.app.get(Requests).serve(`link:${link}`, () => {
        throw new RequestRefused('auth-failed', 'That was not it.');
      });
      expect(await answer()).toMatchObject({
        status: 409,
        body: { code: 'auth-failed', detail: 'That was not it.' },
      });
      refusing();
    });
  });

  describe('shared', () => {
    it('is seen by the listed people, managed by its holder, and there for nobody else', async () => {
      const { id } = await added(bob, { people: [dave.id] });
      expect((await at(dave, 'GET', id)).body).toMatchObject({ id, people: [bob.id, dave.id].sort() });
      for (const who of [alice, stranger]) {
        for (const answer of [
          await at(who, 'GET', id),
          await at(who, 'PATCH', id, { label: 'Mine' }),
          await at(who, 'DELETE', id),
          await at(who, 'POST', `${id}/connect`),
          await at(who, 'POST', `${id}/disconnect`),
          await at(who, 'POST', `${id}/answer`, { answer: 'x' }),
          await at(who, 'PUT', `${id}/people`, { people: [] }),
        ]) {
          expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
        }
        const list = await house.ask('GET', '/v1/accounts', { token: who.token });
        expect(list.text).not.toContain(id);
      }
      for (const answer of [
        await at(dave, 'PATCH', id, { label: 'Mine' }),
        await at(dave, 'DELETE', id),
        await at(dave, 'POST', `${id}/disconnect`),
        await at(dave, 'PUT', `${id}/people`, { people: [dave.id] }),
      ]) {
        expect(answer).toMatchObject({ status: 403, body: { code: 'not-holder' } });
      }
    });

    it('with others tells those who come, those who go and those who stay', async () => {
      const { id } = await added(bob, { people: [dave.id] });
      await open.database.query('TRUNCATE event');
      const share = (people: string[]) => at(bob, 'PUT', `${id}/people`, { people });
      expect((await share([alice.id])).body).toMatchObject({ people: [alice.id, bob.id].sort(), version: 2 });
      expect(await events()).toEqual([
        { type: 'access.changed', account: null, person: alice.id, data: { account: id, granted: true } },
        { type: 'access.changed', account: null, person: dave.id, data: { account: id, granted: false } },
        { type: 'account.changed', account: id, person: null, data: { version: 2 } },
      ]);
      expect((await at(dave, 'GET', id)).status).toBe(404);
      expect((await at(alice, 'GET', id)).status).toBe(200);
      expect((await share([alice.id, bob.id, alice.id])).body).toMatchObject({ version: 2 });
      expect(await events()).toHaveLength(3);
    });

    it('cannot be with somebody of another workspace', async () => {
      const refused = { status: 422, body: { errors: [{ pointer: '/people/1' }] } };
      expect(await add(bob, { people: [dave.id, stranger.id] })).toMatchObject(refused);
      const { id } = await added(bob);
      expect(await at(bob, 'PUT', `${id}/people`, { people: [dave.id, stranger.id] })).toMatchObject(refused);
    });
  });

  it('goes with its link and its wishes, and whoever saw it hears of it', async () => {
    const { id, link } = await added(bob, { people: [dave.id], secrets: { password: 'hunter2' } });
    await open.database.query('TRUNCATE event');
    expect((await at(bob, 'DELETE', id)).status).toBe(204);
    expect((await at(dave, 'GET', id)).status).toBe(404);
    expect((await book().load([link])).get(link)).toBeUndefined();
    for (const table of ['account_access', 'desired']) {
      expect(await open.database.query(`SELECT 1 FROM ${table} WHERE account_id = $1`, [id])).toEqual([]);
    }
    expect(await events()).toEqual(
      [bob.id, dave.id].sort().map((person) => ({
        type: 'account.removed',
        account: null,
        person,
        data: { account: id },
      })),
    );
  });

  it('is listed in pages, in the order of its making', async () => {
    const eve = await house.invite(alice, 'member', 'Eve');
    const made = [await added(eve), await added(eve), await added(eve)].map(({ id }) => id);
    const page = (query: string) =>
      house.get<{ items: { id: string }[]; next?: string }>('GET', `/v1/accounts${query}`, {
        token: eve.token,
      });
    const first = await page('?limit=2');
    const rest = await page(`?limit=2&next=${first.next ?? ''}`);
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made);
    expect(rest.next).toBeUndefined();
  });

  it('is made of a connector that describes itself', async () => {
    const { items } = await house.get<{ items: object[] }>('GET', '/v1/connectors', { token: bob.token });
    expect(items).toEqual([
      expect.objectContaining({
        protocol: 'paper',
        name: 'Paper',
        settings: expect.objectContaining({ type: 'object' }),
        observes: 'sent',
        losses: ['Paper burns.'],
      }),
    ]);
  });
});
