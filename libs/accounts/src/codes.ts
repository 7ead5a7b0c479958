import { createHash, randomBytes, randomInt } from 'node:crypto';
import { words } from './words.js';

/** How every secret that we hand out is kept: tokens, cookies and codes have enough entropy for a plain hash. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/** A secret of 256 random bits in 43 letters that need no quoting in a URL, a header or a shell. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export const tokenPrefix = 'parley_';

/** A token as it is shown once. The prefix lets secret scanners and people tell it from other tokens. */
export function newToken(): string {
  return `${tokenPrefix}${newSecret()}`;
}

/** A code that a person can read to another: three words and three numbers, 63 bits. */
export function newReadableCode(): string {
  const parts: string[] = [];
  for (let part = 0; part < 3; part++) {
    parts.push(words[randomInt(words.length)] ?? '', String(randomInt(10_000)).padStart(4, '0'));
  }
  return parts.join('-');
}

/** The code as it was printed, from what a person typed: case and spaces around it do not matter. */
export function tidyCode(typed: string): string {
  return typed.trim().toLowerCase();
}
