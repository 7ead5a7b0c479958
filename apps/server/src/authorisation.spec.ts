import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type Asking, type House, type Somebody } from '#accounts/testing';
import { routes, scopes, type RouteName, type RouteSpec } from '#api';
import { newId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { withWebSockets } from '../testing/loop.js';
import { roomsAbove } from './app.module.js';

/*
 * The walk of accounts/authorisation.spec.ts over all other rooms: every route by every wrong caller. The two together
 * are every route there is; the first test sees to that.
 */
const table = Object.entries(routes) as [RouteName, RouteSpec][];
const others = table.filter(([, { tag }]) => tag !== 'people' && tag !== 'accounts');
/** What has no body of answer to be judged, or is a WebSocket, is tried where it is served. */
const guarded = others.filter(([name, { auth }]) => auth !== 'none' && name !== 'stream');

const bodies: Partial<Record<RouteName, object>> = {
  createConversation: { account: '01890000-0000-7000-8000-000000000000', address: 'dave' },
  updateConversation: { muted: true },
  request: { kind: 'topic' },
  setRosterEntry: { name: 'Dave' },
  requestAccount: { kind: 'list' },
  setRead: { cursor: 'a0' },
  setTyping: { active: true },
  setDraft: { text: 'a draft' },
  sendMessage: { text: 'hello' },
  sendMessages: { to: [{ account: '01890000-0000-7000-8000-000000000000', address: 'dave' }], text: 'hello' },
  quote: { to: [{ account: '01890000-0000-7000-8000-000000000000', address: 'dave' }], text: 'hello' },
  editMessage: { text: 'hello again' },
  setOptOut: { account: '01890000-0000-7000-8000-000000000000', address: 'dave', optedOut: true },
  refuseEnvelope: { reason: 'no' },
  setPrices: { currency: 'EUR', items: [] },
  setCaps: { items: [] },
  setMeter: { prepaid: false },
  enterLedger: { amount: '1' },
  placeCall: { from: '01890000-0000-7000-8000-000000000000', to: 'dave' },
};
const queries: Partial<Record<RouteName, string>> = { search: '?q=secret' };

describe('every route of rosters, conversations, messages, calls, metering and events', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let stranger: Somebody;
  let things: Partial<Record<RouteName, string>>;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true, rooms: [...roomsAbove], prepare: withWebSockets });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
    stranger = await house.elsewhere(alice);
    const make = async <T>(path: string, body: object) =>
      await house.get<T>('POST', path, { token: alice.token, body });
    const account = await make<{ id: string }>('/v1/accounts', {
      connector: 'paper',
      label: 'x',
      settings: { host: 'paper.example.org' },
    });
    const { id: conversation } = await make<{ id: string }>('/v1/conversations', {
      account: account.id,
      address: 'dave',
    });
    const message = await make<{ id: string; envelopes: { id: string }[] }>(
      `/v1/conversations/${conversation}/messages`,
      {
        text: 'a secret',
      },
    );
    const envelope = message.envelopes[0]?.id ?? '';
    const uploaded = await house.ask('POST', '/v1/files?name=x', {
      token: alice.token,
      headers: { 'content-type': 'application/octet-stream' },
      payload: 'a secret',
    });
    const file = (uploaded.body as { id: string }).id;
    const call = newId<'CallId'>();
    await house.database.query(
      `INSERT INTO call (id, workspace_id, account_id, conversation_id, direction, address, state, at)
       SELECT $1, workspace_id, id, $3, 'in', 'a secret', 'missed', now() FROM account WHERE id = $2`,
      [call, account.id, conversation],
    );
    things = Object.fromEntries(
      guarded
        .filter(([, { path }]) => path.includes(':id'))
        .map(([name, { path }]) => [
          name,
          path.startsWith('/v1/accounts')
            ? account.id
            : path.startsWith('/v1/conversations')
              ? conversation
              : path.startsWith('/v1/messages')
                ? message.id
                : path.startsWith('/v1/files')
                  ? file
                  : path.startsWith('/v1/calls')
                    ? call
                    : envelope,
        ]),
    );
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });

  const ask = (name: RouteName, asking: Asking, id = things[name] ?? '') => {
    const spec: RouteSpec = routes[name];
    const body = bodies[name];
    const path =
      spec.path.replace(':id', id).replace(':emoji', encodeURIComponent('👍')).replace(':address', 'dave') +
      (queries[name] ?? '');
    return house.ask(spec.method, path, { ...(body ? { body } : {}), ...asking });
  };

  it('has a body here that only its caller can make wrong', () => {
    const taking = guarded.filter(([, { body }]) => body).map(([name]) => name);
    expect(taking.sort()).toEqual(Object.keys(bodies).sort());
  });

  it.each(guarded)('%s lets nobody in who does not say who they are', async (name) => {
    for (const asking of [{}, { token: 'parley_nobody' }, { cookie: 'parley_session=nobody' }]) {
      const answer = await ask(name, { ...asking, headers: { origin: 'http://localhost:80' } });
      expect(answer).toMatchObject({ status: 401, body: { code: 'not-signed-in' } });
    }
  });

  it.each(guarded)('%s lets no token in that lacks its scope', async (name, { scope }) => {
    const { token } = await house.get<{ token: string }>('POST', '/v1/tokens', {
      token: alice.token,
      body: { label: 'few', scopes: scopes.filter((one) => one !== scope) },
    });
    expect(await ask(name, { token })).toMatchObject({ status: 403, body: { code: 'missing-scope' } });
  });

  it.each(guarded.filter(([, { method }]) => method !== 'GET'))(
    '%s lets no other site act with a cookie',
    async (name) => {
      const cookie = await house.signIn(alice);
      const answer = await ask(name, { cookie, headers: { origin: 'https://evil.example.org' } });
      expect(answer.status).toBe(403);
    },
  );

  it.each(guarded.filter(([, { auth }]) => auth === 'admin'))('%s is for admins', async (name) => {
    expect(await ask(name, { token: bob.token })).toMatchObject({
      status: 403,
      body: { code: 'admins-only' },
    });
  });

  it.each(guarded.filter(([, { path }]) => path.includes(':id')))(
    '%s knows nothing of what another workspace or another person has',
    async (name, { auth }) => {
      const callers = auth === 'admin' ? [stranger] : [stranger, bob];
      for (const caller of callers) {
        const theirs = await ask(name, { token: caller.token });
        expect(theirs).toMatchObject({ status: 404, body: { code: 'not-found' } });
        const never = await ask(name, { token: caller.token }, '01890000-0000-7000-8000-000000000000');
        expect(never.body).toEqual(theirs.body);
        expect((await ask(name, { token: caller.token }, 'no-id')).status).toBe(404);
      }
    },
  );

  it.each(guarded.filter(([, { method, path }]) => method === 'GET' && !path.includes(':id')))(
    '%s shows nothing of another workspace or another person',
    async (name, { auth }) => {
      for (const caller of auth === 'admin' ? [stranger] : [stranger, bob]) {
        const { text, status } = await ask(name, { token: caller.token });
        expect(status).toBe(200);
        expect(text).not.toContain('a secret');
        for (const thing of Object.values(things)) expect(text).not.toContain(thing);
      }
    },
  );

  it.each(guarded.filter(([, { body }]) => body))('%s takes no nonsense', async (name) => {
    for (const body of [null, 1, 'x', [], { nonsense: true }, { ...bodies[name], nonsense: true }]) {
      const answer = await ask(name, { token: alice.token, body });
      expect(answer.status).toBe(422);
    }
  });

  it('sends to no conversation or account of somebody else, whatever the recipient’s form', async () => {
    const { id } = await house.get<{ id: string }>('POST', '/v1/accounts', {
      token: bob.token,
      body: { connector: 'paper', label: 'x', settings: { host: 'paper.example.org' } },
    });
    const { results } = await house.get<{ results: { failure?: { code: string } }[] }>(
      'POST',
      '/v1/messages',
      {
        token: stranger.token,
        body: {
          to: [{ conversation: things.getConversation }, { account: id, address: 'dave' }],
          text: 'hello',
        },
      },
    );
    expect(results.map(({ failure }) => failure?.code)).toEqual(['not-found', 'not-found']);
  });
});
