/*
 * What others say, as facts: messages and how they are dressed, requests to clients (CTCP), reactions and typing (TAGMSG),
 * what is taken back (REDACT). Pure, and nothing here throws. References: IRCv3 message-tags, message-ids, and the client
 * tags reply, react and typing; draft/message-redaction; draft/multiline; modern.ircdocs.horse for CTCP.
 */
import type { Span } from '#model';
import type { IrcMessage } from 'irc-framework';
import { plain, undress } from './formatting.js';
import type { Source } from './from-irc.js';
import { channelIn, type Network } from './network.js';

/** From whom, and where it was said. */
interface Placed {
  readonly from: Source;
  /** The channel it was said in; without one, it was said to `to`. */
  readonly channel?: string;
  readonly to: string;
}

export interface Said extends Placed {
  readonly fact: 'said';
  readonly text: string;
  readonly spans: readonly Span[];
  readonly how: 'message' | 'notice' | 'emote';
  readonly msgid?: string;
  /** The id of the message that it answers. */
  readonly replyTo?: string;
  /** The mark before the channel: it was said to those members only (STATUSMSG). */
  readonly audience?: string;
  /** As it stood on the wire: lines of a multiline batch are joined before they are read. */
  readonly raw: string;
}

/** A request to our client, or the answer to one of ours. */
export interface Ctcp extends Placed {
  readonly fact: 'ctcp';
  readonly kind: 'request' | 'answer';
  /** In capitals. */
  readonly verb: string;
  readonly argument: string;
}

/** What a message of tags alone says (TAGMSG). */
export interface Reacted extends Placed {
  readonly fact: 'tagged';
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
  /** The id of the message that it is about. */
  readonly about?: string;
  readonly typing?: 'active' | 'paused' | 'done';
}

/** Somebody took a message back, and the server let them. */
export interface Redacted extends Placed {
  readonly fact: 'redacted';
  readonly msgid: string;
}

export type Speech = Said | Ctcp | Reacted | Redacted;

/** No reaction is longer, in UTF-16 units: families of many colours take some 30. */
const longestReaction = 64;
/** Ids are a few dozen characters everywhere. */
const longestId = 500;

/** A tag's value; undefined where it is not there or empty. */
export function tag(message: IrcMessage, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = message.tags[name];
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function idIn(message: IrcMessage, ...names: readonly string[]): string | undefined {
  const id = tag(message, ...names);
  return id === undefined || id.length > longestId ? undefined : id;
}

function placed(to: string, from: Source, network: Network): Placed {
  const channel = channelIn(network, to);
  return { from, to, ...(channel !== undefined && { channel }) };
}

/** PRIVMSG and NOTICE. */
export function saidOf(message: IrcMessage, from: Source, network: Network): Said | Ctcp | undefined {
  const [to, raw] = message.params;
  if (to === undefined || raw === undefined) return undefined;
  const place = placed(to, from, network);
  const emote = message.command === 'PRIVMSG' && /^\x01ACTION(?: |\x01?$)/i.test(raw);
  if (raw.startsWith('\x01') && !emote) return ctcpOf(message, raw, place);
  const spoken = emote ? raw.replace(/^\x01ACTION ?/i, '').replace(/\x01$/, '') : raw;
  const msgid = idIn(message, 'msgid', 'draft/msgid');
  const replyTo = idIn(message, '+draft/reply', '+reply');
  const { channel } = place;
  return {
    fact: 'said',
    ...place,
    ...undress(spoken),
    raw: spoken,
    how: emote ? 'emote' : message.command === 'NOTICE' ? 'notice' : 'message',
    ...(msgid !== undefined && { msgid }),
    ...(replyTo !== undefined && { replyTo }),
    ...(channel !== undefined && channel !== to && { audience: to.slice(0, to.length - channel.length) }),
  };
}

function ctcpOf(message: IrcMessage, raw: string, place: Placed): Ctcp | undefined {
  const end = raw.indexOf('\x01', 1);
  const inner = raw.slice(1, end === -1 ? undefined : end);
  const blank = inner.indexOf(' ');
  const verb = plain(blank === -1 ? inner : inner.slice(0, blank)).toUpperCase();
  if (verb === '') return undefined;
  const kind = message.command === 'PRIVMSG' ? 'request' : 'answer';
  return { fact: 'ctcp', ...place, kind, verb, argument: blank === -1 ? '' : inner.slice(blank + 1) };
}

/** TAGMSG: a reaction, or that somebody writes. */
export function reactedOf(message: IrcMessage, from: Source, network: Network): Reacted | undefined {
  const [to] = message.params;
  if (to === undefined || to === '') return undefined;
  const added = tag(message, '+draft/react', '+react');
  const removed = tag(message, '+draft/unreact', '+unreact');
  const emoji = plain(added ?? removed ?? '').trim();
  const about = idIn(message, '+draft/reply', '+reply');
  const typing = tag(message, '+typing', '+draft/typing');
  return {
    fact: 'tagged',
    ...placed(to, from, network),
    ...(emoji !== '' &&
      emoji.length <= longestReaction && { reaction: { emoji, removed: added === undefined } }),
    ...(about !== undefined && { about }),
    ...((typing === 'active' || typing === 'paused' || typing === 'done') && { typing }),
  };
}

/** REDACT (draft/message-redaction): the server relays it only from those who may. */
export function redactedOf(message: IrcMessage, from: Source, network: Network): Redacted | undefined {
  const [to, msgid] = message.params;
  if (to === undefined || msgid === undefined || msgid === '' || msgid.length > longestId) return undefined;
  return { fact: 'redacted', ...placed(to, from, network), msgid };
}
