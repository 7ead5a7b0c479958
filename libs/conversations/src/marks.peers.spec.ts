import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { maxUnread, type Mark, type Message, type MyConversation } from '#api';
import { encodeCursor } from '#bus';
import type { AccountId, ConversationId, MessageId, WorkspaceId } from '#model';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { History } from './history.service.js';
import { House, principalOf, type Somebody } from './house.fixture.js';

describeEngines('marks', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;
  let room: ConversationId;

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
    bob = await house.person(workspace);
    ({ id: account } = await house.account(alice, { people: [bob] }));
    room = await house.conversation(workspace, account, '#room');
  });

  async function mine(who: Somebody): Promise<Mark> {
    return (await house.ask<MyConversation>(who, 'GET', `/v1/conversations/${room}`)).body.mine;
  }

  async function read(who: Somebody, cursor: string): Promise<Mark> {
    const { status, body } = await house.ask<Mark>(who, 'PUT', `/v1/conversations/${room}/read`, { cursor });
    expect(status).toBe(200);
    return body;
  }

  async function cursorOf(id: MessageId | undefined): Promise<string> {
    return (await house.ask<Message>(alice, 'GET', `/v1/messages/${id ?? ''}`)).body.cursor;
  }

  async function told(who: Somebody, before: bigint): Promise<string[]> {
    const events = await house.events(workspace, before, { person: who.id, accounts: new Set([account]) });
    return events.map(({ type }) => type);
  }

  describe('unread', () => {
    it('counts live and caught-up messages of others after my mark', async () => {
      await house.say(room, {}, { mode: 'catch-up' }, {});
      expect(await mine(alice)).toMatchObject({ unread: 3, readMark: null });
    });

    it('counts neither history nor our own nor what a room tells', async () => {
      await house.say(
        room,
        { mode: 'history' },
        { origin: 'own', person: alice.id },
        { origin: 'other-device' },
        { kind: 'topic' },
        { kind: 'kick' },
      );
      expect((await mine(alice)).unread).toBe(0);
    });

    it('is what came after the mark, and each person has their own', async () => {
      const said = await house.say(room, {}, {}, {}, {});
      const marked = await read(alice, await cursorOf(said[1]));
      expect(marked).toMatchObject({ unread: 2, readMark: await cursorOf(said[1]), version: 1 });
      expect(await mine(alice)).toEqual(marked);
      expect((await mine(bob)).unread).toBe(4);
      await house.say(room, {});
      expect((await mine(alice)).unread).toBe(3);
    });

    it('stays what it was when old history comes in behind the mark', async () => {
      const [said] = await house.say(room, {});
      await read(alice, await cursorOf(said));
      await house.say(
        room,
        ...Array.from({ length: 20 }, () => ({ mode: 'history' as const, at: new Date(0) })),
      );
      expect((await mine(alice)).unread).toBe(0);
    });

    it('is counted up to a bound', async () => {
      await house.say(room, ...Array.from({ length: maxUnread + 10 }, () => ({})));
      expect((await mine(alice)).unread).toBe(maxUnread);
    });

    it('says up to which message it has counted, history aside', async () => {
      expect((await mine(alice)).countedTo).toBeNull();
      const [, own] = await house.say(room, {}, { origin: 'own', person: alice.id }, { mode: 'history' });
      expect((await mine(alice)).countedTo).toBe(await cursorOf(own));
    });

    it('does not count what I have hidden', async () => {
      const [first] = await house.say(room, {}, {});
      await house.get(History).hide(principalOf(alice), first ?? ('' as MessageId));
      expect((await mine(alice)).unread).toBe(1);
      expect((await mine(bob)).unread).toBe(2);
    });
  });

  describe('the read mark', () => {
    it('never goes back', async () => {
      const said = await house.say(room, {}, {}, {});
      const [early, late] = [await cursorOf(said[0]), await cursorOf(said[2])];
      await read(alice, late);
      const before = await house.head(workspace);
      expect(await read(alice, early)).toMatchObject({ readMark: late, unread: 0, version: 1 });
      expect(await told(alice, before)).toEqual([]);
    });

    it('stands where the furthest of many at once put it', async () => {
      const said = await house.say(room, ...Array.from({ length: 10 }, () => ({})));
      const cursors = await Promise.all(said.map(cursorOf));
      await Promise.all(cursors.map(async (cursor) => await read(alice, cursor)));
      expect(await mine(alice)).toMatchObject({ unread: 0, readMark: cursors[9] });
    });

    it('does not go beyond what has happened: a later message is unread', async () => {
      await house.say(room, {});
      await read(alice, encodeCursor(10n ** 15n));
      expect((await mine(alice)).unread).toBe(0);
      await house.say(room, {});
      expect((await mine(alice)).unread).toBe(1);
    });

    it('tells the other clients of the person, and nobody else', async () => {
      const [said] = await house.say(room, {});
      const before = await house.head(workspace);
      await read(alice, await cursorOf(said));
      expect(await told(alice, before)).toEqual(['read.changed']);
      expect(await told(bob, before)).toEqual([]);
    });

    it('is refused where the cursor is none', async () => {
      const { status } = await house.ask(alice, 'PUT', `/v1/conversations/${room}/read`, {
        cursor: 'nonsense!',
      });
      expect(status).toBe(422);
      expect((await mine(alice)).version).toBe(0);
    });
  });

  describe('a draft', () => {
    const draft = async (text: string) =>
      await house.ask<Mark>(alice, 'PUT', `/v1/conversations/${room}/draft`, { text });

    it('is kept for its person only, and told to their other clients when it changes', async () => {
      const before = await house.head(workspace);
      expect(await draft('half a thou')).toMatchObject({
        status: 200,
        body: { draft: 'half a thou', version: 1 },
      });
      await draft('half a thou');
      expect((await mine(bob)).draft).toBeNull();
      expect(await told(alice, before)).toEqual(['draft.changed']);
      expect(await told(bob, before)).toEqual([]);
    });

    it('goes with an empty text and leaves the rest of the mark', async () => {
      const [said] = await house.say(room, {});
      const cursor = await cursorOf(said);
      await read(alice, cursor);
      await draft('half a thought');
      expect(await draft('')).toMatchObject({ body: { draft: null, readMark: cursor, version: 3 } });
    });
  });
});
