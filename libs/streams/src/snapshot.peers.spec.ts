import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apply, ParleyError, stateOf, type EventFrame } from '#api';
import { decodeCursor, encodeCursor } from '#bus';
import type { AccountId, ConversationId } from '#model';
import { eventually } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { comparable, House, snapshotOf, type Somebody } from './house.fixture.js';

describeEngines('snapshot and pages of events', (open) => {
  let test: TestDatabase;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
    alice = await house.setUp();
    bob = await house.invite(alice);
    account = await house.account(alice);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  const cursorNow = async (of: Somebody): Promise<string> => (await of.client.call('events')).cursor;
  const room = async (address: string): Promise<ConversationId> =>
    (await alice.client.call('createConversation', { body: { account, address } })).id;

  /** Every page from a cursor on. */
  async function follow(of: Somebody, since: string, limit = 50): Promise<EventFrame[]> {
    const frames: EventFrame[] = [];
    for (let cursor = since; ;) {
      const page = await of.client.call('events', { query: { since: cursor, limit } });
      expect(page.reset).toBeUndefined();
      frames.push(...page.items);
      cursor = page.cursor;
      if (!page.more) return frames;
    }
  }

  describe('a snapshot', () => {
    it('holds what I may see, every conversation once, however it is cut', async () => {
      for (const address of ['#one', '#two', '#three']) await room(address);
      const whole = await snapshotOf(alice, 200);
      const cut = await snapshotOf(alice, 1);
      expect(cut.length).toBeGreaterThan(whole.length);
      expect(new Set(cut.map(({ cursor }) => cursor)).size).toBe(1);
      expect(comparable(stateOf(cut))).toEqual(comparable(stateOf(whole)));
      const addresses = cut.flatMap(({ conversations }) => conversations.map((each) => each.address));
      expect(addresses.sort()).toEqual(['#one', '#three', '#two']);
    });

    it('holds nothing of what others see', async () => {
      const [page] = await snapshotOf(bob);
      expect(page).toMatchObject({ person: bob.me.id, accounts: [], conversations: [] });
    });

    it.each([
      'x',
      'a0',
      Buffer.from('a0 people ').toString('base64url'),
      Buffer.from("a0 accounts '").toString('base64url'),
    ])('refuses %j as its next page', async (next) => {
      const error = await alice.client.call('snapshot', { query: { next } }).catch((err: unknown) => err);
      expect(error).toMatchObject({ status: 422, problem: { code: 'invalid' } });
    });

    it('needs the scope read', async () => {
      const { token } = await house.token(alice, 'send');
      await expect(house.client(token).call('snapshot')).rejects.toMatchObject({ status: 403 });
      await expect(house.client().call('snapshot')).rejects.toMatchObject({ status: 401 });
    });
  });

  describe('a page of events', () => {
    it('begins now where nothing is said, and leads on from there', async () => {
      const page = await alice.client.call('events');
      expect(page).toMatchObject({ items: [], more: false });
      expect(await alice.client.call('events', { query: { since: page.cursor } })).toEqual(page);
    });

    it('shows a message with everything, and who wrote it', async () => {
      const since = await cursorNow(alice);
      await house.network.say(account, 'carol', 'hello', '#one', { content: { emote: true } });
      const frames = await follow(alice, since);
      const created = frames.find(({ event }) => event.type === 'message.created');
      expect(created?.event).toMatchObject({
        account,
        data: { message: { text: 'hello', emote: true, author: { address: 'carol' }, account } },
      });
      expect(created?.event.subject).toBe(created?.event.data.message?.id);
      expect(created?.event.data.message?.cursor).toBe(created?.cursor);
    });

    it('gives each event once, in order, each telling the one before it', async () => {
      const since = await cursorNow(alice);
      for (let n = 0; n < 7; n++) await house.network.say(account, 'carol', String(n), '#one');
      const frames = await follow(alice, since, 3);
      expect(frames.map(({ event }) => event.data.message?.text)).toEqual([
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        '6',
      ]);
      expect(frames.map(({ prev }) => prev)).toEqual([
        since,
        ...frames.slice(0, -1).map(({ cursor }) => cursor),
      ]);
    });

    it('steps over what others see', async () => {
      const since = await cursorNow(bob);
      await house.network.say(account, 'carol', 'not for bob', '#one');
      const page = await bob.client.call('events', { query: { since } });
      expect(page.items).toEqual([]);
      expect(page.cursor).not.toBe(since);
      expect(page.cursor).toBe(await cursorNow(alice));
    });

    it('shows an envelope on its way, mark and draft', async () => {
      const since = await cursorNow(alice);
      const id = await room('#one');
      const message = await alice.client.call('sendMessage', { params: { id }, body: { text: 'hi' } });
      await alice.client.call('setDraft', { params: { id }, body: { text: 'and then' } });
      const frames = await eventually('it is sent', async () => {
        const seen = await follow(alice, since);
        return seen.some(({ event }) => event.data.envelope?.state === 'sent') && seen;
      });
      const envelopes = frames.flatMap(({ event }) => event.data.envelope ?? []);
      expect(envelopes.every((envelope) => envelope.message === message.id)).toBe(true);
      const marks = frames.flatMap(({ event }) => (event.data.mark ? [event] : []));
      expect(marks).toEqual([
        expect.objectContaining({
          type: 'draft.changed',
          data: { mark: expect.objectContaining({ conversation: id, draft: 'and then' }) },
        }),
      ]);
      expect(marks[0]).not.toHaveProperty('account');
    });

    it('lets go of what I have hidden, and says which message is the last now', async () => {
      const id = await room('#hiding');
      await house.network.say(account, 'carol', 'first', '#hiding');
      await house.network.say(account, 'carol', 'second', '#hiding');
      const since = await cursorNow(alice);
      const last = (await alice.client.call('getConversation', { params: { id } })).lastMessage;
      await alice.client.call('deleteMessage', { params: { id: last?.id ?? '' }, query: { scope: 'me' } });
      const [hidden] = await follow(alice, since);
      expect(hidden?.event).toMatchObject({
        type: 'message.erased',
        data: { hidden: last?.id, message: { text: 'first' } },
      });
    });

    it('shows a change of a message to all but those who have hidden it', async () => {
      const carol = await house.invite(alice);
      const shared = await house.account(carol, [alice]);
      await house.network.say(shared, 'dave', 'look', 'dave', { id: 'looked at' });
      const { id: conversation } = await carol.client.call('createConversation', {
        body: { account: shared, address: 'dave' },
      });
      const { items } = await carol.client.call('listMessages', { params: { id: conversation } });
      await carol.client.call('deleteMessage', {
        params: { id: items[0]?.id ?? '' },
        query: { scope: 'me' },
      });
      const since = await cursorNow(carol);
      await house.network.emit(shared, {
        type: 'edit',
        account: shared,
        conversation: 'dave',
        conversationKind: 'direct',
        author: { address: 'dave', kind: 'transient' },
        target: { scope: 'play', id: 'looked at', by: 'network' },
        content: { text: 'look again' },
        origin: 'remote',
        mode: 'live',
        at: new Date(),
      });
      const told = async (of: Somebody) =>
        (await follow(of, since)).map(({ event }) => [event.type, event.data]);
      expect(await told(carol)).toEqual([['message.changed', {}]]);
      expect(await told(alice)).toEqual([
        ['message.changed', { message: expect.objectContaining({ text: 'look again' }) }],
      ]);
    });

    it.each(['x', 'a', 'a01', 'a-1', '7'])('refuses %j as a cursor', async (since) => {
      await expect(alice.client.call('events', { query: { since } })).rejects.toThrow(ParleyError);
    });

    it('resets a cursor that lies ahead of the log', async () => {
      const since = encodeCursor((decodeCursor(await cursorNow(alice)) ?? 0n) + 1_000n);
      const page = await alice.client.call('events', { query: { since } });
      expect(page).toMatchObject({ items: [], reset: { reason: 'ahead' } });
    });

    it('resets when what I may see has changed', async () => {
      const since = await cursorNow(bob);
      await alice.client.call('setAccountPeople', { params: { id: account }, body: { people: [bob.me.id] } });
      const page = await bob.client.call('events', { query: { since } });
      expect(page).toMatchObject({ items: [], reset: { reason: 'access' } });
      const [fresh] = await snapshotOf(bob);
      expect(fresh.accounts.map(({ id }) => id)).toEqual([account]);
      expect((await bob.client.call('events', { query: { since: fresh.cursor } })).reset).toBeUndefined();
    });

    it('resets a cursor behind which events were let go', async () => {
      const since = await cursorNow(alice);
      await house.network.say(account, 'carol', 'soon forgotten', '#one');
      await house.log.retain(new Date(Date.now() + 60_000));
      const page = await alice.client.call('events', { query: { since } });
      expect(page).toMatchObject({ items: [], reset: { reason: 'retention' } });
      await expect(follow(alice, await cursorNow(alice))).resolves.toEqual([]);
    });
  });

  describe('the apply law', () => {
    it('a snapshot with the events since then applied is a fresh snapshot', async () => {
      const lobby = await room('#lobby');
      await house.network.say(account, 'carol', 'before', '#lobby');
      const before = await snapshotOf(alice, 2);

      await house.network.say(account, 'carol', 'one', '#lobby', { id: 'one' });
      await house.network.say(account, 'dave', 'a direct word');
      await house.network.rename(account, 'dave', 'david');
      await house.network.topic(account, '#lobby', 'a new topic');
      await house.network.emit(account, {
        type: 'reaction',
        account,
        conversation: '#lobby',
        conversationKind: 'room',
        author: { address: 'carol', kind: 'transient' },
        target: { scope: 'play', id: 'one', by: 'network' },
        reaction: { emoji: '👍', removed: false },
        origin: 'remote',
        mode: 'live',
        at: new Date(),
      });
      const { items: said } = await alice.client.call('listMessages', { params: { id: lobby } });
      await alice.client.call('setRead', { params: { id: lobby }, body: { cursor: said[0]?.cursor ?? '' } });
      await alice.client.call('sendMessage', { params: { id: lobby }, body: { text: 'an answer' } });
      await house.network.say(account, 'carol', 'two', '#lobby');
      await alice.client.call('updateConversation', { params: { id: lobby }, body: { pinned: true } });
      const hall = await room('#hall');
      await house.network.say(account, 'carol', 'in the hall', '#hall');
      await alice.client.call('leaveConversation', { params: { id: hall } });
      await alice.client.call('updateAccount', { params: { id: account }, body: { label: 'another label' } });
      const last = (await alice.client.call('listMessages', { params: { id: lobby } })).items.at(-1);
      await alice.client.call('deleteMessage', { params: { id: last?.id ?? '' }, query: { scope: 'me' } });

      await eventually('applied and fresh are the same', async () => {
        const frames = await follow(alice, before[0].cursor, 3);
        const applied = comparable(apply(stateOf(before), frames));
        const fresh = comparable(stateOf(await snapshotOf(alice)));
        try {
          expect(applied).toEqual(fresh);
          return true;
        } catch (error) {
          // Envelopes are still on their way: the two were not taken at the same moment.
          if ((await cursorNow(alice)) !== frames.at(-1)?.cursor) return false;
          throw error;
        }
      });
    });
  });
});
