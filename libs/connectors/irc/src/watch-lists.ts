/*
 * Three ways to learn whether a nick is there: MONITOR (IRCv3), WATCH (Unreal, Bahamut) and, where the server offers
 * neither or its list is full, asking from time to time (ISON, RFC 1459 §5.8). Pure: lines out, sightings in.
 */
import type { IrcMessage } from 'irc-framework';
import type { Network } from './network.js';

/** What a line says of nicks: they are there (with their mask where it is told), gone, or not watched after all. */
export interface Sightings {
  readonly here?: readonly { readonly nick: string; readonly userHost?: string }[];
  readonly gone?: readonly string[];
  readonly refused?: readonly string[];
  /** Away or back, where the list itself tells (WATCH). */
  readonly away?: readonly { readonly nick: string; readonly note?: string }[];
  /** The answer to one ISON: whoever is not named is not there. */
  readonly isOn?: readonly string[];
  /** The answer to one USERHOST. */
  readonly userHosts?: readonly {
    readonly nick: string;
    readonly away: boolean;
    readonly userHost: string;
  }[];
}

export type WatchKind = 'monitor' | 'watch' | 'ask';

/** How this network is best watched, and how many nicks it takes. */
export function watchKindOf({ monitor, watch }: Network): {
  readonly kind: WatchKind;
  readonly most: number;
} {
  if (monitor !== undefined && monitor > 0) return { kind: 'monitor', most: monitor };
  if (watch !== undefined && watch > 0) return { kind: 'watch', most: watch };
  return { kind: 'ask', most: 0 };
}

/** A line has 512 bytes with its end; the verb and some air are taken off. */
const mostBytes = 480;

/** The lines that begin (`+`) or end (`-`) the watch over these nicks. */
export function watchLines(network: Network, sign: '+' | '-', nicks: readonly string[]): readonly string[] {
  const { kind } = watchKindOf(network);
  if (kind === 'ask') return [];
  const most = kind === 'monitor' ? (network.targets.get('MONITOR') ?? Infinity) : Infinity;
  return kind === 'monitor'
    ? portions(nicks, ',', most).map((list) => `MONITOR ${sign} ${list}`)
    : portions(
        nicks.map((nick) => sign + nick),
        ' ',
        most,
      ).map((list) => `WATCH ${list}`);
}

/** The questions that ask for these nicks, each with those that it asks for. */
export function isOnLines(
  nicks: readonly string[],
): readonly { readonly line: string; readonly nicks: readonly string[] }[] {
  return portions(nicks, ' ', Infinity).map((list) => ({ line: `ISON ${list}`, nicks: list.split(' ') }));
}

/** USERHOST takes five nicks (RFC 1459 §5.7) and says of each whether they are away. */
export function userHostLines(nicks: readonly string[]): readonly string[] {
  return portions(nicks, ' ', 5).map((list) => `USERHOST ${list}`);
}

/** What a line says of who is there, or undefined for all other lines. */
export function sightingsOf({ command, params }: IrcMessage): Sightings | undefined {
  switch (command) {
    case '730':
      return { here: listed(params[1]).map(maskOf) };
    case '731':
      return { gone: listed(params[1]).map((one) => maskOf(one).nick) };
    case '734':
      return { refused: listed(params[2]) };
    case '600':
    case '604': {
      const [, nick = '', user = '', host = ''] = params;
      if (nick === '') return undefined;
      return {
        here: [{ nick, ...(user !== '' && host !== '' && user !== '*' && { userHost: `${user}@${host}` }) }],
      };
    }
    case '601':
    case '605':
      return { gone: listed(params[1]) };
    case '512':
      // Unreal: `512 me nick :Maximum size for WATCH-list is 128 entries`. Elsewhere it means something else, without a nick.
      return params.length > 2 ? { refused: listed(params[1]) } : undefined;
    case '597':
    case '598':
    case '609': {
      const [, nick = ''] = params;
      return nick === '' ? undefined : { away: [{ nick, note: params.at(-1) ?? '' }] };
    }
    case '599': {
      const [, nick = ''] = params;
      return nick === '' ? undefined : { away: [{ nick }] };
    }
    case '303':
      return { isOn: (params[1] ?? '').split(' ').filter((nick) => nick !== '') };
    case '302':
      return { userHosts: (params[1] ?? '').split(' ').flatMap(userHostOf) };
    default:
      return undefined;
  }
}

function listed(list: string | undefined): readonly string[] {
  return (list ?? '').split(',').filter((one) => one !== '');
}

function maskOf(one: string): { readonly nick: string; readonly userHost?: string } {
  const at = one.indexOf('!');
  return at === -1 ? { nick: one } : { nick: one.slice(0, at), userHost: one.slice(at + 1) };
}

/** `nick*=-user@host`: a star marks an operator, minus is away and plus is not. */
function userHostOf(one: string) {
  const [, nick = '', sign = '', userHost = ''] = /^([^=*]+)\*?=([+-])(\S+)$/.exec(one) ?? [];
  return nick === '' ? [] : [{ nick, away: sign === '-', userHost }];
}

function portions(words: readonly string[], joint: string, most: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let count = 0;
  for (const word of words) {
    if (line !== '' && (count >= most || Buffer.byteLength(line) + Buffer.byteLength(word) + 1 > mostBytes)) {
      lines.push(line);
      line = '';
      count = 0;
    }
    line = line === '' ? word : line + joint + word;
    count++;
  }
  if (line !== '') lines.push(line);
  return lines;
}
