import type { Capabilities } from '#model';

/** The most that a SIP account offers. */
export const capabilities: Capabilities = {
  direct: 'native',
  emote: 'fallback',
  replies: 'fallback',
  edits: 'fallback',
  retractions: 'fallback',
  reactions: 'fallback',
  files: 'fallback',
  typing: 'native',
  receipts: 'native',
  'read-receipts': 'native',
  presence: 'native',
};
