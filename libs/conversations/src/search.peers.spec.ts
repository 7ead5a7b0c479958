import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Message } from '#api';
import { newId, type AccountId, type ConversationId, type WorkspaceId } from '#model';
import { Clock } from '#platform';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { History } from './history.service.js';
import { House, principalOf, type Page, type Somebody } from './house.fixture.js';

describeEngines('search', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
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
    ({ id: account } = await house.account(alice));
    room = await house.conversation(workspace, account, '#room');
  });

  async function search(query: Record<string, string>, who = alice) {
    const url = `/v1/search?${new URLSearchParams(query).toString()}`;
    return await house.ask<Page<Message>>(who, 'GET', url);
  }

  async function found(q: string, more: Record<string, string> = {}, who = alice): Promise<string[]> {
    const { status, body } = await search({ q, ...more }, who);
    expect(status).toBe(200);
    return body.items.map(({ text }) => text);
  }

  const say = async (...texts: string[]) => await house.say(room, ...texts.map((text) => ({ text })));

  describe('words', () => {
    it('are all found, in any order, the latest message first', async () => {
      await say('the quick brown fox', 'a fox that is quick', 'a lazy fox');
      expect(await found('fox quick')).toEqual(['a fox that is quick', 'the quick brown fox']);
      expect(await found('fox')).toEqual(['a lazy fox', 'a fox that is quick', 'the quick brown fox']);
      expect(await found('fox quick lazy')).toEqual([]);
    });

    it('are the same in capitals, in any script', async () => {
      await say('Grüße aus KÖLN', 'ÄRGER im Büro', 'Привет, Мир');
      expect(await found('köln')).toEqual(['Grüße aus KÖLN']);
      expect(await found('GRÜSSE')).toEqual([]);
      expect(await found('grüße Aus')).toEqual(['Grüße aus KÖLN']);
      expect(await found('ärger büro')).toEqual(['ÄRGER im Büro']);
      expect(await found('привет мир')).toEqual(['Привет, Мир']);
    });

    it('are whole, but the last one may be a beginning', async () => {
      await say('hello world', 'worldly goods');
      expect(await found('wor')).toEqual(['worldly goods', 'hello world']);
      expect(await found('hello wor')).toEqual(['hello world']);
      expect(await found('hell world')).toEqual([]);
    });

    it('within quotes stand side by side and are whole', async () => {
      await say('see you tomorrow', 'tomorrow I see you', 'you see');
      expect(await found('"see you"')).toEqual(['tomorrow I see you', 'see you tomorrow']);
      expect(await found('"see you tom"')).toEqual([]);
      expect(await found('"see you" tom')).toEqual(['tomorrow I see you', 'see you tomorrow']);
    });

    it('may be names of machines, addresses and dates', async () => {
      await say(
        'look at https://example.org/path?x=1',
        'write to bob@example.org',
        'on 2026-01-05 at 12:30',
        'v1.2.3-rc4',
      );
      expect(await found('example.org')).toEqual(['look at https://example.org/path?x=1']);
      expect(await found('bob@example.org')).toEqual(['write to bob@example.org']);
      expect(await found('2026-01-05')).toEqual(['on 2026-01-05 at 12:30']);
      expect(await found('v1.2.3')).toEqual(['v1.2.3-rc4']);
    });
  });

  describe('a hostile query', () => {
    it('is words or nothing, never an error and never an operator', async () => {
      await say("it's a | test & more", 'other');
      const queries = [
        "it's",
        "' | 'other",
        "it's:* & !other",
        'test <-> more',
        "'; DROP TABLE message; --",
        'a:*',
        ':*',
        '!other',
        '()',
        '\\',
        "\\\\'",
        '"',
        '"""',
        '%',
        '_',
        "a' & 'b",
        "x'':*",
        '\u0000test',
        '\ud800test',
        '<b>test</b>',
        '$1',
        '${1}',
      ];
      for (const q of queries) expect(await search({ q })).toMatchObject({ status: 200 });
      expect(await found('!other')).toEqual(['other']);
      expect(await found('test | nothing')).toEqual([]);
      expect(await found('&|!:*()')).toEqual([]);
      expect(await found('te\u0000st')).toEqual(["it's a | test & more"]);
    });

    it('may be as long as it may be', async () => {
      expect(await found('x'.repeat(256))).toEqual([]);
      expect(await found('a '.repeat(128).trim())).toEqual([]);
      expect(await found(`"${"' ".repeat(127)}`)).toEqual([]);
      expect((await search({ q: 'x'.repeat(257) })).status).toBe(422);
      expect((await search({ q: '' })).status).toBe(422);
    });

    it('has no bearing on where to go on', async () => {
      for (const next of ['x', 'below 1', '99999999999999999999']) {
        expect((await search({ q: 'x', next })).status).toBe(422);
        const encoded = Buffer.from(`below ${next} 1`).toString('base64url');
        expect((await search({ q: 'x', next: encoded })).status).toBe(422);
      }
    });
  });

  describe('where and when', () => {
    it('can be one conversation or one account', async () => {
      const { id: other } = await house.account(alice);
      const elsewhere = await house.conversation(workspace, other, '#room');
      await say('here news');
      await house.say(elsewhere, { text: 'there news' });
      expect(await found('news')).toEqual(['there news', 'here news']);
      expect(await found('news', { in: room })).toEqual(['here news']);
      expect(await found('news', { account: other })).toEqual(['there news']);
      expect(await found('news', { account: other, in: room })).toEqual([]);
    });

    it('can be before and after a moment', async () => {
      const day = (date: number) => new Date(Date.UTC(2026, 0, date));
      for (const date of [1, 2, 3]) await house.say(room, { text: `news ${String(date)}`, at: day(date) });
      expect(await found('news', { before: '2026-01-03T00:00:00Z' })).toEqual(['news 2', 'news 1']);
      expect(await found('news', { after: '2026-01-02T01:00:00+01:00' })).toEqual(['news 3', 'news 2']);
      expect(await found('news', { after: '2026-01-01T12:00:00Z', before: '2026-01-02T12:00:00Z' })).toEqual([
        'news 2',
      ]);
    });

    it('can be one author: an identity, an address as its network writes it, or ourselves', async () => {
      await house.say(
        room,
        { by: 'bob', text: 'bobs news' },
        { by: 'carol', text: 'carols news' },
        { origin: 'own', person: alice.id, text: 'my news' },
      );
      const bob = await house.identity(account, 'bob');
      expect(await found('news', { from: bob })).toEqual(['bobs news']);
      expect(await found('news', { from: 'Carol' })).toEqual(['carols news']);
      expect(await found('news', { from: 'me' })).toEqual(['my news']);
      expect(await found('news', { from: 'nobody' })).toEqual([]);
      expect(await found('news', { from: 'not an address' })).toEqual([]);
    });
  });

  describe('what may be seen', () => {
    it('is what my own accounts have, and nothing else', async () => {
      const bob = await house.person(workspace);
      const { id: shared } = await house.account(alice, { people: [bob] });
      await say('alices secret');
      await house.say(await house.conversation(workspace, shared, '#room'), { text: 'shared secret' });
      expect(await found('secret')).toEqual(['shared secret', 'alices secret']);
      expect(await found('secret', {}, bob)).toEqual(['shared secret']);
      expect(await found('secret', { from: await house.identity(account, 'bob') }, bob)).toEqual([]);
      expect((await search({ q: 'secret', account }, bob)).status).toBe(404);
      expect((await search({ q: 'secret', in: room }, bob)).status).toBe(404);
      expect(await found('secret', {}, await house.person(await house.workspace(), 'admin'))).toEqual([]);
    });

    it('is not what I have hidden, nor what was retracted or erased', async () => {
      const [hidden, retracted, erased] = await say('news one', 'news two', 'news three', 'news four');
      await house.get(History).hide(principalOf(alice), hidden ?? newId());
      await house.database.query(`UPDATE message SET retracted_at = now() WHERE id = $1`, [retracted]);
      await house.database.query(`UPDATE message SET erased_at = now() WHERE id = $1`, [erased]);
      expect(await found('news')).toEqual(['news four']);
    });
  });

  describe('pages', () => {
    const all = async (query: Record<string, string>): Promise<{ texts: string[]; pages: number }> => {
      const texts: string[] = [];
      let pages = 0;
      for (let next: string | undefined = ''; next !== undefined; pages++) {
        const { body }: { body: Page<Message> } = await search(next === '' ? query : { ...query, next });
        texts.push(...body.items.map(({ text }) => text));
        next = body.next;
      }
      return { texts, pages };
    };

    it('lose and double nothing, also where many stand at one position', async () => {
      const at = new Date('2026-01-05T12:00:00Z');
      const texts = Array.from({ length: 25 }, (_, index) => `news ${String(index)}`);
      await house.say(room, ...texts.map((text) => ({ text, at })));
      expect(await all({ q: 'news', limit: '7' })).toEqual({ texts: texts.toReversed(), pages: 4 });
    });

    it('reach what stands before 1970', async () => {
      await house.say(
        room,
        ...[3, 2, 1].map((year) => ({ text: `news ${String(year)}`, at: new Date(-year * 3e10) })),
      );
      expect((await all({ q: 'news', limit: '1' })).texts.toSorted()).toEqual(['news 1', 'news 2', 'news 3']);
    });

    it('find what is rare behind thousands of others, within one request', async () => {
      const hay = Array.from({ length: 1_000 }, () => ({ text: 'common hay' }));
      await house.say(room, { text: 'one needle' }, { text: 'another needle' });
      for (let thousand = 0; thousand < 8; thousand++) await house.say(room, ...hay);
      await house.say(room, { text: 'the last needle' });
      const needles = ['the last needle', 'another needle', 'one needle'];
      expect(await found('needle')).toEqual(needles);
      expect(await all({ q: 'needle', limit: '1' })).toEqual({ texts: needles, pages: 3 });
      expect(await found('one nee')).toEqual(['one needle']);
      expect(await found('common', { limit: '3' })).toHaveLength(3);
      expect(await found('common needle')).toEqual([]);
    });

    it('say where to go on when patience ends, with what was found', async () => {
      const hay = Array.from({ length: 998 }, () => ({ text: 'hay' }));
      await house.say(room, { text: 'first needle' }, ...hay, { text: 'hay' });
      await house.say(room, { text: 'second needle' }, ...hay, { text: 'third needle' });
      const clock = house.get(Clock);
      const slow = jest.spyOn(clock, 'monotonic');
      let now = clock.monotonic();
      slow.mockImplementation(() => (now += 1_000));
      try {
        const first = await search({ q: 'needle' });
        expect(first.body.items.map(({ text }) => text)).toEqual(['third needle', 'second needle']);
        expect(await all({ q: 'needle' })).toEqual({
          texts: ['third needle', 'second needle', 'first needle'],
          pages: 3,
        });
      } finally {
        slow.mockRestore();
      }
    });

    it('walk over accounts whose messages lie far apart in time', async () => {
      const others = await Promise.all(Array.from({ length: 5 }, async () => await house.account(alice)));
      const expected: string[] = [];
      for (const [index, { id }] of others.entries()) {
        const conversation = await house.conversation(workspace, id, '#room');
        const said = Array.from({ length: 700 }, (_, number) => ({
          text: number % 350 === 0 ? `needle ${String(index)} ${String(number)}` : 'hay',
          at: new Date(Date.UTC(2026, 0, 1 + index * 40, 0, 0, number)),
        }));
        await house.say(conversation, ...said);
        expected.unshift(
          ...said
            .filter(({ text }) => text !== 'hay')
            .map(({ text }) => text)
            .reverse(),
        );
      }
      expect((await all({ q: 'needle', limit: '3' })).texts).toEqual(expected);
    });
  });
});
