/*
 * LIST (RFC 2812 §3.2.6): the rooms of a network, perhaps 100,000 of them, line by line. Only the largest that fit the
 * search are kept, so an answer is small whatever the server says.
 */
import { plain } from './formatting.js';
import { addressOf } from './irc.addresses.js';
import type { Network } from './network.js';
import type { Question } from './questions.js';

export interface RoomSearch {
  /** Part of a name or, where the server does not search, of a topic. */
  readonly search?: string;
  readonly minMembers: number;
  readonly limit: number;
}

interface Listed {
  readonly address: string;
  readonly name: string;
  readonly members: number;
  readonly topic: string;
}

/** The rooms that fit, the largest first. */
export function listQuestion(wanted: RoomSearch, network: Network): Question {
  const { search = '', minMembers, limit } = wanted;
  const needle = search.toLowerCase();
  let kept: Listed[] = [];
  let seen = 0;
  const trim = (): void => {
    kept.sort((a, b) => b.members - a.members || (a.address < b.address ? -1 : 1));
    kept = kept.slice(0, limit);
  };
  const conditions = conditionsOf(wanted, network);
  return {
    verb: 'LIST',
    about: [],
    line: conditions === '' ? 'LIST' : `LIST ${conditions}`,
    take: ({ command, params }) => {
      if (command === '323') return 'end';
      if (command === '321') return 'more';
      if (command !== '322') return undefined;
      const [, name = '', count = '', topic = ''] = params;
      seen++;
      const members = /^\d{1,9}$/.test(count) ? Number(count) : 0;
      const fits =
        needle === '' || name.toLowerCase().includes(needle) || topic.toLowerCase().includes(needle);
      // `*` hides rooms that may not be seen.
      if (name === '' || name === '*' || members < minMembers || !fits) return 'more';
      kept.push({ address: addressOf(name), name, members, topic: plain(topic).slice(0, 500) });
      if (kept.length >= limit * 2 + 100) trim();
      return 'more';
    },
    answer: () => {
      trim();
      return { rooms: kept.map((room) => ({ ...room })), seen };
    },
  };
}

/** What the server itself can search by (ELIST); the rest is done here. */
function conditionsOf({ search, minMembers }: RoomSearch, network: Network): string {
  const conditions: string[] = [];
  if (minMembers > 1 && network.listConditions.includes('U')) conditions.push(`>${String(minMembers - 1)}`);
  if (search !== undefined && network.listConditions.includes('M') && /^[^\s,*?:<>!]+$/.test(search))
    conditions.push(`*${search}*`);
  return conditions.join(',');
}
