import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Mark, Message, MessagePage } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

const hour = 3_600_000;

describe('what was said before', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  /** Says so many things some hours ago, one a minute; only the network's archive has them. */
  const archive = (from: string, to: string, many: number, hoursAgo: number): string[] =>
    Array.from({ length: many }, (_, index) => {
      const text = `${from} ${String(index)}`;
      loop.network.archive(from, to, { text, at: Date.now() - hoursAgo * hour + index * 60_000 });
      return text;
    });

  const fetchMore = async (conversation: string, options: object = {}) =>
    (
      await loop.ask<{ answer: { stored: number; complete: boolean } }>(
        'POST',
        `/v1/conversations/${conversation}/requests`,
        { kind: 'history', options },
      )
    ).answer;

  const mine = async (conversation: string, token = loop.alice.token): Promise<Mark> =>
    (
      await loop.house.get<{ mine: Mark }>('GET', `/v1/conversations/${conversation}`, {
        token,
      })
    ).mine;

  it('is fetched when asked for, page by page, and stands before what was there', async () => {
    const texts = archive('bob', 'alice', 25, 5);
    loop.network.say('bob', 'alice', 'bob now');
    const bob = await loop.with('bob');
    const [now] = await eventually('it is there', async () => {
      const messages = await loop.messages(bob);
      return messages.length === 1 ? messages : undefined;
    });
    expect(await fetchMore(bob, { limit: 10 })).toEqual({ stored: 10, complete: false });
    expect(await fetchMore(bob, { limit: 10 })).toEqual({ stored: 10, complete: false });
    expect(await fetchMore(bob, { limit: 10 })).toEqual({ stored: 5, complete: true });
    expect(await fetchMore(bob, { limit: 10 })).toEqual({ stored: 0, complete: true });
    const messages = await loop.messages(bob);
    expect(messages.map(({ text }) => text)).toEqual([...texts, 'bob now']);
    expect(messages.at(-1)).toEqual(now);
    expect(new Set(messages.slice(0, -1).map(({ mode }) => mode))).toEqual(new Set(['history']));
    expect(new Set(messages.map(({ author }) => author?.identity)).size).toBe(1);
  });

  it('stands in the archive’s order, also where its times are too coarse to tell', async () => {
    const at = Date.now() - 7 * hour;
    const texts = Array.from({ length: 12 }, (_, index) => `gina ${String(index)}`);
    for (const text of texts) loop.network.archive('gina', 'alice', { text, at });
    loop.network.say('gina', 'alice', 'gina now');
    const gina = await loop.with('gina');
    await eventually('it is there', async () => (await loop.messages(gina)).length === 1);
    while (!(await fetchMore(gina, { limit: 5 })).complete);
    expect((await loop.messages(gina)).map(({ text }) => text)).toEqual([...texts, 'gina now']);
  });

  it('is paged through with what was there, from its middle too, and counts as read', async () => {
    const texts = archive('carol', 'alice', 6, 3);
    loop.network.say('carol', 'alice', 'carol now');
    const carol = await loop.with('carol');
    await eventually('it is there', async () => (await loop.messages(carol)).length === 1);
    await fetchMore(carol);
    const page = async (query: string) =>
      await loop.ask<MessagePage>('GET', `/v1/conversations/${carol}/messages?limit=3${query}`);
    const latest = await page('');
    const earlier = await page(`&before=${latest.next ?? ''}`);
    expect([...earlier.items, ...latest.items].map(({ text }) => text)).toEqual([
      ...texts.slice(1),
      'carol now',
    ]);
    expect(await fetchMore(carol, { before: latest.next })).toEqual({ stored: 0, complete: true });
    expect(await mine(carol)).toMatchObject({ unread: 1 });
  });

  it('continues no other conversation, whoever bore the name then', async () => {
    loop.network.introduce({ address: '~guest', stable: 'dave' });
    archive('~guest', 'alice', 2, 8);
    loop.network.introduce({ address: '~guest', stable: 'erin' });
    loop.network.say('~guest', 'alice', 'I am erin');
    const guest = await loop.with('~guest');
    await eventually('it is there', async () => (await loop.messages(guest)).length === 1);
    await fetchMore(guest);
    loop.network.say('~guest', 'alice', 'I am erin still');
    const messages = await eventually('all are there', async () => {
      const found = await loop.messages(guest);
      return found.length === 4 ? found : undefined;
    });
    const authors = messages.map(({ author }) => author?.identity);
    expect(authors[0]).toBe(authors[1]);
    expect(authors[2]).toBe(authors[3]);
    expect(authors[1]).not.toBe(authors[2]);
  });

  it('is refused for a position that is none, and for an endless page', async () => {
    const bob = await loop.with('bob');
    const ask = async (options: object) =>
      await loop.house.ask('POST', `/v1/conversations/${bob}/requests`, {
        token: loop.alice.token,
        body: { kind: 'history', options },
      });
    expect((await ask({ before: 'nowhere' })).status).toBe(422);
    expect((await ask({ before: 7 })).status).toBe(422);
    expect((await ask({ limit: 100_000 })).status).toBe(422);
  });

  it('is marked as read on the network when it is read here, and here when it is read elsewhere', async () => {
    const texts = ['one', 'two', 'three'];
    const at = Date.now() - hour;
    for (const [index, text] of texts.entries()) {
      loop.network.say('frank', 'alice', { text, at: at + index * 1_000 });
    }
    const frank = await loop.with('frank');
    const messages = await eventually('all are there', async () => {
      const found = await loop.messages(frank);
      return found.length === texts.length ? found : undefined;
    });
    const read = async (message: Message | undefined) =>
      await loop.ask('PUT', `/v1/conversations/${frank}/read`, { cursor: message?.cursor });
    await read(messages[0]);
    await eventually('the network has it', () => loop.network.mark('alice', 'frank')?.getTime() === at);
    expect(await mine(frank)).toMatchObject({ unread: 2 });
    loop.network.markElsewhere('alice', 'frank', new Date(at + 1_500));
    await eventually('the second is read', async () => (await mine(frank)).unread === 1);
    loop.network.markElsewhere('alice', 'frank', new Date(at + 60_000));
    await eventually('all is read', async () => (await mine(frank)).unread === 0);
  });

  it('is read by whoever answers from another device', async () => {
    loop.network.say('grace', 'alice', 'are you there?');
    const grace = await loop.with('grace');
    await eventually('it is there', async () => (await mine(grace)).unread === 1);
    loop.network.say('alice', 'grace', 'yes, on my other device');
    await eventually('it is read', async () => (await mine(grace)).unread === 0);
  });

  it('is marked by the person who answers, of several who share the account', async () => {
    const bob = await loop.house.invite(loop.alice, 'member');
    await loop.ask('PUT', `/v1/accounts/${loop.account}/people`, { people: [bob.id] });
    const at = Date.now() - hour;
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      loop.network.say('heidi', 'alice', { text, at: at + index * 1_000 });
    }
    const heidi = await loop.with('heidi');
    const messages = await eventually('all are there', async () => {
      const found = await loop.messages(heidi);
      return found.length === 3 ? found : undefined;
    });
    const read = async (token: string, index: number) => {
      const body = { cursor: messages[index]?.cursor };
      await loop.house.get('PUT', `/v1/conversations/${heidi}/read`, { token, body });
    };
    const marked = () => loop.network.mark('alice', 'heidi')?.getTime();
    // Nobody has answered: it is the holder.
    await read(bob.token, 1);
    await read(loop.alice.token, 0);
    await eventually('the holder’s mark is there', () => marked() === at);
    await loop.house.get('POST', `/v1/conversations/${heidi}/messages`, {
      token: bob.token,
      body: { text: 'bob answers' },
    });
    await read(loop.alice.token, 2);
    expect(marked()).toBe(at);
    loop.network.markElsewhere('alice', 'heidi', new Date(at + 1_000));
    loop.network.say('heidi', 'alice', { text: 'four', at: at + 9_000 });
    const four = await eventually('the fourth', async () =>
      (await loop.messages(heidi)).find(({ text }) => text === 'four'),
    );
    messages.push(four);
    await read(bob.token, 3);
    await eventually('whoever answers has read', () => (marked() ?? 0) > at + 9_000);
  });
});
