/*
 * Offers to connect directly (DCC SEND and CHAT, modern.ircdocs.horse/dcc), read and put in words. Pure. Nothing in an
 * offer is believed: its name is told without its path, its size as a claim, and its address leads wherever its sender
 * likes, so it is only ever read as numbers; who may be connected to is judged elsewhere (dcc-receiving.ts).
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Target } from '#connector';
import type { Ctcp } from './speech.js';

export interface FileOffer {
  readonly kind: 'file';
  readonly name: string;
  /** Bytes, as claimed. */
  readonly size?: number;
  /** Where it may be fetched from; none where the offer is of a kind that is never taken. */
  readonly target?: Target;
}

export type Offer = { readonly kind: 'chat' } | FileOffer;

/** More than any name that a file system takes. */
const longestName = 100;
const largestSize = 2 ** 50;
/** Below it are services of the system, to which no file is offered in good faith. */
const leastPort = 1_024;

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
      return fileOf(rest, true);
    // Over TLS, and without acknowledgements: told, never taken.
    case 'SSEND':
    case 'TSEND':
      return fileOf(rest, false);
    default:
      return undefined;
  }
}

/** What was declined, in words, for the conversation with whoever offers it. */
export function declined(offer: Offer, why?: string): string {
  const reason = why === undefined ? '' : `: ${why}`;
  if (offer.kind === 'chat') return `offers a direct chat by DCC; declined${reason}`;
  return `offers ${named(offer)} by DCC; declined${reason}`;
}

/** What was to come and did not, in words. */
export function failed(offer: FileOffer, why: string): string {
  return `offered ${named(offer)} by DCC; it did not come: ${why}`;
}

function named({ name, size }: FileOffer): string {
  return size === undefined ? name : `${name} (${sizeOf(size)})`;
}

/** `name address port [size [token]]`; a name with blanks stands in quotes, or in none at all. */
function fileOf(rest: string, plain: boolean): FileOffer | undefined {
  const line = rest.slice(0, 1_000);
  // Names may hold numbers: what is an address beyond doubt goes first. One below 1.0.0.0 is nobody's.
  const [, quoted, bare, address = '', port, size, token] =
    /^(?:"([^"]*)"|(.+?)) +(\d{8,10}|[0-9a-f]*[.:][0-9a-f.:]*) +(\d{1,5})(?: +(\d+))?(?: +(\d+))? *$/i.exec(
      line,
    ) ??
    /^(?:"([^"]*)"|(.+?)) +(\S+) +(\d{1,5})(?: +(\d+))?(?: +(\d+))? *$/.exec(line) ??
    [];
  const name = nameOf(quoted ?? bare ?? '');
  if (name === undefined) return undefined;
  const bytes = Number(size);
  // A token marks an offer for us to listen (reverse DCC), as port 0 does.
  const target = plain && token === undefined ? targetOf(address, Number(port)) : undefined;
  return {
    kind: 'file',
    name,
    ...(bytes >= 0 && bytes <= largestSize && { size: bytes }),
    ...(target && { target }),
  };
}

/** IPv4 as one number or with dots, or IPv6. Names are none: whoever asks for them tells that we look. */
function targetOf(address: string, port: number): Target | undefined {
  if (port < leastPort || port > 65_535) return undefined;
  if (isIPv4(address) || (isIPv6(address) && !address.includes('%'))) return { host: address, port };
  const value = /^\d{8,10}$/.test(address) ? Number(address) : Infinity;
  if (value >= 2 ** 32) return undefined;
  return { host: [24, 16, 8, 0].map((bits) => (value >>> bits) & 0xff).join('.'), port };
}

/** Without path, controls, leading dots, and what turns the direction of reading about. */
function nameOf(given: string): string | undefined {
  const base = given.split(/[\\/]/).at(-1) ?? '';
  const name = base
    .replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, '')
    .replace(/^[\s.]+/, '')
    .trim();
  if (name === '') return undefined;
  // Cut before a half character.
  return name.length > longestName ? `${name.slice(0, longestName).replace(/[\ud800-\udbff]$/, '')}…` : name;
}

function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 ? String(value) : value.toFixed(1)} ${units[step] ?? 'B'}`;
}
