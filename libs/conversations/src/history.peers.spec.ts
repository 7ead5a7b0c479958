import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Message, MessagePage, MyConversation } from '#api';
import { newId, type AccountId, type ConversationId, type MessageId, type WorkspaceId } from '#model';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { History } from './history.service.js';
import { House, principalOf, type Said, type Somebody } from './house.fixture.js';
import { MessageViews } from './message.views.js';

describeEngines('history', (open) => {
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

  async function page(query = '', who = alice): Promise<MessagePage> {
    const url = `/v1/conversations/${room}/messages${query}`;
    const { status, body } = await house.ask<MessagePage>(who, 'GET', url);
    expect(status).toBe(200);
    return body;
  }

  async function get(id: MessageId | undefined, who = alice) {
    return await house.ask<Message>(who, 'GET', `/v1/messages/${id ?? ''}`);
  }

  const texts = ({ items }: MessagePage): string => items.map(({ text }) => text).join(' ');
  const numbered = (count: number): Said[] =>
    Array.from({ length: count }, (_, index) => ({ text: String(index + 1) }));

  describe('a page', () => {
    it('is the latest, in order, and leads back to the beginning', async () => {
      await house.say(room, ...numbered(7));
      const last = await page('?limit=3');
      expect(texts(last)).toBe('5 6 7');
      const middle = await page(`?limit=3&before=${last.next ?? ''}`);
      expect(texts(middle)).toBe('2 3 4');
      const first = await page(`?limit=3&before=${middle.next ?? ''}`);
      expect(texts(first)).toBe('1');
      expect(first.next).toBeUndefined();
    });

    it('after a position leads forward, and ends where nothing is newer', async () => {
      await house.say(room, ...numbered(5));
      const { items } = await page();
      const next = await page(`?limit=2&after=${items[1]?.position ?? ''}`);
      expect(texts(next)).toBe('3 4');
      const end = await page(`?limit=2&after=${next.next ?? ''}`);
      expect(texts(end)).toBe('5');
      expect(end.next).toBeUndefined();
      expect(texts(await page(`?after=${items[4]?.position ?? ''}`))).toBe('');
    });

    it('between two positions has what stands between them', async () => {
      await house.say(room, ...numbered(5));
      const { items } = await page();
      const [low, high] = [items[0]?.position ?? '', items[4]?.position ?? ''];
      expect(texts(await page(`?after=${low}&before=${high}`))).toBe('2 3 4');
    });

    it('goes by position: history that comes in later stands where it belongs, and nothing is renumbered', async () => {
      const [live] = await house.say(room, { text: 'live', at: new Date('2026-01-05T12:00:00Z') });
      const before = (await get(live)).body;
      const day = (text: string, date: number): Said => ({
        text,
        mode: 'history',
        at: new Date(Date.UTC(2026, 0, date)),
      });
      await house.say(room, day('third', 3), day('first', 1), day('second', 2));
      expect(texts(await page())).toBe('first second third live');
      expect((await get(live)).body).toEqual(before);
      const older = await page(`?limit=2&before=${before.position}`);
      expect(texts(older)).toBe('second third');
      expect(texts(await page(`?limit=2&before=${older.next ?? ''}`))).toBe('first');
    });

    it('loses and doubles nothing where many stand at one position', async () => {
      const at = new Date('2026-01-05T12:00:00Z');
      await house.say(room, ...numbered(9).map((said) => ({ ...said, at })));
      const seen: string[] = [];
      for (let next: string | undefined = ''; next !== undefined;) {
        const found: MessagePage = await page(`?limit=2${next === '' ? '' : `&before=${next}`}`);
        seen.unshift(...found.items.map(({ text }) => text));
        next = found.next;
      }
      expect(seen.join('')).toBe('123456789');
    });

    it('tells the gaps of the time that it covers', async () => {
      const gap = async (from: string, until: string, reason: string, conversation: ConversationId | null) =>
        await house.database.query(
          `INSERT INTO gap (id, account_id, conversation_id, from_at, until_at, reason) VALUES ($1, $2, $3, $4, $5, $6)`,
          [newId(), account, conversation, from, until, reason],
        );
      const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 5, hour));
      const hour = (value: number): string => at(value).toISOString();
      await house.say(room, { text: 'a', at: at(10) }, { text: 'b', at: at(12) }, { text: 'c', at: at(14) });
      await gap(hour(11), hour(11), 'between a and b', room);
      await gap(hour(13), hour(13), 'of the account', null);
      await gap(hour(13), hour(13), 'elsewhere', await house.conversation(workspace, account, '#other'));
      const newest = await page('?limit=1');
      expect(newest.gaps).toEqual([]);
      const older = await page(`?limit=1&before=${newest.next ?? ''}`);
      expect(older.gaps).toEqual([{ from: hour(13), until: hour(13), reason: 'of the account' }]);
      expect((await page()).gaps.map(({ reason }) => reason)).toEqual(['between a and b', 'of the account']);
    });

    it('refuses a position that was not given here', async () => {
      for (const position of ['x', '%00', 'zz'.repeat(14)]) {
        const { status } = await house.ask(
          alice,
          'GET',
          `/v1/conversations/${room}/messages?before=${position}`,
        );
        expect(status).toBe(422);
      }
    });
  });

  describe('a message', () => {
    it('is shown with its author as known now', async () => {
      const [id] = await house.say(room, {
        by: 'bob',
        text: 'look: this',
        content: { spans: [{ start: 0, end: 4, style: { kind: 'bold' } }], emote: true },
      });
      const { body } = await get(id);
      expect(body).toMatchObject({
        id,
        conversation: room,
        account,
        author: { name: 'bob', address: 'bob', version: 1 },
        person: null,
        origin: 'remote',
        mode: 'live',
        kind: 'message',
        text: 'look: this',
        spans: [{ start: 0, end: 4, style: { kind: 'bold' } }],
        emote: true,
        notice: false,
        attachments: [],
        replyTo: null,
        audience: null,
        reactions: [],
        editedAt: null,
        retractedAt: null,
        erased: false,
        envelopes: [],
        version: 1,
      });
      await house.database.query(`UPDATE identity SET name = 'Bob B.', version = 2 WHERE account_id = $1`, [
        account,
      ]);
      expect((await get(id)).body.author).toMatchObject({ name: 'Bob B.', version: 2 });
    });

    it('of ours bears what became of it on its way', async () => {
      const [id] = await house.say(room, { origin: 'own', person: alice.id, text: 'mine' });
      const envelope = {
        id: newId<'EnvelopeId'>(),
        kind: 'message',
        state: 'sent',
        waitsFor: null,
        failure: null,
        version: 3,
      } as const;
      house.fates.known.set(id ?? newId(), [envelope]);
      expect((await get(id)).body).toMatchObject({ author: null, person: alice.id, envelopes: [envelope] });
    });

    it('that was retracted shows that it was, and nothing of what it said', async () => {
      const [id] = await house.say(room, { text: 'oops', content: { emote: true } });
      await house.database.query(`UPDATE message SET retracted_at = now() WHERE id = $1`, [id]);
      const { body } = await get(id);
      expect(body).toMatchObject({ text: '', emote: false });
      expect(body.retractedAt).toEqual(expect.any(String));
    });
  });

  describe('hiding a message', () => {
    const hide = async (id: MessageId | undefined, who = alice) =>
      await house.get(History).hide(principalOf(who), id ?? newId());

    it('takes it from me everywhere, and from nobody else', async () => {
      const [, id] = await house.say(room, { text: 'one' }, { text: 'two' });
      expect(await hide(id)).toMatchObject({ id, text: 'two' });
      expect((await get(id)).status).toBe(404);
      expect(texts(await page())).toBe('one');
      const shown = await house.ask<MyConversation>(alice, 'GET', `/v1/conversations/${room}`);
      expect(shown.body.lastMessage?.text).toBe('one');
      expect(texts(await page('', bob))).toBe('one two');
      expect((await get(id, bob)).status).toBe(200);
    });

    it('is known of everybody at once, for those who show messages to many', async () => {
      const [first, second] = await house.say(room, {}, {});
      await hide(first);
      await hide(first, bob);
      expect(await house.get(MessageViews).hiddenFrom([first ?? '', second ?? ''])).toEqual(
        new Map([[first, new Set([alice.id, bob.id])]]),
      );
    });

    it('tells only my other clients, once', async () => {
      const [id] = await house.say(room, {});
      const before = await house.head(workspace);
      await hide(id);
      await expect(hide(id)).rejects.toMatchObject({ status: 404 });
      const scope = { accounts: new Set([account]) };
      expect(await house.events(workspace, before, { person: alice.id, ...scope })).toMatchObject([
        { type: 'message.erased', subject: id, data: { hidden: id, conversation: room } },
        { type: 'read.changed', subject: room },
      ]);
      expect(await house.events(workspace, before, { person: bob.id, ...scope })).toEqual([]);
    });

    it('of somebody else is not found', async () => {
      const [id] = await house.say(room, {});
      const stranger = await house.person(workspace);
      await expect(hide(id, stranger)).rejects.toMatchObject({ status: 404 });
      expect(texts(await page())).toBe('hello');
    });
  });
});
