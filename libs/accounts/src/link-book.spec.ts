import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { AccountId, Capabilities, LinkId, SessionState, WorkspaceId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { Desires } from './desired.store.js';
import { LinkBook } from './link-book.js';

interface Account {
  readonly id: AccountId;
  readonly link: LinkId;
}

interface Shown extends Account {
  readonly session: { readonly state: string };
  readonly localAddress: string | null;
  readonly capabilities: Capabilities;
}

// argon2 on a machine that others use as well.
describe('what a worker knows of links', () => {
  let open: TestDatabase;
  let house: House;
  let alice: Somebody;
  let account: Account;
  let book: LinkBook;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    house = await openHouse(open.database, { lent: true });
    alice = await house.setUp();
    book = house.app.get(LinkBook);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await open.database.query('TRUNCATE link CASCADE');
    account = await house.get<Account>('POST', '/v1/accounts', {
      token: alice.token,
      body: { connector: 'paper', label: 'Paper', settings: { host: 'paper.example.org' } },
    });
  });

  const patch = (body: object) =>
    house.get('PATCH', `/v1/accounts/${account.id}`, { token: alice.token, body });

  it('are those with an account that should be connected, and where they lead', async () => {
    const wanted = {
      link: account.link,
      workspace: alice.workspace as WorkspaceId,
      connector: 'paper',
      targets: [{ host: 'paper.example.org', port: 4_000 }],
    };
    expect(await book.wantedLinks()).toEqual([wanted]);
    await patch({ settings: { host: 'paper.example.org', port: 5_000 } });
    expect(await book.wantedLinks()).toEqual([
      { ...wanted, targets: [{ host: 'paper.example.org', port: 5_000 }] },
    ]);
    await house.get('POST', `/v1/accounts/${account.id}/disconnect`, { token: alice.token });
    expect(await book.wantedLinks()).toEqual([]);
  });

  it('leave out a protocol that is not built in', async () => {
    await open.database.query(`UPDATE link SET connector = 'smoke'`);
    expect(await book.wantedLinks()).toEqual([]);
  });

  it('come with everything that their accounts should be', async () => {
    const desires = house.app.get(Desires);
    await desires.set(open.database, account.id, 'room', '#lobby', { key: 'sesame' });
    await desires.set(open.database, account.id, 'room', '#attic');
    await desires.set(open.database, account.id, 'room', '#lobby', { key: 'barley' });
    await desires.set(open.database, account.id, 'presence', '', { presence: 'nonsense' });
    expect(await desires.remove(open.database, account.id, 'room', '#attic')).toBe(true);
    expect(await desires.remove(open.database, account.id, 'room', '#attic')).toBe(false);
    const desired = {
      rooms: [{ address: '#lobby', options: { key: 'barley' } }],
      contacts: [],
      admissions: [],
      presence: { presence: 'available' },
    };
    expect((await book.load([account.link])).get(account.link)).toMatchObject({
      id: account.link,
      workspace: alice.workspace,
      settings: { host: 'paper.example.org', port: 4_000 },
      privateLeave: false,
      accounts: [{ id: account.id, wanted: true, localAddress: null, onUnknown: 'ask', desired }],
    });
    const nobody = alice.id as AccountId;
    expect(await desires.of([account.id, nobody])).toEqual(
      new Map([
        [account.id, desired],
        [nobody, { rooms: [], contacts: [], admissions: [], presence: { presence: 'available' } }],
      ]),
    );
  });

  it('say who is online under which name, and nothing when nothing changed', async () => {
    const save = (state: SessionState, more: object = {}) =>
      open.database.transaction((sql) => book.saveSession(sql, [{ account: account.id, state, ...more }]));
    const online = { state: 'online', localAddress: 'alice' } as const;
    expect(await save(online, { capabilities: { rooms: 'native' } })).toMatchObject([
      {
        type: 'session.changed',
        audience: { kind: 'account', account: account.id },
        subject: account.id,
        data: { version: 2, state: 'online' },
      },
    ]);
    expect(await save(online)).toEqual([]);
    const failing = {
      state: 'needs-person',
      code: 'auth-failed',
      remedy: 'ask-person',
      detail: 'No.',
    } as const;
    expect(await save(failing)).toMatchObject([
      { data: { version: 3, state: 'needs-person', code: 'auth-failed' } },
    ]);
    const seen = await house.get('GET', `/v1/accounts/${account.id}`, { token: alice.token });
    expect(seen).toMatchObject({
      session: { ...failing, at: expect.any(String) },
      localAddress: 'alice',
      capabilities: { rooms: 'native' },
      version: 3,
    });
  });

  it('say what can be done now, whatever the state', async () => {
    const say = (capabilities: Capabilities) =>
      open.database.transaction((sql) => book.saveSession(sql, [{ account: account.id, capabilities }]));
    const seen = () => house.get<Shown>('GET', `/v1/accounts/${account.id}`, { token: alice.token });
    const before = await seen();
    expect(await say({ rooms: 'native', typing: 'native' })).toMatchObject([
      { type: 'session.changed', data: { state: before.session.state } },
    ]);
    const { session, localAddress, capabilities } = await seen();
    expect({ session, localAddress }).toEqual({ session: before.session, localAddress: before.localAddress });
    expect(capabilities).toEqual({ rooms: 'native', typing: 'native' });
    expect(await say({ rooms: 'native', typing: 'native' })).toEqual([]);
  });

  it('take many reports in one statement, the last of each account, and pass over who is gone', async () => {
    const other = await house.get<Account>('POST', '/v1/accounts', {
      token: alice.token,
      body: { connector: 'paper', label: 'Other', settings: { host: 'paper.example.org' } },
    });
    const events = await open.database.transaction((sql) =>
      book.saveSession(sql, [
        { account: account.id, state: { state: 'connecting' } },
        { account: alice.id as AccountId, state: { state: 'connecting' } },
        { account: other.id, state: { state: 'connecting' } },
        { account: account.id, state: { state: 'online', localAddress: 'alice' } },
      ]),
    );
    expect(events.map(({ subject, data }) => [subject, data['state']]).sort()).toEqual(
      [
        [account.id, 'online'],
        [other.id, 'connecting'],
      ].sort(),
    );
    expect(await open.database.transaction((sql) => book.saveSession(sql, []))).toEqual([]);
  });
});
