/*
 * What can be done, said once: the most that this connector carries anywhere (its description), and what a live
 * connection carries here and now, from the capabilities that were negotiated and what the server said of itself
 * (ISUPPORT). Pushed whenever it changes, so that a send is judged by what is so and not by what might be.
 */
import type { Capabilities } from '#model';
import { addressOf } from './irc.addresses.js';
import { plainNetwork, type Network } from './network.js';
import { roomFor } from './to-irc.js';

/** What is asked for beside what irc-framework asks for by itself; a server gives what it knows. */
export const wantedCapabilities: readonly string[] = ['labeled-response'];

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
