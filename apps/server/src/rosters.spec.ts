import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventPage, Identity, Problem, RosterEntry } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('the roster of an account', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  }, 60_000);
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const path = (address = ''): string =>
    `/v1/accounts/${loop.account}/roster${address === '' ? '' : `/${encodeURIComponent(address)}`}`;
  const put = (address: string, body: object = {}) =>
    loop.house.ask('PUT', path(address), { token: loop.alice.token, body });
  const get = (address: string) => loop.ask<RosterEntry>('GET', path(address));

  it('shows how its people are, before a word was said, and follows them', async () => {
    loop.network.presence('bob', 'busy', 'cooking');
    const made = await put('Bob', { name: 'Bobby', groups: ['friends', 'friends', 'work'] });
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toMatchObject({
      address: 'bob',
      kind: 'stable',
      name: 'Bobby',
      groups: ['friends', 'work'],
      stableAddress: null,
    });
    expect((made.body as RosterEntry).identity).not.toBeNull();
    await eventually('bob is busy', async () => (await get('bob')).presence.presence === 'busy');
    loop.network.presence('bob', 'away');
    await eventually('bob is away', async () => (await get('bob')).presence.presence === 'away');
    const again = await put('bob');
    expect(again).toMatchObject({ status: 200, body: { name: null, groups: [] } });
    expect((again.body as RosterEntry).identity).toBe((made.body as RosterEntry).identity);
  });

  it('tells of every change with an event about who that is', async () => {
    const { cursor } = await loop.ask<{ cursor: string }>('GET', '/v1/snapshot');
    const { identity } = (await put('carol', { name: 'C' })).body as RosterEntry;
    await put('carol', { name: 'Carol' });
    await loop.house.ask('DELETE', path('carol'), { token: loop.alice.token });
    const about = await eventually('all three are told', async () => {
      const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${cursor}`);
      const found = items.filter(({ event }) => event.type === 'identity.changed');
      return found.length === 3 ? found : undefined;
    });
    expect(JSON.stringify(about[0])).toContain(identity);
  });

  it('is paged in the order of addresses, and forgets whom it is told to', async () => {
    for (const name of ['zoe', 'dave', 'erin']) await put(name);
    const addresses: string[] = [];
    let next: string | undefined;
    do {
      const page = await loop.ask<{ items: RosterEntry[]; next?: string }>(
        'GET',
        `${path()}?limit=2${next === undefined ? '' : `&next=${next}`}`,
      );
      addresses.push(...page.items.map(({ address }) => address));
      next = page.next;
    } while (next !== undefined);
    expect(addresses).toEqual(['bob', 'dave', 'erin', 'zoe']);
    const remove = () => loop.house.ask('DELETE', path('dave'), { token: loop.alice.token });
    expect((await remove()).status).toBe(204);
    expect(await remove()).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await loop.house.ask('GET', path('dave'), { token: loop.alice.token })).status).toBe(404);
    const wrong = await loop.house.ask('GET', `${path()}?next=nonsense`, { token: loop.alice.token });
    expect(wrong.status).toBe(422);
  });

  it('has people on it, and no rooms and nothing that is no address', async () => {
    for (const address of ['#lobby', 'two words', '\u0000']) {
      const answer = await put(address);
      expect([422, 404]).toContain(answer.status);
      expect((answer.body as Problem).detail).toBeTruthy();
    }
    expect((await put('frank', { groups: ['x'.repeat(121)] })).status).toBe(422);
  });

  it('survives a reconnect: the session is told whom to watch', async () => {
    await put('grace');
    loop.network.dropConnections();
    await loop.state('online');
    loop.network.presence('grace', 'chatty');
    await eventually('grace is chatty', async () => (await get('grace')).presence.presence === 'chatty');
  });
});

describe('whoever holds an address for a time', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  }, 60_000);
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const said = async (conversation: string): Promise<string[]> =>
    (await loop.messages(conversation)).map(({ text }) => text);
  const quiet = () => eventually('all is acknowledged', () => loop.network.unacknowledged('alice') === 0);

  it('has a conversation that ends when they go; the next holder begins another', async () => {
    loop.network.say('~bob', 'alice', 'I am bob');
    await quiet();
    const first = await loop.with('~bob');
    await eventually('it is there', async () => (await said(first)).length === 1);
    loop.network.say('~bob', 'alice', 'and I go now');
    loop.network.leave('~bob');
    loop.network.say('~bob', 'alice', 'I am somebody else');
    await quiet();
    expect(await said(first)).toEqual(['I am bob', 'and I go now']);
    const { items } = await loop.ask<{ items: { id: string; address: string; peer: Identity }[] }>(
      'GET',
      '/v1/conversations',
    );
    const both = items.filter(({ address }) => address === '~bob');
    expect(both).toHaveLength(2);
    expect(new Set(both.map(({ peer }) => peer.id)).size).toBe(2);
    const second = both.find(({ id }) => id !== first)?.id ?? '';
    expect(await said(second)).toEqual(['I am somebody else']);
    const refused = await loop.house.ask('POST', `/v1/conversations/${first}/messages`, {
      token: loop.alice.token,
      body: { text: 'to bob alone' },
    });
    expect(refused).toMatchObject({ status: 409, body: { code: 'not-allowed' } });
    expect((await loop.send(second, 'hello you')).id).toBeTruthy();
  });

  it('is not sent what still waited for who held it before', async () => {
    loop.network.say('~dora', 'alice', 'I am dora');
    await quiet();
    const dora = await loop.with('~dora');
    const waiting = await loop.send(dora, 'for dora alone', {
      scheduleAt: new Date(Date.now() + 1_500).toISOString(),
    });
    loop.network.leave('~dora');
    loop.network.say('~dora', 'alice', 'I am somebody else');
    await quiet();
    const envelope = await loop.fate(waiting, 'failed');
    expect(envelope.failure).toMatchObject({ code: 'not-allowed', remedy: 'ask-person' });
    expect(loop.sent()).not.toContain('for dora alone');
  });

  it('is found again under another address where the network vouches for who they are', async () => {
    loop.network.introduce({ address: '~carol', stable: 'carol' });
    loop.network.say('~carol', 'alice', 'I am carol');
    await quiet();
    const first = await loop.with('~carol');
    await eventually('it is there', async () => (await said(first)).length === 1);
    const { peer } = await loop.ask<{ peer: Identity }>('GET', `/v1/conversations/${first}`);
    loop.network.leave('~carol');
    loop.network.introduce({ address: '~carol2', stable: 'carol' });
    loop.network.say('~carol2', 'alice', 'carol again');
    await quiet();
    const second = await loop.with('~carol2');
    await eventually('it is there', async () => (await said(second)).length === 1);
    expect((await loop.ask<{ peer: Identity }>('GET', `/v1/conversations/${second}`)).peer.id).toBe(peer.id);
    const [message] = await loop.messages(second);
    expect(message?.author?.identity).toBe(peer.id);
  });

  it('stays on the roster by the address alone', async () => {
    const entry = async () =>
      await loop.ask<RosterEntry>(
        'GET',
        `/v1/accounts/${loop.account}/roster/${encodeURIComponent('~dave')}`,
      );
    await loop.house.ask('PUT', `/v1/accounts/${loop.account}/roster/${encodeURIComponent('~dave')}`, {
      token: loop.alice.token,
      body: {},
    });
    loop.network.presence('~dave', 'available');
    loop.network.say('~dave', 'alice', 'hi');
    await eventually('dave is there', async () => (await entry()).presence.presence === 'available');
    const before = (await entry()).identity;
    loop.network.leave('~dave');
    await eventually('dave is offline', async () => (await entry()).presence.presence === 'offline');
    const after = (await entry()).identity;
    expect(after).not.toBeNull();
    expect(after).not.toBe(before);
  });
});
