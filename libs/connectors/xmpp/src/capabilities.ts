import type { Capabilities } from '#model';
import { mostText } from './to-xmpp.js';
import { archiveNs } from './xep/0313.js';
import { stanzaIdNs } from './xep/0359.js';

/** The most that a session may offer. */
export const capabilities: Capabilities = {
  direct: 'native',
  emote: 'native',
  formatting: 'native',
  replies: 'native',
  edits: 'native',
  retractions: 'native',
  reactions: 'native',
  files: 'native',
  typing: 'native',
  receipts: 'native',
  'read-receipts': 'native',
  'read-marks': 'native',
  rooms: 'native',
  topics: 'native',
  presence: 'native',
  roster: 'native',
  blocking: 'native',
  history: 'native',
  maxTextBytes: mostText,
};

/** What a server and those beside it let us offer. */
export interface Offer {
  /** Longest stanza that it takes, in bytes. */
  readonly maxBytes: number;
  /** It keeps files of its people. */
  readonly uploads: boolean;
  /** It keeps what is said (XEP-0313). */
  readonly archive: boolean;
  /** It keeps from us whom we block. */
  readonly blocking: boolean;
}

/** What can be done here. Where the server keeps no files, the house's own address of a file goes in its place. */
export function capabilitiesOf({ maxBytes, uploads, archive, blocking }: Offer): Capabilities {
  // A text may grow by half when it is escaped, and is not alone in its stanza.
  const room = Math.max(1_000, Math.floor((maxBytes - 2_000) / 1.5));
  return {
    ...capabilities,
    blocking: blocking ? 'native' : 'none',
    files: uploads ? 'native' : 'fallback',
    history: archive ? 'native' : 'none',
    maxTextBytes: Math.min(mostText, room),
  };
}

/**
 * What can be done in a room: nobody tells what became of a message there, and where the room gives messages no ids
 * (XEP-0359), none of them can be named by others.
 */
export function capabilitiesIn(here: Capabilities, features: ReadonlySet<string>): Capabilities {
  const named = features.has(stanzaIdNs) || features.has(archiveNs);
  return {
    ...here,
    receipts: 'none',
    'read-receipts': 'none',
    history: features.has(archiveNs) ? 'native' : 'none',
    ...(!named && { replies: 'fallback', reactions: 'none', retractions: 'none' }),
  };
}
