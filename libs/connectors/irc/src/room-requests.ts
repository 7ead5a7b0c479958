/*
 * What can be asked of IRC at once, as options become lines. Pure. Every parameter in the middle of a line is checked to
 * be one: no blank, no line end, not empty, no leading colon; whatever is not is refused with what is taken.
 */
import type { JsonObject, JsonValue, SessionRequest } from '#connector';
import { failure, type Failure } from '#model';
import { listQuestion } from './channel-list.js';
import { isRoom, wireTarget } from './irc.addresses.js';
import type { Network } from './network.js';
import type { Act, Question } from './questions.js';
import { modeOfRole, roleNames } from './roles.js';
import { command, roomFor, type Look } from './to-irc.js';
import { whoisQuestion } from './whois.js';

/** What is known on the wire that an option alone does not say. */
export interface Asking {
  readonly network: Network;
  readonly look: Look;
  /** `user@host` of somebody, where it is known. */
  readonly userHostOf: (nick: string) => string | undefined;
}

export type Plan =
  { readonly acts: readonly Act[] } | { readonly question: Question } | { readonly failure: Failure };

type Maker = (options: JsonObject, room: string, asking: Asking) => Plan | undefined;

/** What each kind takes, as it is said to whoever gets it wrong. */
const takes: Readonly<Record<string, string>> = {
  topic: 'topic {topic}, in a channel',
  kick: 'kick {who, reason?}, in a channel',
  ban: 'ban {mask} or {who}, with kick? and reason?, in a channel',
  unban: 'unban {mask}, in a channel',
  bans: 'bans {}, in a channel',
  invite: 'invite {who}, in a channel',
  knock: 'knock {message?}, in a channel',
  mode: 'mode {changes}, such as "+o bob", in a channel',
  role: `role {who, role, remove?}, in a channel; roles are ${roleNames.join(', ')}`,
  whois: 'whois {who}',
  list: 'list {search?, minMembers?, limit?}',
};

export const requestKinds: readonly string[] = Object.keys(takes);

const inRooms: Readonly<Record<string, Maker>> = {
  topic: ({ topic }, room, { network, look }) => {
    if (typeof topic !== 'string') return undefined;
    if (Buffer.byteLength(topic) > Math.min(network.topicLength ?? Infinity, roomFor('TOPIC', room, look)))
      return { failure: failure('too-large', 'This network takes no topic of that length.') };
    return act('TOPIC', [room], command('TOPIC', room, topic));
  },
  kick: ({ who, reason }, room, asking) => kick(room, who, reason, asking),
  ban: ({ who, mask, kick: out, reason }, room, asking) => {
    const nick = middle(who);
    const banned = mask === undefined && nick !== undefined ? maskOf(nick, asking) : middle(mask);
    if (banned === undefined) return undefined;
    const set = change(room, '+b', banned);
    if (out !== true) return { acts: [set] };
    const thrown = kick(room, nick, reason, asking);
    return thrown && 'acts' in thrown ? { acts: [set, ...thrown.acts] } : undefined;
  },
  unban: ({ mask }, room) => {
    const banned = middle(mask);
    return banned === undefined ? undefined : { acts: [change(room, '-b', banned)] };
  },
  bans: (_options, room) => ({ question: bansQuestion(room) }),
  invite: ({ who }, room) => {
    const nick = middle(who);
    return nick === undefined ? undefined : act('INVITE', [room, nick], `INVITE ${nick} ${room}`);
  },
  knock: ({ message }, room) => {
    if (message !== undefined && typeof message !== 'string') return undefined;
    // Some servers take no knock without a word (InspIRCd, UnrealIRCd).
    const text = cut(message?.trim() ?? '', 200) || 'May I come in?';
    return act('KNOCK', [room], command('KNOCK', room, text));
  },
  mode: ({ changes }, room, { network }) => {
    const [letters = '', ...parameters] = typeof changes === 'string' ? changes.trim().split(/ +/) : [];
    const fit = parameters.every((one) => middle(one) !== undefined);
    if (!/^[+-][A-Za-z][A-Za-z+-]{0,49}$/.test(letters) || !fit) return undefined;
    if (parameters.length > network.modesPerLine) {
      const most = String(network.modesPerLine);
      return {
        failure: failure('too-large', `This network changes at most ${most} modes with a parameter at once.`),
      };
    }
    return act(
      'MODE',
      [room, ...parameters, ...Array.from(letters)],
      ['MODE', room, letters, ...parameters].join(' '),
    );
  },
  role: ({ who, role, remove }, room, { network }) => {
    const nick = middle(who);
    const mode = typeof role === 'string' ? modeOfRole(role) : undefined;
    if (nick === undefined || mode === undefined) return undefined;
    if (!network.prefixes.some((prefix) => prefix.mode === mode))
      return { failure: failure('unsupported', 'This network has no such role.') };
    return { acts: [change(room, `${remove === true ? '-' : '+'}${mode}`, nick)] };
  },
};

/** What a request comes to on this network, or why it comes to nothing. */
export function planOf({ kind, conversation, options }: SessionRequest, asking: Asking): Plan {
  const usage = takes[kind];
  const wrong: Plan = {
    failure: failure('unsupported', `IRC takes: ${usage ?? Object.values(takes).join('; ')}.`),
  };
  if (usage === undefined) return wrong;
  if (kind === 'whois') {
    const nick = middle(
      options['who'] ?? (conversation !== undefined && !isRoom(conversation) ? conversation : undefined),
    );
    return nick === undefined ? wrong : { question: whoisQuestion(nick, asking.network) };
  }
  if (kind === 'list') return listPlan(options, asking.network) ?? wrong;
  const room = conversation !== undefined && isRoom(conversation) ? wireTarget(conversation) : undefined;
  if (room === undefined || Buffer.byteLength(room) > 250) return wrong;
  return inRooms[kind]?.(options, room, asking) ?? wrong;
}

function listPlan({ search, minMembers, limit }: JsonObject, network: Network): Plan | undefined {
  if (search !== undefined && (typeof search !== 'string' || search.length > 100)) return undefined;
  const least = minMembers === undefined ? 0 : countOf(minMembers, 10_000_000);
  const most = limit === undefined ? 100 : countOf(limit, 1_000);
  if (least === undefined || most === undefined || most === 0) return undefined;
  return {
    question: listQuestion(
      { ...(search !== undefined && { search: search.trim() }), minMembers: least, limit: most },
      network,
    ),
  };
}

function countOf(value: JsonValue, most: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : undefined;
}

/** A text that can stand in the middle of a line, and is not a list of several. */
function middle(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  return /^[^\s\0-\x20\x7f:,][^\s\0-\x20\x7f,]*$/.test(value) && Buffer.byteLength(value) <= 200
    ? value
    : undefined;
}

function act(verb: string, about: readonly string[], line: string): Plan {
  return { acts: [{ verb, about, line }] };
}

function change(room: string, letters: string, parameter: string): Act {
  return { verb: 'MODE', about: [room, parameter], line: `MODE ${room} ${letters} ${parameter}` };
}

function kick(
  room: string,
  who: JsonValue | undefined,
  reason: JsonValue | undefined,
  { network }: Asking,
): Plan | undefined {
  const nick = middle(who);
  if (nick === undefined || (reason !== undefined && typeof reason !== 'string')) return undefined;
  const why = cut(reason ?? '', Math.min(network.kickLength ?? 200, 200));
  return act('KICK', [room, nick], why === '' ? `KICK ${room} ${nick}` : command('KICK', room, nick, why));
}

/** Everybody from where they come from; by the nick alone where that is not known. */
function maskOf(nick: string, { userHostOf }: Asking): string {
  const host = userHostOf(nick)?.split('@').at(-1);
  return host === undefined || middle(host) === undefined ? `${nick}!*@*` : `*!*@${host}`;
}

/** The first bytes of a text, whole characters. */
function cut(text: string, bytes: number): string {
  let kept = text.slice(0, bytes);
  while (Buffer.byteLength(kept) > bytes) kept = kept.slice(0, -1);
  return kept.toWellFormed();
}

/** The list of bans (RFC 2812 §3.2.3): mask, who set it and when, where the server says so. */
function bansQuestion(room: string): Question {
  const bans: JsonValue[] = [];
  return {
    verb: 'MODE',
    about: [room],
    line: `MODE ${room} +b`,
    take: ({ command: numeric, params }) => {
      if (params[1]?.toLowerCase() !== room.toLowerCase()) return undefined;
      if (numeric === '368') return 'end';
      if (numeric !== '367') return undefined;
      const [, , mask = '', by, at] = params;
      const since =
        at !== undefined && /^\d{9,11}$/.test(at) ? new Date(Number(at) * 1000).toISOString() : undefined;
      if (bans.length < 1_000)
        bans.push({ mask, ...(by !== undefined && { by }), ...(since !== undefined && { at: since }) });
      return 'more';
    },
    answer: () => ({ bans }),
  };
}
