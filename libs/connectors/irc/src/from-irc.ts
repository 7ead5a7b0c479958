/*
 * Lines in, facts out. Pure: what a line means given what the server said about itself. Nothing here throws, whatever
 * the line: what makes no sense is no fact. References: RFC 1459 and 2812, IRCv3 (message-tags, server-time, msgid,
 * batch, labeled-response, echo-message, account-tag, extended-join, away-notify, chghost, standard replies).
 */
import { words } from '#connector/session';
import type { Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import { dropped } from './bouncer.js';
import { failFailure, numericFailure } from './failures.js';
import { plain } from './formatting.js';
import { channelIn, type Network } from './network.js';
import { reactedOf, redactedOf, saidOf, tag, type Speech } from './speech.js';

/** Who a line is from. Without a nick it is the server. */
export interface Source {
  readonly nick?: string;
  /** `nick!user@host` where the line said all of it. */
  readonly mask?: string;
  /** The services account they are signed in to, where the network vouches for it. */
  readonly account?: string;
}

export interface Member {
  readonly nick: string;
  /** Modes that the member's marks stand for, highest first. */
  readonly modes: string;
}

export interface ModeChange {
  readonly set: boolean;
  readonly mode: string;
  readonly parameter?: string;
}

export type Fact =
  | Speech
  | { readonly fact: 'joined'; readonly who: Source; readonly channel: string }
  | { readonly fact: 'parted'; readonly who: Source; readonly channel: string }
  | {
      readonly fact: 'kicked';
      readonly who: string;
      readonly by: Source;
      readonly channel: string;
      readonly reason?: string;
    }
  | { readonly fact: 'quit'; readonly who: Source }
  | { readonly fact: 'renamed'; readonly who: Source; readonly to: string }
  | { readonly fact: 'topic'; readonly channel: string; readonly topic: string; readonly by?: Source }
  | { readonly fact: 'names'; readonly channel: string; readonly members: readonly Member[] }
  | { readonly fact: 'names-end'; readonly channel: string }
  | {
      readonly fact: 'modes';
      readonly channel: string;
      readonly by: Source;
      readonly changes: readonly ModeChange[];
      readonly raw: string;
    }
  | { readonly fact: 'away'; readonly nick: string; readonly note?: string }
  | { readonly fact: 'host'; readonly nick: string; readonly user?: string; readonly host: string }
  | {
      readonly fact: 'failed';
      /** The numeric; of a standard reply the command that failed. */
      readonly numeric: string;
      readonly about: string;
      readonly failure: Failure;
    }
  | { readonly fact: 'ack' }
  | {
      readonly fact: 'batch-open';
      readonly ref: string;
      readonly type: string;
      readonly params: readonly string[];
    }
  | { readonly fact: 'batch-close'; readonly ref: string }
  | { readonly fact: 'ping'; readonly token: string }
  | { readonly fact: 'pong'; readonly token: string }
  | { readonly fact: 'welcome-end' }
  | { readonly fact: 'ending'; readonly text: string };

/** When and in what a line came; the same for every fact. */
export interface Circumstance {
  /** The network's time, milliseconds since 1970. */
  readonly at?: number;
  /** The label that our own line bore, if this answers it. */
  readonly label?: string;
  /** The batch it belongs to. */
  readonly batch?: string;
}

export function circumstanceOf(message: IrcMessage): Circumstance {
  const at = timeOf(message.tags['time'] ?? message.tags['t']);
  const label = tag(message, 'label');
  const batch = tag(message, 'batch');
  return {
    ...(at !== undefined && { at }),
    ...(label !== undefined && { label }),
    ...(batch !== undefined && { batch }),
  };
}

/** What a line means, or undefined for what means nothing to us. */
export function factOf(message: IrcMessage, network: Network, server?: string): Fact | undefined {
  const { params, command } = message;
  const from = sourceOf(message, server);
  const first = params[0] ?? '';
  const last = params.at(-1) ?? '';
  switch (command) {
    case 'PRIVMSG':
    case 'NOTICE': {
      const lost = dropped(message);
      if (lost !== undefined) return { fact: 'failed', numeric: 'znc', ...lost };
      return saidOf(message, from, network);
    }
    case 'TAGMSG':
      return reactedOf(message, from, network);
    case 'REDACT':
      return redactedOf(message, from, network);
    case 'JOIN':
      return channelFact(first, network, (channel) => ({
        fact: 'joined',
        who: withAccount(from, params[1], params.length > 2),
        channel,
      }));
    case 'PART':
      return channelFact(first, network, (channel) => ({ fact: 'parted', who: from, channel }));
    case 'KICK': {
      const who = params[1];
      const reason = params.length > 2 ? words(last) : undefined;
      return channelFact(first, network, (channel) =>
        who === undefined || who === ''
          ? undefined
          : { fact: 'kicked', who, by: from, channel, ...(reason !== undefined && { reason }) },
      );
    }
    case 'QUIT':
      return from.nick === undefined ? undefined : { fact: 'quit', who: from };
    case 'NICK':
      return from.nick === undefined || first === '' ? undefined : { fact: 'renamed', who: from, to: first };
    case 'TOPIC':
      return channelFact(first, network, (channel) => ({
        fact: 'topic',
        channel,
        topic: params.length > 1 ? plain(last) : '',
        by: from,
      }));
    case '332':
      return channelFact(params[1], network, (channel) => ({ fact: 'topic', channel, topic: plain(last) }));
    case '331':
      return channelFact(params[1], network, (channel) => ({ fact: 'topic', channel, topic: '' }));
    case '353':
      return channelFact(params[2], network, (channel) => ({
        fact: 'names',
        channel,
        members: last.split(' ').flatMap((one) => memberOf(one, network)),
      }));
    case '366':
      return channelFact(params[1], network, (channel) => ({ fact: 'names-end', channel }));
    case 'MODE':
      return channelFact(first, network, (channel) => ({
        fact: 'modes',
        channel,
        by: from,
        changes: modesOf(params[1] ?? '', params.slice(2), network),
        raw: words(params.slice(1).join(' ')) ?? '',
      }));
    case 'AWAY': {
      const note = first === '' ? undefined : words(last);
      return from.nick === undefined
        ? undefined
        : { fact: 'away', nick: from.nick, ...(note !== undefined && { note }) };
    }
    case '301': {
      const nick = params[1];
      if (nick === undefined || params.length < 3) return undefined;
      return { fact: 'away', nick, note: words(last) ?? 'away' };
    }
    case '396': {
      // InspIRCd and others send the host alone, a few send user@host.
      const [user, host] = (params[1] ?? '').includes('@')
        ? (params[1] ?? '').split('@', 2)
        : [undefined, params[1]];
      if (host === undefined || host === '' || first === '') return undefined;
      return { fact: 'host', nick: first, host, ...(user !== undefined && { user }) };
    }
    case 'CHGHOST': {
      const host = params[1];
      if (from.nick === undefined || host === undefined) return undefined;
      return { fact: 'host', nick: from.nick, user: first, host };
    }
    case 'BATCH':
      return batchOf(params);
    case 'ACK':
      return { fact: 'ack' };
    case 'PING':
      return { fact: 'ping', token: last };
    case 'PONG':
      return { fact: 'pong', token: last };
    case '376':
    case '422':
      return { fact: 'welcome-end' };
    case 'ERROR':
      return { fact: 'ending', text: last };
    case 'FAIL':
      return {
        fact: 'failed',
        numeric: params[0] ?? 'FAIL',
        about: params[2] ?? '',
        failure: failFailure(params[1] ?? '', last),
      };
    default: {
      const failed = numericFailure(command, params.length > 1 ? last : undefined);
      return failed && { fact: 'failed', numeric: command, about: params[1] ?? '', failure: failed };
    }
  }
}

function channelFact(
  name: string | undefined,
  network: Network,
  make: (channel: string) => Fact | undefined,
): Fact | undefined {
  const channel = name === undefined ? undefined : channelIn(network, name);
  return channel === undefined ? undefined : make(channel);
}

/** Who said a line. A name with neither user nor host may be a nick or the server itself. */
function sourceOf(message: IrcMessage, server: string | undefined): Source {
  const { prefix, nick } = message;
  if (nick === '' || prefix === server) return {};
  const account = tag(message, 'account');
  return {
    nick,
    ...(message.ident !== '' && message.hostname !== '' && { mask: prefix }),
    ...(account !== undefined && account !== '*' && { account }),
  };
}

/** extended-join says the account in the line; `*` means none. */
function withAccount(source: Source, account: string | undefined, extended: boolean): Source {
  if (!extended || account === undefined || account === '' || account === '*') return source;
  return { ...source, account };
}

function memberOf(entry: string, network: Network): readonly Member[] {
  let modes = '';
  let at = 0;
  for (;;) {
    const found = network.prefixes.find(({ mark }) => mark === entry.charAt(at));
    if (!found) break;
    modes += found.mode;
    at++;
  }
  const name = entry.slice(at);
  const end = name.indexOf('!');
  const nick = end === -1 ? name : name.slice(0, end);
  return nick === '' ? [] : [{ nick, modes }];
}

function modesOf(letters: string, parameters: readonly string[], network: Network): readonly ModeChange[] {
  const ranks = network.prefixes.map(({ mode }) => mode).join('');
  const changes: ModeChange[] = [];
  let set = true;
  let next = 0;
  for (const letter of letters.slice(0, 100)) {
    if (letter === '+' || letter === '-') {
      set = letter === '+';
      continue;
    }
    const { always, whenSet } = network.parameterModes;
    const wants = ranks.includes(letter) || always.includes(letter) || (set && whenSet.includes(letter));
    const parameter = wants ? parameters[next++] : undefined;
    changes.push({ set, mode: letter, ...(parameter !== undefined && { parameter }) });
  }
  return changes;
}

function batchOf(params: readonly string[]): Fact | undefined {
  const mark = params[0] ?? '';
  const ref = mark.slice(1);
  if (ref === '') return undefined;
  if (mark.startsWith('+'))
    return { fact: 'batch-open', ref, type: params[1] ?? '', params: params.slice(2) };
  return mark.startsWith('-') ? { fact: 'batch-close', ref } : undefined;
}

/** server-time: ISO 8601, or seconds since 1970 from old bouncers. A year that no clock of today shows is no time. */
function timeOf(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const at = /^\d{9,11}(?:\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  return at > 0 && at < 4_102_444_800_000 ? at : undefined;
}
