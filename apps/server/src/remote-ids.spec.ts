import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { Database } from '#platform';
import { Loop } from '../testing/loop.js';

describe('a message of several ids', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const quiet = () => eventually('all is acknowledged', () => loop.network.unacknowledged('alice') === 0);
  const texts = async (conversation: string) => (await loop.messages(conversation)).map(({ text }) => text);
  /** Somebody says something live, without the archive's id, which only its copy there bears. Gives that id. */
  const saidLive = async (from: string, words: { text: string; sid: string }) => {
    const id = loop.network.archive(from, 'alice', { ...words, at: Date.now() - 60_000 });
    loop.network.say(from, 'alice', { ...words, unnamed: true });
    const conversation = await loop.with(from);
    const message = await eventually('it is there', async () => (await loop.messages(conversation)).at(-1));
    return { id, conversation, message };
  };
  const older = async (conversation: string): Promise<void> => {
    await loop.ask('POST', `/v1/conversations/${conversation}/requests`, {
      kind: 'history',
      options: { limit: 50 },
    });
  };
  const idsOf = async (conversation: string) =>
    await loop.house.app.get(Database).query<{ id: string; envelope: boolean }>(
      `SELECT r.id, r.envelope_id IS NOT NULL AS envelope FROM remote_id r JOIN message m ON m.id = r.message_id
       WHERE m.conversation_id = $1 ORDER BY r.id`,
      [conversation],
    );

  it('is learnt to be the archive’s, where live it came without the archive’s id', async () => {
    const { id, conversation: bob } = await saidLive('bob', { text: 'hello', sid: 'bob-1' });
    expect((await idsOf(bob)).map((row) => row.id)).toEqual(['bob-1']);
    await older(bob);
    expect(await texts(bob)).toEqual(['hello']);
    expect((await idsOf(bob)).map((row) => row.id)).toEqual([id, 'bob-1'].toSorted());
    loop.network.change('bob', 'alice', { kind: 'edit', target: id, text: 'hello, corrected' });
    await eventually('named by the archive’s id', async () => (await texts(bob))[0] === 'hello, corrected');
  });

  it('is dropped when it comes again by the id that its sender chose, with the same words', async () => {
    const carol = await loop.with('carol');
    const again = { text: 'once', sid: 'carol-1', unnamed: true };
    loop.network.say('carol', 'alice', again);
    loop.network.say('carol', 'alice', again);
    loop.network.say('carol', 'alice', { ...again, text: 'other words' });
    loop.network.say('carol', 'alice', { ...again, sid: 'carol-2' });
    await quiet();
    loop.network.say('carol', 'alice', again);
    await quiet();
    expect(await texts(carol)).toEqual(['once', 'other words', 'once']);
  });

  it('is not dropped for its sender’s id where the network tells two apart', async () => {
    const dave = await loop.with('dave');
    loop.network.say('dave', 'alice', { text: 'ok', sid: '1' });
    loop.network.say('dave', 'alice', { text: 'ok', sid: '1' });
    await quiet();
    loop.network.say('dave', 'alice', { text: 'ok', sid: '1' });
    await quiet();
    expect(await texts(dave)).toEqual(['ok', 'ok', 'ok']);
  });

  it('is changed by its sender’s id by whoever sent it, the latest of them, and by nobody else', async () => {
    await loop.ask('POST', '/v1/conversations', { account: loop.account, address: '#ids', kind: 'room' });
    await eventually('we are in', () => loop.network.members('#ids').includes('alice'));
    for (const name of ['erin', 'mallory']) loop.network.join(name, '#ids');
    for (const [name, text] of [
      ['erin', 'first'],
      ['mallory', 'of mallory'],
      ['erin', 'second'],
    ] as const) {
      loop.network.say(name, '#ids', { text, sid: 'x', unnamed: true });
      await quiet();
    }
    const bySender = { target: 'x', bySender: true } as const;
    loop.network.change('erin', '#ids', { kind: 'edit', text: 'second, corrected', ...bySender });
    loop.network.change('mallory', '#ids', { kind: 'retraction', ...bySender });
    await quiet();
    const room = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: loop.account,
      address: '#ids',
      kind: 'room',
    });
    expect(await texts(room.id)).toEqual(['first', '', 'second, corrected']);
  });

  it('is reacted to by its sender’s id where no other bears it, and answered so', async () => {
    const frank = await loop.with('frank');
    const react = (target: string) => {
      loop.network.change('frank', 'alice', {
        kind: 'reaction',
        target,
        bySender: true,
        emoji: '🎉',
        removed: false,
      });
    };
    const mine = await loop.send(frank, 'mine');
    await loop.fate(mine, 'sent');
    const wire = loop.network.received.find(({ text }) => text === 'mine')?.wire ?? '';
    expect(await idsOf(frank)).toEqual(expect.arrayContaining([{ id: wire, envelope: true }]));
    react(wire);
    await quiet();
    loop.network.say('frank', 'alice', { text: 'twice', sid: 'f', unnamed: true });
    loop.network.say('frank', 'alice', { text: 'twice, otherwise', sid: 'f', unnamed: true });
    react('f');
    await quiet();
    const reactions = (await loop.messages(frank)).map((message) => [message.text, message.reactions.length]);
    expect(reactions).toEqual([
      ['mine', 1],
      ['twice', 0],
      ['twice, otherwise', 0],
    ]);
  });

  it('is changed and answered also where both come in the same breath', async () => {
    const grace = await loop.with('grace');
    loop.network.withholdAcks(true);
    const id = loop.network.say('grace', 'alice', { text: 'to be corrected', sid: 'g-1' });
    loop.network.change('grace', 'alice', { kind: 'edit', target: 'g-1', bySender: true, text: 'corrected' });
    loop.network.say('grace', 'alice', { text: 'an answer', reply: id });
    loop.network.withholdAcks(false);
    await quiet();
    const [first, second] = await loop.messages(grace);
    expect(first?.text).toBe('corrected');
    expect(second?.replyTo).toBe(first?.id);
  });

  it('gives an envelope all of them to name its target by', async () => {
    const { id, conversation, message } = await saidLive('heidi', { text: 'react to me', sid: 'h-1' });
    await older(conversation);
    await loop.ask('PUT', `/v1/messages/${message.id}/reactions/${encodeURIComponent('👍')}`);
    await eventually('the reaction names the network’s id', () =>
      loop.network.heard('heidi').some((event) => event.kind === 'reaction' && event.target === id),
    );
  });

  it('says how far was read on another device, once it is here', async () => {
    const judy = await loop.with('judy');
    const at = Date.now() - 10_000;
    const ids = [0, 1, 2].map((index) =>
      loop.network.say('judy', 'alice', { text: `line ${String(index)}`, at: at + index * 1_000 }),
    );
    await quiet();
    const unread = async () =>
      (await loop.ask<{ mine: { unread: number } }>('GET', `/v1/conversations/${judy}`)).mine.unread;
    expect(await unread()).toBe(3);
    // What nobody here has heard of moves nothing.
    loop.network.markElsewhere('alice', 'judy', new Date(1), 'never said');
    await quiet();
    expect(await unread()).toBe(3);
    loop.network.markElsewhere('alice', 'judy', new Date(2), ids[1]);
    await eventually('two are read', async () => (await unread()) === 1);
  });

  it('is stored without an id that no index can hold', async () => {
    const ivan = await loop.with('ivan');
    const endless = Array.from({ length: 400 }, (_, index) => (index * 7919).toString(36)).join('');
    loop.network.say('ivan', 'alice', { text: 'with an endless id', sid: endless.repeat(2) });
    await quiet();
    expect(await texts(ivan)).toEqual(['with an endless id']);
    expect(await idsOf(ivan)).toHaveLength(1);
  });
});
