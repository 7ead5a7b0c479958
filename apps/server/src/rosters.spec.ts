import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventPage, Identity, Problem, RosterEntry } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('the roster of an account', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
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

  it('shows what its people look like, as long as they do', async () => {
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    const { identity } = (await put('olga')).body as RosterEntry;
    const face = (extra: string) => ({
      name: 'face.png',
      data: Buffer.concat([png, Buffer.from(extra)]).toString('base64'),
    });
    const { cursor } = await loop.ask<{ cursor: string }>('GET', '/v1/snapshot');
    const worn = async (): Promise<string | null> => {
      const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${cursor}&limit=200`);
      const told = items.flatMap(({ event }) => event.data.identity ?? []);
      return told.findLast(({ id }) => id === identity)?.avatar ?? null;
    };
    loop.network.presence('olga', 'available');
    await eventually('olga is watched', async () => (await get('olga')).presence.presence === 'available');
    loop.network.face('olga', face('one'));
    const first = await eventually('her face is there', async () => (await worn()) ?? undefined);
    const content = (file: string) => loop.house.ask('GET', `/v1/files/${file}`, { token: loop.alice.token });
    expect((await content(first)).status).toBe(200);
    loop.network.face('olga', face('two'));
    const second = await eventually('another face is there', async () => {
      const now = await worn();
      return now !== null && now !== first ? now : undefined;
    });
    expect((await content(second)).status).toBe(200);
    await eventually('the first is let go', async () => (await content(first)).status === 404);
    loop.network.face('olga', undefined);
    await eventually('there is none', async () => (await worn()) === null);
    await loop.house.ask('DELETE', path('olga'), { token: loop.alice.token });
  });

  it('tells of every change with an event about who that is', async () => {
    const { cursor } = await loop.ask<{ cursor: string }>('GET', '/v1/snapshot');
    const { identity } = (await put('carol', { name: 'C' })).body as RosterEntry;
    await put('carol', { name: 'Carol' });
    await loop.house.ask('DELETE', path('carol'), { token: loop.alice.token });
    const about = await eventually('all three are told', async () => {
      const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${cursor}`);
      const found = items.filter(
        ({ event }) => event.type === 'identity.changed' && event.data.identity?.id === identity,
      );
      // The network says how it stands after each of them, too.
      return found.length >= 3 ? found : undefined;
    });
    expect(about[0]?.event.data.identity?.addresses[0]?.address).toBe('carol');
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

describe('a roster that the network keeps', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const path = (address: string, act = ''): string =>
    `/v1/accounts/${loop.account}/roster/${encodeURIComponent(address)}${act}`;
  const call = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', address: string, act = '', body?: object) =>
    loop.house.ask(method, path(address, act), { token: loop.alice.token, ...(body && { body }) });
  const entry = async (address: string): Promise<RosterEntry | undefined> => {
    const { status, body } = await call('GET', address);
    return status === 200 ? (body as RosterEntry) : undefined;
  };
  const becomes = (sentence: string, address: string, fact: (entry: RosterEntry | undefined) => boolean) =>
    eventually(sentence, async () => fact(await entry(address)));

  it('shows what was put there elsewhere, and takes it off', async () => {
    loop.network.listElsewhere('alice', 'heidi', { name: 'Heidi', groups: ['alps'] });
    await becomes('heidi is there', 'heidi', (found) => found !== undefined);
    expect(await entry('heidi')).toMatchObject({
      name: 'Heidi',
      groups: ['alps'],
      subscription: 'to',
      asks: false,
      pending: false,
    });
    const { items } = await loop.ask<{ items: RosterEntry[] }>('GET', path('').slice(0, -1));
    expect(items.map(({ address }) => address)).toContain('heidi');
    expect((await call('DELETE', 'heidi')).status).toBe(204);
    expect((await call('GET', 'heidi')).status).toBe(404);
    await eventually('the network has her no longer', () => !loop.network.lists('alice', 'heidi'));
    // What was gone elsewhere meanwhile does not come back.
    loop.network.dropConnections();
    await loop.state('online');
    expect(loop.network.lists('alice', 'heidi')).toBe(false);
    expect((await call('GET', 'heidi')).status).toBe(404);
  });

  it('counts its own word of whom it has taken, and ours of whom it has not', async () => {
    await call('PUT', 'ivan', '', { name: 'Ivan', groups: ['chess'] });
    await becomes('ivan is taken', 'ivan', (found) => found?.pending === false);
    loop.network.listElsewhere('alice', 'ivan', { name: 'Ivan G.', groups: [] });
    await becomes('his new name is there', 'ivan', (found) => found?.name === 'Ivan G.');
    expect((await entry('ivan'))?.groups).toEqual([]);
    loop.network.listElsewhere('alice', 'ivan', undefined);
    await becomes('he is off', 'ivan', (found) => found === undefined);
    loop.network.dropConnections();
    await loop.state('online');
    expect(loop.network.lists('alice', 'ivan')).toBe(false);
    await loop.network.stop();
    await call('PUT', 'judy', '', { name: 'Judy' });
    expect(await entry('judy')).toMatchObject({ name: 'Judy', pending: true, subscription: null });
    await loop.network.start();
    await becomes('judy is taken', 'judy', (found) => found?.pending === false);
    expect(loop.network.lists('alice', 'judy')).toBe(true);
  });

  it('tells who asks to see us, in the listing and in the log, until they are answered', async () => {
    const { cursor } = await loop.ask<{ cursor: string }>('GET', '/v1/snapshot');
    loop.network.askToSee('karl', 'alice');
    const told = await eventually('it is told', async () => {
      const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${cursor}`);
      return items.find(({ event }) => event.data.identity?.asks === true);
    });
    expect(told.event.data.identity?.addresses[0]?.address).toBe('karl');
    expect(await entry('karl')).toMatchObject({ asks: true, subscription: 'none', answer: null });
    expect((await call('DELETE', 'karl')).status).toBe(404);
    expect(await call('POST', 'karl', '/approve')).toMatchObject({ status: 200, body: { address: 'karl' } });
    await becomes('karl is let', 'karl', (found) => found?.asks === false && found.answer === null);
    expect(loop.network.admits('alice', 'karl')).toBe(true);
    expect((await entry('karl'))?.subscription).toBe('from');
    await call('POST', 'karl', '/deny');
    await becomes('karl is let no longer', 'karl', (found) => found === undefined);
    expect(loop.network.admits('alice', 'karl')).toBe(false);
  });

  it('gives answers that were given while we were away, and those that were given before they asked', async () => {
    loop.network.askToSee('lena', 'alice');
    await becomes('lena asks', 'lena', (found) => found?.asks === true);
    await loop.network.stop();
    expect((await call('POST', 'lena', '/deny')).body).toMatchObject({ answer: 'deny', pending: true });
    await call('POST', 'mike', '/approve');
    await loop.network.start();
    await becomes('lena is answered', 'lena', (found) => found === undefined);
    expect(loop.network.admits('alice', 'lena')).toBe(false);
    expect(await entry('mike')).toMatchObject({ answer: 'approve', asks: false });
    loop.network.askToSee('mike', 'alice');
    await becomes('mike is let', 'mike', (found) => found?.subscription === 'from');
    expect((await entry('mike'))?.answer).toBeNull();
  });
});

describe('whoever holds an address for a time', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
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
