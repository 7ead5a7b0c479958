/* LIST with the searches that ELIST announces, and what else one may ask the server about itself. */
import type { Channel } from './channel.js';
import type { Handlers } from './commands.js';
import { fits } from './names.js';
import type { World } from './world.js';

type Test = (channel: Channel) => boolean;

export const listing: Handlers = {
  LIST: (world, client, { params: [searches = ''] }) => {
    const words = searches.split(',').filter((word) => word !== '');
    const names = words.filter((word) => testOf(world, word) === undefined).map((word) => world.fold(word));
    const tests = words.flatMap((word) => testOf(world, word) ?? []);
    client.numeric('321', 'Channel', 'Users  Name');
    for (const channel of world.channels.values()) {
      if (channel.isHiddenFrom(client)) continue;
      if (names.length > 0 && !names.includes(world.fold(channel.name))) continue;
      if (!tests.every((test) => test(channel))) continue;
      client.numeric('322', channel.name, String(channel.members.size), channel.topic?.text ?? '');
    }
    client.numeric('323', 'End of /LIST');
  },
  MOTD: (world, client) => {
    client.numeric('375', `- ${world.name} Message of the day -`);
    for (const line of world.options.motd ?? []) client.numeric('372', `- ${line}`);
    client.numeric('376', 'End of MOTD command');
  },
  LUSERS: (world, client) => {
    client.numeric('251', `There are ${String(world.users.size)} users and 0 services on 1 servers`);
  },
  VERSION: (world, client) => {
    client.numeric('351', 'sandbox-1', world.name, 'the sandbox of Parley');
  },
  TIME: (world, client) => {
    client.numeric('391', world.name, new Date(world.now()).toUTCString());
  },
};

/** One search of ELIST: M mask, N not the mask, U users, C age and T topic age in minutes. Undefined for a plain name. */
function testOf(world: World, word: string): Test | undefined {
  const has = (letter: string): boolean => world.text('ELIST').includes(letter);
  const [, what = '', sign = '', number = ''] = /^([CT]?)([<>])(\d+)$/.exec(word) ?? [];
  if (sign !== '') {
    const limit = Number(number);
    const compare = (value: number): boolean => (sign === '<' ? value < limit : value > limit);
    const minutes = (since: number): number => (world.now() - since) / 60_000;
    if (what === '' && has('U')) return (channel) => compare(channel.members.size);
    if (what === 'C' && has('C')) return (channel) => compare(minutes(channel.createdAt));
    if (what === 'T' && has('T')) return ({ topic }) => topic !== undefined && compare(minutes(topic.at));
    return () => false;
  }
  if (word.startsWith('!') && has('N'))
    return ({ name }) => !fits(world.fold(word.slice(1)), world.fold(name));
  return /[*?]/.test(word) && has('M') ? ({ name }) => fits(world.fold(word), world.fold(name)) : undefined;
}
