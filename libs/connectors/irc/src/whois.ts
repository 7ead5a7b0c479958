/* WHOIS (RFC 2812 §3.6.2) as one answer: every numeric that servers of today send about somebody, gathered. */
import type { JsonValue } from '#connector';
import { words } from '#connector/session';
import { addressOf } from './irc.addresses.js';
import type { Network } from './network.js';
import type { Question } from './questions.js';
import { rolesOf } from './roles.js';

/** What a server may tell of one person beside what we know: rooms and remarks. */
const mostRooms = 500;
const mostRemarks = 20;

/** Who somebody is. The nick must be fit to be written on the wire. */
export function whoisQuestion(nick: string, network: Network): Question {
  const facts: Record<string, JsonValue> = {};
  const rooms: JsonValue[] = [];
  const remarks: string[] = [];
  return {
    verb: 'WHOIS',
    about: [nick],
    // Asked of their own server, which alone knows how long they have been silent.
    line: `WHOIS ${nick} ${nick}`,
    take: ({ command, params }) => {
      const [, about = '', first = '', second = ''] = params;
      const text = words(params.at(-1)) ?? '';
      if (!/^\d{3}$/.test(command) || addressOf(about) !== addressOf(nick)) return undefined;
      switch (command) {
        case '318':
          return 'end';
        case '311':
          Object.assign(facts, { nick: about, user: first, host: second, realName: text });
          return 'more';
        case '312':
          Object.assign(facts, { server: first, serverInfo: text });
          return 'more';
        case '313':
          Object.assign(facts, { operator: text });
          return 'more';
        case '317':
          if (/^\d{1,9}$/.test(first)) facts['idleSeconds'] = Number(first);
          if (/^\d{9,11}$/.test(second)) facts['signedOnAt'] = new Date(Number(second) * 1000).toISOString();
          return 'more';
        case '319':
          for (const one of text.split(' '))
            if (one !== '' && rooms.length < mostRooms) rooms.push(roomOf(one, network));
          return 'more';
        case '330':
          facts['account'] = first;
          return 'more';
        case '307':
          facts['registered'] = true;
          return 'more';
        case '301':
          facts['away'] = text;
          return 'more';
        case '671':
          facts['secure'] = true;
          return 'more';
        case '276':
          facts['certificate'] = text;
          return 'more';
        case '335':
          facts['bot'] = true;
          return 'more';
        case '338':
        case '378':
          facts['reallyAt'] = words(params.slice(2).join(' ')) ?? '';
          return 'more';
        case '379':
          facts['modes'] = text;
          return 'more';
        case '308':
        case '310':
        case '316':
        case '320':
        case '337':
        case '340':
        case '344':
        case '350':
        case '569':
        case '615':
        case '672':
        case '703':
          if (remarks.length < mostRemarks) remarks.push(text);
          return 'more';
        default:
          return undefined;
      }
    },
    answer: () => ({ ...facts, rooms, remarks }),
  };
}

/** `@+#room`: the marks are what they are there. */
function roomOf(one: string, network: Network): JsonValue {
  let modes = '';
  let at = 0;
  for (;;) {
    const found = network.prefixes.find(({ mark }) => mark === one.charAt(at));
    // A room's own mark may be somebody's mark too (`+`, `!`): the name must be left.
    if (
      !found ||
      (!network.channelTypes.includes(one.charAt(at + 1)) && !isMark(one.charAt(at + 1), network))
    )
      break;
    modes += found.mode;
    at++;
  }
  return { address: addressOf(one.slice(at)), roles: [...rolesOf(modes)] };
}

function isMark(letter: string, network: Network): boolean {
  return network.prefixes.some(({ mark }) => mark === letter);
}
