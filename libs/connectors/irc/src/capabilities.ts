import type { Capabilities } from '#model';
import { addressOf } from './irc.addresses.js';
import { roomFor } from './to-irc.js';

/** The longest channel and the widest mask that a network usually allows leave at least this much for text. */
const leastText = roomFor('PRIVMSG', addressOf('#'.padEnd(64, 'x')), {
  maskBytes: 30 + 1 + 75,
  lineLength: 512,
});

/** What IRC carries as this room speaks it. Edits, reactions, replies and files go as text that says what they are. */
export const capabilities: Capabilities = {
  direct: 'native',
  rooms: 'native',
  emote: 'native',
  topics: 'native',
  presence: 'native',
  edits: 'fallback',
  reactions: 'fallback',
  replies: 'fallback',
  files: 'fallback',
  maxTextBytes: leastText,
};
