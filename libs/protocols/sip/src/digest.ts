/* What both sides of digest authentication reckon (RFC 7616 §3.4, as RFC 8760 brings it to SIP). */
import { createHash } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** The strongest first. */
export const digestAlgorithms: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5'];

const hashes: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** What an `algorithm` says: MD5 where there is none, `-sess` of each. */
export function algorithmOf(
  name = 'MD5',
): { readonly algorithm: DigestAlgorithm; readonly isSession: boolean } | undefined {
  const upper = name.toUpperCase();
  const isSession = upper.endsWith('-SESS');
  const base = isSession ? upper.slice(0, -'-SESS'.length) : upper;
  const algorithm = digestAlgorithms.find((known) => known === base);
  return algorithm === undefined ? undefined : { algorithm, isSession };
}

/** HA1 of RFC 2617: who keeps it keeps no password, and it is as good as one in its realm. */
export function ha1Of(algorithm: DigestAlgorithm, user: string, realm: string, password: string): string {
  return hash(algorithm, `${user}:${realm}:${password}`);
}

export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly isSession: boolean;
  /** Hexadecimal digits. */
  readonly ha1: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** None: as RFC 2069 has it. */
  readonly qop?: { readonly nc: string; readonly cnonce: string };
  /** For -sess without qop too. */
  readonly cnonce?: string;
}

/** The `response` of credentials, in hexadecimal digits. */
export function digestOf(input: DigestInput): string {
  const { algorithm, nonce, qop } = input;
  const cnonce = qop?.cnonce ?? input.cnonce ?? '';
  const ha1 = input.isSession ? hash(algorithm, `${input.ha1}:${nonce}:${cnonce}`) : input.ha1;
  const ha2 = hash(algorithm, `${input.method}:${input.uri}`);
  const middle = qop === undefined ? nonce : `${nonce}:${qop.nc}:${qop.cnonce}:auth`;
  return hash(algorithm, `${ha1}:${middle}:${ha2}`);
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(hashes[algorithm]).update(text).digest('hex');
}
