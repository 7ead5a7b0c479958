import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type Asking, type House, type Somebody } from '#accounts/testing';
import { routes, scopes, type RouteName, type RouteSpec } from '#api';
import { openTestDatabase, type TestDatabase } from '#platform/testing';

const table = Object.entries(routes) as [RouteName, RouteSpec][];
const ours = table.filter(([, { tag }]) => tag === 'people' || tag === 'accounts');
const guarded = ours.filter(([, { auth }]) => auth !== 'none');

/** What each route takes, so that nothing but the caller can be wrong. */
const bodies: Partial<Record<RouteName, object>> = {
  updateMe: { name: 'Mallory' },
  createToken: { label: 'x', scopes: ['read'] },
  createInvitation: { role: 'admin' },
  updatePerson: { role: 'admin' },
  createWorkspace: { name: 'x' },
  createAccount: { connector: 'paper', label: 'x', settings: { host: 'paper.example.org' } },
  updateAccount: { label: 'Mine' },
  answerAccount: { answer: 'x' },
  setAccountPeople: { people: [] },
  createLink: { connector: 'paper', label: 'x', settings: { host: 'paper.example.org' } },
  updateLink: { label: 'Mine' },
  setPresence: { presence: 'away' },
};

/** A thing of Alice's for each route that names one. */
type Things = Partial<Record<RouteName, string>>;

// argon2 on a machine that others use as well.
describe('every route of people and accounts', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let stranger: Somebody;
  let things: Things;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
    stranger = await house.elsewhere(alice);
    const make = async (path: string, body: object) =>
      (await house.get<{ id: string }>('POST', path, { token: alice.token, body })).id;
    const account = await make('/v1/accounts', bodies.createAccount ?? {});
    const link = await make('/v1/links', bodies.createLink ?? {});
    things = {
      deleteToken: await make('/v1/tokens', { label: 'x', scopes: ['read'] }),
      deleteInvitation: await make('/v1/invitations', { role: 'member' }),
      getPerson: alice.id,
      updatePerson: alice.id,
      removePerson: alice.id,
      getAccount: account,
      updateAccount: account,
      deleteAccount: account,
      connectAccount: account,
      disconnectAccount: account,
      answerAccount: account,
      renewIngress: account,
      setAccountPeople: account,
      getLink: link,
      updateLink: link,
      deleteLink: link,
    };
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });

  const ask = (name: RouteName, asking: Asking) => {
    const spec: RouteSpec = routes[name];
    const body = bodies[name];
    return house.ask(spec.method, spec.path.replace(':id', things[name] ?? ''), {
      ...(body ? { body } : {}),
      ...asking,
    });
  };

  it('that names a thing is among those that are tried here, and every body is', () => {
    expect(
      guarded
        .filter(([, { path }]) => path.includes(':id'))
        .map(([name]) => name)
        .sort(),
    ).toEqual(Object.keys(things).sort());
    expect(
      guarded
        .filter(([, { body }]) => body)
        .map(([name]) => name)
        .sort(),
    ).toEqual(Object.keys(bodies).sort());
  });

  it.each(guarded)('%s lets nobody in who does not say who they are', async (name) => {
    for (const asking of [{}, { token: 'parley_nobody' }, { cookie: 'parley_session=nobody' }]) {
      const answer = await ask(name, { ...asking, headers: { origin: 'http://localhost:80' } });
      expect(answer).toMatchObject({ status: 401, body: { code: 'not-signed-in' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it.each(guarded)('%s lets no token in that lacks its scope', async (name, { scope }) => {
    const { token } = await house.get<{ token: string }>('POST', '/v1/tokens', {
      token: alice.token,
      body: { label: 'few', scopes: scopes.filter((one) => one !== scope) },
    });
    expect(await ask(name, { token })).toMatchObject({ status: 403, body: { code: 'missing-scope' } });
  });

  it.each(guarded.filter(([, { auth }]) => auth === 'admin'))('%s is for admins', async (name) => {
    expect(await ask(name, { token: bob.token })).toMatchObject({
      status: 403,
      body: { code: 'admins-only' },
    });
  });

  it.each(guarded.filter(([, { path }]) => path.includes(':id')))(
    '%s knows nothing of another workspace',
    async (name) => {
      const theirs = await ask(name, { token: stranger.token });
      expect(theirs).toMatchObject({ status: 404, body: { code: 'not-found' } });
      const spec: RouteSpec = routes[name];
      const never = await house.ask(
        spec.method,
        spec.path.replace(':id', '01890000-0000-7000-8000-000000000000'),
        {
          token: stranger.token,
          ...(bodies[name] ? { body: bodies[name] } : {}),
        },
      );
      expect({ ...(never.body as object) }).toEqual({ ...(theirs.body as object) });
    },
  );

  it.each(
    guarded.filter(([, { method }]) => method === 'GET').filter(([, { path }]) => !path.includes(':id')),
  )('%s shows nothing of another workspace', async (name) => {
    if (name === 'listConnectors') return;
    const { text, status } = await ask(name, { token: stranger.token });
    expect(status).toBe(200);
    for (const thing of [...Object.values(things), bob.id, alice.email]) expect(text).not.toContain(thing);
  });

  it.each(guarded.filter(([, { body }]) => body))('%s takes no nonsense', async (name) => {
    for (const body of [null, 1, 'x', [], { nonsense: true }, { ...bodies[name], nonsense: true }]) {
      const answer = await ask(name, { token: alice.token, body });
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } });
    }
  });

  it('takes no body that is larger than a mebibyte, and no other media type', async () => {
    const body = { name: 'x'.repeat(10_000_000) };
    expect((await house.ask('PATCH', '/v1/me', { token: alice.token, body })).status).toBe(413);
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { 'content-type': type };
      expect((await house.ask('PATCH', '/v1/me', { token: alice.token, body: {}, headers })).status).toBe(
        415,
      );
    }
  });
});
