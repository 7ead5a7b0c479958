import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Message, MyConversation, Problem } from '#api';
import { Signals, type JsonLike } from '#bus';
import { newId, type AccountId, type ConversationId, type LinkId, type WorkspaceId } from '#model';
import { leastOf } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, type Page, type Somebody } from './house.fixture.js';

describeEngines('conversations', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
  let account: AccountId;
  let link: LinkId;

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    workspace = await house.workspace();
    alice = await house.person(workspace);
    ({ id: account, link } = await house.account(alice));
  });

  async function create(who: Somebody, body: object) {
    return await house.ask<MyConversation>(who, 'POST', '/v1/conversations', body);
  }

  async function list(who: Somebody, query = ''): Promise<Page<MyConversation>> {
    const { status, body } = await house.ask<Page<MyConversation>>(who, 'GET', `/v1/conversations${query}`);
    expect(status).toBe(200);
    return body;
  }

  async function since(before: bigint) {
    const events = await house.events(workspace, before, { person: alice.id, accounts: new Set([account]) });
    return events.map(({ type, subject }) => ({ type, subject }));
  }

  describe('opening', () => {
    it('a direct conversation makes its peer and tells of both', async () => {
      const { status, body } = await create(alice, { account, address: 'Bob' });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        account,
        kind: 'direct',
        address: 'bob',
        joined: false,
        leftAt: null,
        failure: null,
        peer: {
          account,
          addresses: [{ address: 'bob', kind: 'transient' }],
          presence: { presence: 'unknown' },
        },
        capabilities: { direct: 'native' },
        mine: { conversation: body.id, unread: 0, readMark: null, draft: null, muted: false, pinned: false },
        lastMessage: null,
        version: 1,
      });
      expect(await since(0n)).toEqual([
        { type: 'identity.changed', subject: body.peer?.id },
        { type: 'conversation.changed', subject: body.id },
      ]);
    });

    it('one that is there already answers it with 200 and tells nobody', async () => {
      const first = await create(alice, { account, address: 'bob' });
      const before = await house.head(workspace);
      const again = await create(alice, { account, address: 'BOB', kind: 'direct' });
      expect(again).toEqual({ status: 200, body: first.body });
      expect(await since(before)).toEqual([]);
    });

    it('a room stores the wish to be in it and wakes the session', async () => {
      const heard: (JsonLike | undefined)[] = [];
      const stop = house.get(Signals).subscribe('links', (payload) => heard.push(payload));
      const { status, body } = await create(alice, {
        account,
        address: '#Lobby',
        options: { key: 'secret' },
      });
      stop();
      expect(status).toBe(201);
      expect(body).toMatchObject({ kind: 'room', address: '#lobby', peer: null, joined: false });
      expect(heard).toContainEqual({ link });
      expect(
        await house.database.query(`SELECT kind, address, options FROM desired WHERE account_id = $1`, [
          account,
        ]),
      ).toEqual([{ kind: 'room', address: '#lobby', options: { key: 'secret' } }]);
    });

    it('many at once makes one', async () => {
      const all = await Promise.all(
        Array.from({ length: 8 }, async () => await create(alice, { account, address: 'bob' })),
      );
      expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(all.filter(({ status }) => status === 200)).toHaveLength(7);
    });

    it('an address that somebody else holds by now begins another conversation', async () => {
      const first = await create(alice, { account, address: 'guest' });
      await house.database.query(
        `UPDATE identity_address SET held = NULL WHERE account_id = $1 AND address = 'guest'`,
        [account],
      );
      const second = await create(alice, { account, address: 'guest' });
      expect(second.status).toBe(201);
      expect(second.body.id).not.toBe(first.body.id);
      expect(second.body.peer?.id).not.toBe(first.body.peer?.id);
      expect((await list(alice)).items.map(({ id }) => id)).toEqual([second.body.id, first.body.id]);
    });

    it('is refused with the reason for an address that is none, or is of the other kind', async () => {
      const bad = await house.ask<Problem>(alice, 'POST', '/v1/conversations', { account, address: 'a b' });
      expect(bad).toMatchObject({
        status: 422,
        body: { code: 'invalid', detail: 'An address has no spaces.', errors: [{ pointer: '/address' }] },
      });
      expect(await create(alice, { account, address: '#lobby', kind: 'direct' })).toMatchObject({
        status: 422,
        body: { detail: '#lobby is the address of a room' },
      });
      expect((await list(alice)).items).toEqual([]);
    });
  });

  describe('the list', () => {
    it('has the latest activity first and goes on page by page', async () => {
      const ids: ConversationId[] = [];
      for (const address of ['a', 'b', 'c', '#d', '#e']) {
        ids.push(await house.conversation(workspace, account, address));
      }
      const [a, b, c, d, e] = ids as [
        ConversationId,
        ConversationId,
        ConversationId,
        ConversationId,
        ConversationId,
      ];
      for (const id of [c, a, e, b, d]) await house.say(id, {});
      const first = await list(alice, '?limit=2');
      expect(first.items.map(({ id }) => id)).toEqual([d, b]);
      await house.say(a, {});
      const second = await list(alice, `?limit=2&next=${first.next ?? ''}`);
      expect(second.items.map(({ id }) => id)).toEqual([e, c]);
      expect(second.next).toBeUndefined();
      expect((await list(alice)).items.map(({ id }) => id)).toEqual([a, d, b, e, c]);
    });

    it('can be of one account or one kind', async () => {
      const { id: other } = await house.account(alice);
      const room = await house.conversation(workspace, account, '#room');
      const peer = await house.conversation(workspace, other, 'bob');
      expect((await list(alice)).items).toHaveLength(2);
      expect((await list(alice, `?account=${other}`)).items.map(({ id }) => id)).toEqual([peer]);
      expect((await list(alice, `?kind=room`)).items.map(({ id }) => id)).toEqual([room]);
      expect((await list(alice, `?kind=room&account=${other}`)).items).toEqual([]);
    });

    it('shows the last message by position, not the one stored last', async () => {
      const id = await house.conversation(workspace, account, '#room');
      await house.say(id, { text: 'now' }, { text: 'long ago', mode: 'history', at: new Date(0) });
      const [shown] = (await list(alice)).items;
      expect(shown?.lastMessage).toMatchObject({ text: 'now', author: { name: 'bob', address: 'bob' } });
    });

    it('takes the same few statements for one and for fifty', async () => {
      const counted = async () => {
        const query = house.database.query.bind(house.database);
        let statements = 0;
        house.database.query = async (text, params) => {
          statements++;
          return await query(text, params);
        };
        try {
          await list(alice, '?limit=200');
        } finally {
          house.database.query = query;
        }
        return statements;
      };
      // What the house asks on its own now and then is not in all of them.
      const count = () => leastOf(0, counted, 3);
      await house.say(await house.conversation(workspace, account, 'first'), {});
      await list(alice);
      const one = await count();
      for (let index = 0; index < 50; index++) {
        await house.say(await house.conversation(workspace, account, `peer${String(index)}`), {});
      }
      expect(await count()).toBe(one);
      expect(one).toBeLessThan(10);
    });

    it('refuses a next that was not given here', async () => {
      for (const next of [
        'x',
        Buffer.from('1 2').toString('base64url'),
        Buffer.from("9 ' OR 1").toString('base64url'),
      ]) {
        expect(await house.ask(alice, 'GET', `/v1/conversations?next=${next}`)).toMatchObject({
          status: 422,
          body: { code: 'invalid' },
        });
      }
    });
  });

  describe('muting and pinning', () => {
    it('is for oneself, and tells only oneself', async () => {
      const bob = await house.person(workspace);
      const { id: shared } = await house.account(alice, { people: [bob] });
      const id = await house.conversation(workspace, shared, '#room');
      const before = await house.head(workspace);
      const changed = await house.ask<MyConversation>(alice, 'PATCH', `/v1/conversations/${id}`, {
        muted: true,
      });
      expect(changed).toMatchObject({
        status: 200,
        body: { mine: { muted: true, pinned: false, version: 1 } },
      });
      await house.ask(alice, 'PATCH', `/v1/conversations/${id}`, { pinned: true });
      await house.ask(alice, 'PATCH', `/v1/conversations/${id}`, { pinned: true });
      const mine = await house.ask<MyConversation>(alice, 'GET', `/v1/conversations/${id}`);
      expect(mine.body.mine).toMatchObject({ muted: true, pinned: true, version: 2 });
      const theirs = await house.ask<MyConversation>(bob, 'GET', `/v1/conversations/${id}`);
      expect(theirs.body.mine).toMatchObject({ muted: false, pinned: false, version: 0 });
      expect(await since(before)).toEqual([
        { type: 'read.changed', subject: id },
        { type: 'read.changed', subject: id },
      ]);
      const scope = { person: bob.id, accounts: new Set([shared]) };
      expect(await house.events(workspace, before, scope)).toEqual([]);
    });
  });

  describe('leaving', () => {
    it('a room takes the wish back, keeps the history and wakes the session', async () => {
      const { body } = await create(alice, { account, address: '#lobby' });
      await house.say(body.id, { text: 'stay' });
      const before = await house.head(workspace);
      const heard: (JsonLike | undefined)[] = [];
      const stop = house.get(Signals).subscribe('links', (payload) => heard.push(payload));
      expect((await house.ask(alice, 'DELETE', `/v1/conversations/${body.id}`)).status).toBe(204);
      stop();
      expect(heard).toContainEqual({ link });
      expect(await house.database.query(`SELECT FROM desired WHERE account_id = $1`, [account])).toEqual([]);
      expect(await since(before)).toEqual([{ type: 'conversation.changed', subject: body.id }]);
      const left = await house.ask<MyConversation>(alice, 'GET', `/v1/conversations/${body.id}`);
      expect(left.body).toMatchObject({ version: 2, lastMessage: { text: 'stay' } });
      expect(left.body.leftAt).toEqual(expect.any(String));
    });

    it('twice is once', async () => {
      const { body } = await create(alice, { account, address: 'bob' });
      await house.ask(alice, 'DELETE', `/v1/conversations/${body.id}`);
      const before = await house.head(workspace);
      expect((await house.ask(alice, 'DELETE', `/v1/conversations/${body.id}`)).status).toBe(204);
      expect(await since(before)).toEqual([]);
    });

    it('and opening again goes on in the same conversation', async () => {
      const { body } = await create(alice, { account, address: '#lobby' });
      await house.ask(alice, 'DELETE', `/v1/conversations/${body.id}`);
      const again = await create(alice, { account, address: '#lobby' });
      expect(again).toMatchObject({ status: 200, body: { id: body.id, leftAt: null, version: 3 } });
    });
  });

  describe('somebody who may not see the account', () => {
    const requests = (id: ConversationId): [Parameters<House['ask']>[1], string, object?][] => [
      ['GET', `/v1/conversations/${id}`],
      ['PATCH', `/v1/conversations/${id}`, { muted: true }],
      ['DELETE', `/v1/conversations/${id}`],
      ['DELETE', `/v1/conversations/${id}?erase`],
      ['GET', `/v1/conversations/${id}/participants`],
      ['POST', `/v1/conversations/${id}/requests`, { kind: 'topic' }],
      ['GET', `/v1/conversations/${id}/messages`],
      ['PUT', `/v1/conversations/${id}/read`, { cursor: 'a1' }],
      ['PUT', `/v1/conversations/${id}/typing`, { active: true }],
      ['PUT', `/v1/conversations/${id}/draft`, { text: 'mine' }],
      ['GET', `/v1/search?q=secret&in=${id}`],
    ];

    it('finds nothing there: another person, an admin, somebody of another workspace, an id of nobody', async () => {
      const id = await house.conversation(workspace, account, '#secret');
      const [message] = await house.say(id, { text: 'secret' });
      const others = [
        await house.person(workspace),
        await house.person(workspace, 'admin'),
        await house.person(await house.workspace(), 'admin'),
      ];
      await house.account(others[0] ?? alice);
      for (const other of others) {
        for (const [method, url, body] of requests(id)) {
          expect(await house.ask(other, method, url, body)).toMatchObject({
            status: 404,
            body: { code: 'not-found' },
          });
        }
        expect((await house.ask(other, 'GET', `/v1/messages/${message ?? ''}`)).status).toBe(404);
        expect((await list(other)).items).toEqual([]);
        expect(await house.ask(other, 'GET', `/v1/conversations?account=${account}`)).toMatchObject({
          status: 404,
        });
        expect(await create(other, { account, address: '#secret' })).toMatchObject({ status: 404 });
        expect((await house.ask<Page<Message>>(other, 'GET', '/v1/search?q=secret')).body.items).toEqual([]);
      }
      for (const [method, url, body] of requests(newId())) {
        expect((await house.ask(alice, method, url, body)).status).toBe(404);
      }
      for (const [method, url, body] of requests('nonsense' as ConversationId).slice(0, -1)) {
        expect((await house.ask(alice, method, url, body)).status).toBe(404);
      }
    });
  });
});
