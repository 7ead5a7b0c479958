import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { LinkId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { LinkBook } from './link-book.js';

interface Made {
  readonly id: LinkId;
}

// argon2 on a machine that others use as well.
describe('a shared link', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });

  const settings = { host: 'paper.example.org', nick: 'trunk' };
  const make = (who: Somebody, more: object = {}) =>
    house.ask('POST', '/v1/links', {
      token: who.token,
      body: { connector: 'paper', label: 'Trunk', settings, secrets: { password: 'hunter2' }, ...more },
    });
  const made = async () => (await make(alice)).body as Made;
  const at = (who: Somebody, method: 'GET' | 'PATCH' | 'DELETE', id: string, body?: object) =>
    house.ask(method, `/v1/links/${id}`, { token: who.token, ...(body ? { body } : {}) });
  const put = (who: Somebody, link: string, more: object = {}) =>
    house.ask('POST', '/v1/accounts', { token: who.token, body: { link, label: 'On the trunk', ...more } });

  it('is made, seen and changed by admins, without its secrets', async () => {
    const answer = await make(alice);
    expect(answer).toMatchObject({
      status: 201,
      body: {
        shared: true,
        label: 'Trunk',
        settings: { port: 4_000 },
        secretNames: ['password'],
        accounts: [],
      },
    });
    const { id } = answer.body as Made;
    const changed = await at(alice, 'PATCH', id, { label: 'Trunk 2', secrets: { password: 'swordfish' } });
    expect(changed.body).toMatchObject({ label: 'Trunk 2', version: 2 });
    for (const { text } of [answer, changed, await at(alice, 'GET', id)]) {
      expect(text).not.toMatch(/hunter2|swordfish/);
    }
    expect(await house.app.get(LinkBook).openSecrets(id)).toEqual({ password: 'swordfish' });
  });

  it('is no business of members, nor of another workspace', async () => {
    const { id } = await made();
    expect(await make(bob)).toMatchObject({ status: 403, body: { code: 'admins-only' } });
    expect((await at(bob, 'GET', id)).status).toBe(403);
    expect(await put(bob, id)).toMatchObject({ status: 403, body: { code: 'admins-only' } });
    const stranger = await house.elsewhere(alice);
    for (const answer of [
      await at(stranger, 'GET', id),
      await at(stranger, 'PATCH', id, { label: 'Mine' }),
      await at(stranger, 'DELETE', id),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
    expect(await put(stranger, id)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/link' }] } });
  });

  it('carries accounts that have addresses of their own and know nothing of its settings', async () => {
    const { id } = await made();
    const answer = await put(alice, id, { localAddress: 'Extension-7', people: [bob.id] });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        link: id,
        localAddress: 'extension-7',
        settings: {},
        secretNames: [],
        network: 'paper:paper.example.org',
      },
    });
    expect((await at(alice, 'GET', id)).body).toMatchObject({ accounts: [(answer.body as Made).id] });
    expect((await put(alice, id, { localAddress: 'no good!' })).body).toMatchObject({
      errors: [{ pointer: '/localAddress', detail: 'An address on paper has letters only.' }],
    });
    expect((await put(alice, id, { settings })).body).toMatchObject({ errors: [{ pointer: '/settings' }] });
    const account = (answer.body as Made).id;
    const turn = await house.ask('PATCH', `/v1/accounts/${account}`, {
      token: alice.token,
      body: { settings },
    });
    expect(turn).toMatchObject({ status: 409, body: { code: 'shared-link' } });
  });

  it('carries accounts that somebody else will hold', async () => {
    const { id } = await made();
    const answer = await put(alice, id, { holder: bob.id });
    expect(answer).toMatchObject({ status: 201, body: { holder: bob.id, people: [bob.id] } });
    const account = `/v1/accounts/${(answer.body as Made).id}`;
    expect((await house.ask('GET', account, { token: bob.token })).status).toBe(200);
    // What an account sees is not its admin's to see; whether it is there is.
    expect((await house.ask('GET', account, { token: alice.token })).status).toBe(404);
    expect(
      (await house.ask('PATCH', account, { token: alice.token, body: { label: 'Desk 7' } })).status,
    ).toBe(200);
    const share = { token: alice.token, body: { people: [alice.id] } };
    expect((await house.ask('PUT', `${account}/people`, share)).body).toMatchObject({ code: 'not-holder' });
    expect((await house.ask('DELETE', account, { token: alice.token })).status).toBe(204);
    const stranger = await house.elsewhere(alice);
    expect((await put(alice, id, { holder: stranger.id })).body).toMatchObject({
      errors: [{ pointer: '/holder' }],
    });
    const own = { connector: 'paper', label: 'x', settings, holder: bob.id };
    expect((await house.ask('POST', '/v1/accounts', { token: alice.token, body: own })).body).toMatchObject({
      errors: [{ pointer: '/holder' }],
    });
  });

  it('stays while accounts are on it, and outlives them', async () => {
    const { id } = await made();
    const account = (await put(alice, id)).body as Made;
    expect(await at(alice, 'DELETE', id)).toMatchObject({ status: 409, body: { code: 'in-use' } });
    await house.get('DELETE', `/v1/accounts/${account.id}`, { token: alice.token });
    expect((await at(alice, 'GET', id)).body).toMatchObject({ accounts: [] });
    expect((await at(alice, 'DELETE', id)).status).toBe(204);
    expect((await at(alice, 'GET', id)).status).toBe(404);
  });

  it('that is private is not among them', async () => {
    const account = await house.get<{ link: string }>('POST', '/v1/accounts', {
      token: alice.token,
      body: { connector: 'paper', label: 'Mine', settings },
    });
    expect((await at(alice, 'GET', account.link)).status).toBe(404);
    expect((await at(alice, 'DELETE', account.link)).status).toBe(404);
    expect((await house.ask('GET', '/v1/links', { token: alice.token })).text).not.toContain(account.link);
  });
});
