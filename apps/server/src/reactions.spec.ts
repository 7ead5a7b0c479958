import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('reactions that a network tells all at once', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const reactions = async (conversation: string): Promise<string[]> =>
    ((await loop.messages(conversation)).at(-1)?.reactions ?? []).map(({ emoji }) => emoji).toSorted();
  const say = async (from: string) => {
    const id = loop.network.say(from, 'alice', { text: 'what do you think?' });
    const conversation = await loop.with(from);
    const message = await eventually('it is there', async () => (await loop.messages(conversation)).at(-1));
    return { id, conversation, message };
  };

  it('take the place of those of the same person, and of nobody else’s', async () => {
    const { id, conversation, message } = await say('bob');
    await loop.ask('PUT', `/v1/messages/${message.id}/reactions/${encodeURIComponent('👍')}`);
    const all = (emojis: readonly string[]): void => {
      loop.network.change('bob', 'alice', {
        kind: 'reaction',
        target: id,
        emoji: '🎉',
        removed: false,
        all: emojis,
      });
    };
    all(['🎉', '👍', '🎉']);
    await eventually('both', async () => (await reactions(conversation)).length === 3);
    all(['🐢']);
    await eventually('another', async () => (await reactions(conversation)).includes('🐢'));
    expect(await reactions(conversation)).toEqual(['🐢', '👍'].toSorted());
    all([]);
    await eventually('none of his', async () => (await reactions(conversation)).length === 1);
    expect(await reactions(conversation)).toEqual(['👍']);
  });

  it('are told all at once of ours, too', async () => {
    const { id, message } = await say('carol');
    const told = () => loop.network.heard('carol').filter((event) => event.kind === 'reaction');
    for (const emoji of ['👍', '🎉']) {
      await loop.ask('PUT', `/v1/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`);
    }
    await eventually('both are told', () => told().length === 2);
    expect(told().at(-1)).toMatchObject({ target: id, emoji: '🎉', removed: false });
    expect(new Set(told().at(-1)?.all)).toEqual(new Set(['👍', '🎉']));
    await loop.ask('DELETE', `/v1/messages/${message.id}/reactions/${encodeURIComponent('👍')}`);
    await eventually('one is taken back', () => told().length === 3);
    expect(told().at(-1)).toMatchObject({ emoji: '👍', removed: true, all: ['🎉'] });
  });
});
