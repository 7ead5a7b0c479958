import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Message } from '#api';
import { Database } from '#platform';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('what comes in', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const quiet = () => eventually('all is acknowledged', () => loop.network.unacknowledged('alice') === 0);
  const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
    await loop.house.app.get(Database).query<Record<string, unknown>>(sql);

  it('is stored once, in order, before the network is told, however often it is delivered', async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `in ${String(index)}`);
    loop.network.withholdAcks(true);
    for (const text of texts) loop.network.say('bob', 'alice', text);
    const bob = await loop.with('bob');
    await eventually('all are stored', async () => (await loop.messages(bob)).length === texts.length);
    loop.network.withholdAcks(false);
    loop.network.dropConnections();
    await quiet();
    expect((await loop.messages(bob)).map(({ text }) => text)).toEqual(texts);
  });

  it('counts as unread until it is read, and comes with its author', async () => {
    const carol = await loop.with('carol');
    loop.network.introduce({ address: 'carol', name: 'Carol C.' });
    loop.network.say('carol', 'alice', 'hi');
    const message = await eventually('it is there', async () => (await loop.messages(carol)).at(-1));
    expect(message).toMatchObject({
      origin: 'remote',
      mode: 'live',
      author: { address: 'carol', name: 'Carol C.' },
    });
    const mine = async () =>
      (await loop.ask<{ mine: { unread: number } }>('GET', `/v1/conversations/${carol}`)).mine.unread;
    expect(await mine()).toBe(1);
    await loop.send(carol, 'I have read that');
    expect(await mine()).toBe(0);
  });

  it('is cleaned of what no engine can store, and found again by its words', async () => {
    loop.network.say('dave', 'alice', 'a \0 NUL and a lone \ud800 surrogate, zymurgy');
    await quiet();
    const { items } = await loop.ask<{ items: Message[] }>('GET', '/v1/search?q=zymurg');
    expect(items).toMatchObject([{ text: 'a  NUL and a lone \ufffd surrogate, zymurgy' }]);
  });

  it('is set aside when the tables refuse it, and the rest is stored', async () => {
    await rows(`ALTER TABLE message ADD CONSTRAINT poison CHECK (text <> 'poison')`);
    loop.network.say('erin', 'alice', 'before');
    loop.network.say('erin', 'alice', 'poison');
    loop.network.say('erin', 'alice', 'after');
    await quiet();
    const erin = await loop.with('erin');
    expect((await loop.messages(erin)).map(({ text }) => text)).toEqual(['before', 'after']);
    expect(await rows('SELECT code FROM quarantine')).toEqual([{ code: '23514' }]);
  });

  it('follows a witnessed rename, and begins anew with the next holder of the name', async () => {
    const frank = await loop.with('frank');
    loop.network.say('frank', 'alice', 'I am frank');
    await eventually('it is there', async () => (await loop.messages(frank)).length === 1);
    loop.network.rename('frank', 'frances');
    await eventually('the conversation follows', async () => {
      const { address } = await loop.ask<{ address: string }>('GET', `/v1/conversations/${frank}`);
      return address === 'frances';
    });
    loop.network.say('frank', 'alice', 'I am another frank');
    await quiet();
    expect((await loop.messages(frank)).map(({ text }) => text)).toEqual(['I am frank']);
    expect((await loop.messages(await loop.with('frank'))).map(({ text }) => text)).toEqual([
      'I am another frank',
    ]);
  });

  it('lets nobody correct or take back what another said', async () => {
    const grace = await loop.with('grace');
    const id = loop.network.say('grace', 'alice', 'my own words');
    await eventually('it is there', async () => (await loop.messages(grace)).length === 1);
    loop.network.change('mallory', 'alice', { kind: 'edit', target: id, text: 'words in her mouth' });
    loop.network.change('grace', 'alice', { kind: 'edit', target: id, text: 'my own better words' });
    await eventually(
      'the author’s correction counts',
      async () => (await loop.messages(grace))[0]?.text === 'my own better words',
    );
  });

  it('enters rooms, keeps them through a reconnect, and tells of topics and refusals', async () => {
    loop.network.topic('bob', '#lobby', 'Welcome');
    const room = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: loop.account,
      address: '#lobby',
      kind: 'room',
    });
    const joined = async () =>
      (await loop.ask<{ joined: boolean }>('GET', `/v1/conversations/${room.id}`)).joined;
    await eventually('we are in', joined);
    loop.network.dropConnections();
    await loop.state('online');
    await eventually('we are in again', () => loop.network.members('#lobby').includes('alice'));
    loop.network.say('bob', '#lobby', 'hello room');
    await eventually('it is heard', async () =>
      (await loop.messages(room.id)).some(({ text }) => text === 'hello room'),
    );
    loop.network.arrange('#secret', { key: 'k' });
    const secret = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: loop.account,
      address: '#secret',
      kind: 'room',
    });
    await eventually('the refusal is said', async () => {
      const { failure } = await loop.ask<{ failure: { code: string } | null }>(
        'GET',
        `/v1/conversations/${secret.id}`,
      );
      return failure !== null;
    });
  });
});
