/*
 * What can be done, said once: the most that this connector carries anywhere (its description), and what a live
 * connection carries here and now, from the capabilities that were negotiated and what the server said of itself
 * (ISUPPORT). Pushed whenever it changes, so that a send is judged by what is so and not by what might be.
 */
import type { Capabilities } from '#model';
import { addressOf } from './irc.addresses.js';
import { plainNetwork, type Network } from './network.js';
import { roomFor } from './to-irc.js';

/** The IRCv3 capabilities that are asked for where they are offered. A feature that needs another adds it here. */
export const wantedCapabilities: readonly string[] = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'chghost',
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
  'znc.in/server-time-iso',
];

/** What a connection may use. */
export interface Offer {
  /** Whether an IRCv3 capability is in force. */
  readonly has: (capability: string) => boolean;
  readonly network: Network;
}

/** What a connection carries. What needs nothing from the server is always there. */
export function capabilitiesOf(offer: Offer): Capabilities {
  return {
    direct: 'native',
    rooms: 'native',
    emote: 'native',
    topics: 'native',
    presence: 'native',
    edits: 'fallback',
    reactions: 'fallback',
    replies: 'fallback',
    files: 'fallback',
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
export const capabilities: Capabilities = capabilitiesOf({ has: () => true, network: plainNetwork });
