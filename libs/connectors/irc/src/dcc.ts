/*
 * Offers to connect directly (DCC SEND and CHAT, modern.ircdocs.horse/dcc): told to the person as declined. Nothing
 * connects and nothing is answered: whoever connects shows where they are, and an address in an offer leads wherever its
 * sender likes. Nothing in an offer is believed; its name is told without its path, its size as a claim.
 */
import type { Ctcp } from './speech.js';

export type Offer =
  | { readonly kind: 'chat' }
  | {
      readonly kind: 'file';
      readonly name: string;
      /** Bytes, as claimed. */
      readonly size?: number;
    };

/** More than any name that a file system takes. */
const longestName = 100;
const largestSize = 2 ** 50;

/** What a request of the verb DCC offers; undefined for what offers nothing (RESUME, ACCEPT, nonsense). */
export function offerOf({
  verb,
  kind,
  argument,
}: Pick<Ctcp, 'verb' | 'kind' | 'argument'>): Offer | undefined {
  if (verb !== 'DCC' || kind !== 'request') return undefined;
  const [, type = '', rest = ''] = /^ *(\S+) +(.*)$/s.exec(argument) ?? [];
  switch (type.toUpperCase()) {
    case 'CHAT':
    case 'SCHAT':
      return { kind: 'chat' };
    case 'SEND':
    case 'SSEND':
    case 'TSEND':
      return fileOf(rest);
    default:
      return undefined;
  }
}

/** In words, for the conversation with whoever offers it. */
export function wordsOf(offer: Offer): string {
  if (offer.kind === 'chat') return 'offers a direct chat by DCC; declined';
  const size = offer.size === undefined ? '' : ` (${sizeOf(offer.size)})`;
  return `offers ${offer.name}${size} by DCC; declined`;
}

/** `name address port [size [token]]`; a name with blanks stands in quotes, or in none at all. */
function fileOf(rest: string): Offer | undefined {
  const [, quoted, bare, size] =
    /^(?:"([^"]*)"|(.+?)) +[0-9a-f.:]+ +\d{1,5}(?: +(\d+))?(?: +\d+)? *$/i.exec(rest.slice(0, 1_000)) ?? [];
  const name = nameOf(quoted ?? bare ?? '');
  if (name === undefined) return undefined;
  const bytes = Number(size);
  return { kind: 'file', name, ...(bytes >= 0 && bytes <= largestSize && { size: bytes }) };
}

/** Without path, controls, and what turns the direction of reading about. */
function nameOf(given: string): string | undefined {
  const base = given.split(/[\\/]/).at(-1) ?? '';
  const name = base.replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, '').trim();
  if (name === '' || name === '.' || name === '..') return undefined;
  // Cut before a half character.
  return name.length > longestName ? `${name.slice(0, longestName).replace(/[\ud800-\udbff]$/, '')}…` : name;
}

function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 ? String(value) : value.toFixed(1)} ${units[step] ?? 'B'}`;
}
