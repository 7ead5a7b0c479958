/*
 * What can be done, said once: the most that this connector carries anywhere (its description), and what a live
 * connection carries here and now, from the capabilities that were negotiated and what the server said of itself
 * (ISUPPORT). Pushed whenever it changes, so that a send is judged by what is so and not by what might be.
 */
import type { Capabilities } from '#model';
import type { Means } from './composing.js';
import { keepsHistory } from './chat-history.js';
import { addressOf } from './irc.addresses.js';
import { carriesTag, plainNetwork, type Network } from './network.js';
import { roomFor } from './to-irc.js';

/** The IRCv3 capabilities that are asked for where they are offered. A feature that needs another adds it here. */
export const wantedCapabilities: readonly string[] = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'chghost',
  'draft/message-redaction',
  'draft/multiline',
  'draft/chathistory',
  'draft/read-marker',
  'echo-message',
  'extended-join',
  'extended-monitor',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'server-time',
  'setname',
  'standard-replies',
  'userhost-in-names',
  'znc.in/self-message',
  'znc.in/playback',
  'znc.in/server-time-iso',
];

/** What a connection may use. */
export interface Offer {
  /** Whether an IRCv3 capability is in force. */
  readonly has: (capability: string) => boolean;
  /** What the server said beside a capability's name (CAP 302). */
  readonly valueOf: (capability: string) => string | undefined;
  readonly network: Network;
}

/** What can be said on a connection as the network means it; the rest goes in words. */
export function meansOf({ has, valueOf, network }: Offer): Means {
  const tags = has('message-tags');
  const passes = (tag: string): boolean => tags && carriesTag(network, tag);
  const replies = passes('draft/reply');
  const multiline = has('draft/multiline') && has('batch') ? limitsOf(valueOf('draft/multiline')) : undefined;
  return {
    replies,
    reactions: replies && passes('draft/react'),
    retractions: has('draft/message-redaction'),
    typing: passes('typing'),
    statusMarks: network.statusMarks,
    ...(multiline && { multiline }),
  };
}

/** `max-bytes=4096,max-lines=24`; without bytes it is no offer (draft/multiline). */
function limitsOf(value: string | undefined): Means['multiline'] {
  const limits = new Map(
    (value ?? '').split(',').map((one) => [one.split('=')[0], Number(one.split('=')[1])]),
  );
  const maxBytes = limits.get('max-bytes');
  const maxLines = limits.get('max-lines') ?? 100;
  if (maxBytes === undefined || !(maxBytes >= 512) || !(maxLines >= 2)) return undefined;
  return { maxBytes, maxLines };
}

/** What a connection carries. What needs nothing from the server is always there. */
export function capabilitiesOf(offer: Offer): Capabilities {
  const means = meansOf(offer);
  return {
    direct: 'native',
    rooms: 'native',
    emote: 'native',
    topics: 'native',
    presence: 'native',
    formatting: 'native',
    roster: 'native',
    edits: 'fallback',
    reactions: means.reactions ? 'native' : 'fallback',
    replies: means.replies ? 'native' : 'fallback',
    retractions: means.retractions ? 'native' : 'none',
    typing: means.typing ? 'native' : 'none',
    files: 'fallback',
    ...(keepsHistory(offer.has) && { history: 'native' as const }),
    ...(offer.has('draft/read-marker') && { 'read-marks': 'native' as const }),
    maxTextBytes: roomFor('PRIVMSG', longestTarget, {
      maskBytes: widestMask,
      lineLength: offer.network.lineLength,
    }),
  };
}

/** The longest channel and the widest mask that a network usually allows leave at least this much for text. */
const longestTarget = addressOf('#'.padEnd(64, 'x'));
const widestMask = 30 + 1 + 75;

/** The most that a session may offer: on a server that has everything. */
export const capabilities: Capabilities = capabilitiesOf({
  has: () => true,
  valueOf: () => undefined,
  network: plainNetwork,
});
