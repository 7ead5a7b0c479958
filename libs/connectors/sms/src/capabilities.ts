import type { Capabilities } from '#model';

/** Bytes of the longest text that travels in parts (255 of 153 septets). */
const mostText = 39_015;

/** The most that a session may offer. What networks of phones cannot carry is told in words by the house. */
export const capabilities: Capabilities = {
  direct: 'native',
  emote: 'fallback',
  files: 'fallback',
  receipts: 'native',
  edits: 'fallback',
  maxTextBytes: mostText,
};
