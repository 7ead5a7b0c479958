/*
 * Addresses of phones: the only maker and parser of them. A conversation's address has our side, `peer/own`, for one
 * account may have many numbers and a peer may write to any of them; a group is its members, sorted, before the slash.
 * Whoever writes is known by the number alone.
 */
import { AddressError, type AddressRules, type JsonObject } from '#connector';
import type { Address, AddressKind } from '#model';
import { npi, ton } from '#protocols/smpp';
import {
  isParty,
  kindOfParty,
  nameOf,
  phoneOf,
  plain,
  readAbroad,
  readDigits,
  readParty,
  readWrittenName,
  regionOf,
  showParty,
} from './numbers.js';

/** Who is in a conversation: the others, and which of our numbers they write with. */
export interface Ends {
  readonly peers: readonly string[];
  readonly own: string;
}

/** Whoever holds a number today may lose it to another. */
export const numberKind: AddressKind = 'reassignable';

const mostMembers = 50;
const longest = 2_000;

/** The address of the conversation between some others and one of our numbers. */
export function conversationOf({ peers, own }: Ends): string {
  return `${[...new Set(peers)].sort().join(',')}/${own}`;
}

/** Reads a conversation's address back; without our side where it was not said. */
export function endsOf(conversation: string): {
  readonly peers: readonly string[];
  readonly own: string | undefined;
} {
  const [peers = '', own] = conversation.split('/');
  return { peers: peers.split(',').filter((peer) => peer !== ''), own: own === '' ? undefined : own };
}

/** By settings, which do not change: an account may have a thousand numbers, and they are asked for with every text. */
const owned = new WeakMap<JsonObject, readonly string[]>();

/** Our own numbers as the settings have them, canonical and in their order; what is none is left out. */
export function ownNumbers(settings: JsonObject): readonly string[] {
  const known = owned.get(settings);
  if (known !== undefined) return known;
  const numbers = Array.isArray(settings['numbers']) ? (settings['numbers'] as readonly unknown[]) : [];
  const read = numbers
    .map((number) => (typeof number === 'string' ? readParty(number, regionIn(settings)) : undefined))
    .filter((number) => typeof number === 'string');
  owned.set(settings, read);
  return read;
}

function regionIn({ region }: JsonObject): ReturnType<typeof regionOf> {
  return regionOf(typeof region === 'string' ? region : undefined);
}

function parse(raw: string, settings: JsonObject): Address {
  if (raw.length > longest) throw new AddressError(`An address has at most ${String(longest)} characters.`);
  if (isCanonical(raw, settings)) return { value: raw, kind: numberKind };
  const { text, own } = split(uriText(raw), settings);
  const members = text.split(/[,;]/).filter((member) => plain(member) !== '');
  if (members.length > mostMembers) {
    throw new AddressError(`A group has at most ${String(mostMembers)} members.`);
  }
  const peers = (members.length === 0 ? [text] : members).map((member) => partyIn(member, settings));
  if (new Set(peers).size === 1) return { value: conversationOf({ peers, own }), kind: numberKind };
  const others = peers.filter((peer) => peer !== own);
  const odd = others.find((peer) => kindOfParty(peer) !== 'number');
  if (odd !== undefined) {
    throw new AddressError(`A group is made of phone numbers, and ${showParty(odd)} is none.`);
  }
  return { value: conversationOf({ peers: others, own }), kind: numberKind };
}

/** Whether a text is an address as it is made here. Then it stays what it is, under whatever settings. */
function isCanonical(raw: string, settings: JsonObject): boolean {
  const { peers, own } = endsOf(raw);
  if (own === undefined || peers.length === 0 || raw !== conversationOf({ peers, own })) return false;
  if (peers.length > mostMembers || ![...peers, own].every(isParty)) return false;
  // A number with a slash in it (030/123456, +49155/50001234) looks like a conversation with a short code of ours.
  if (!/^\d+$/.test(own) || ownNumbers(settings).includes(own)) return true;
  const number = phoneOf(`${peers.join('')}${own}`);
  return peers.every((peer) => peer.startsWith('+')) && number?.isPossible() !== true;
}

/** The text of an address that may be a link: `sms:+12025550123?body=…` (RFC 5724), `tel:+1-202-555-0123;ext=1` (RFC 3966). */
function uriText(raw: string): string {
  const scheme = /^\s*(sms|smsto|tel):/i.exec(raw);
  if (!scheme) return raw;
  const [path = ''] = raw.slice(scheme[0].length).split('?');
  try {
    const said = decodeURIComponent(path);
    return scheme[1]?.toLowerCase() === 'tel' ? (said.split(';')[0] ?? '') : said;
  } catch {
    return '';
  }
}

/**
 * Tells our side from the others. People write slashes into numbers too (030/123456), so what is behind the last one is
 * our side only where it is one of our numbers, or cannot be anything else.
 */
function split(text: string, settings: JsonObject): { readonly text: string; readonly own: string } {
  const numbers = ownNumbers(settings);
  const slash = text.lastIndexOf('/');
  if (slash !== -1) {
    const said = text.slice(slash + 1);
    const read = readParty(nameOf(said), regionIn(settings));
    const other = /[+\p{L}]/u.test(said) || numbers.length === 0;
    if (typeof read === 'string' && (numbers.includes(read) || other)) {
      return { text: text.slice(0, slash), own: read };
    }
    if (typeof read !== 'string' && other) throw new AddressError(read.why);
  }
  const [first] = numbers;
  if (first === undefined) throw new AddressError('The account has no number of its own to write from.');
  return { text, own: first };
}

function partyIn(typed: string, settings: JsonObject): string {
  const read = readParty(/%[0-9a-f]{2}/i.test(typed) ? nameOf(typed) : typed, regionIn(settings));
  if (typeof read !== 'string') throw new AddressError(read.why);
  return read;
}

/** The rules of addresses of phones. */
export const smsAddresses: AddressRules = {
  parse,
  membersOf: (conversation) => endsOf(conversation).peers.map((value) => ({ value, kind: numberKind })),
  kindOf: (address) => (endsOf(address).peers.length > 1 ? 'room' : 'direct'),
  display: (address) => {
    const { peers, own } = endsOf(address);
    const others = peers.map(showParty).join(', ');
    return own === undefined ? others : `${others} / ${showParty(own)}`;
  },
};

/** A number as SMPP writes it (SMPP 3.4 §5.2.5, §5.2.6). */
export interface TypedNumber {
  readonly ton: number;
  readonly npi: number;
  readonly addr: string;
}

/** Writes a party for SMPP. A short code is of no type that all message centres call it by: they find out. */
export function toTon(party: string): TypedNumber {
  switch (kindOfParty(party)) {
    case 'number':
      return { ton: ton.international, npi: npi.isdn, addr: party.slice(1) };
    case 'local':
      return { ton: ton.national, npi: npi.isdn, addr: party };
    case 'short-code':
      return { ton: ton.unknown, npi: npi.unknown, addr: party };
    case 'name':
      return { ton: ton.alphanumeric, npi: npi.unknown, addr: nameOf(party) };
  }
}

/**
 * Reads what SMPP wrote. Never refuses: a message is not lost for an odd sender.
 * @param region of numbers without a country code, ISO 3166
 */
export function fromTon(written: TypedNumber, region: string | undefined): string {
  const text = plain(written.addr);
  const digits = /^\+?(\d{1,20})$/.exec(text)?.[1];
  // What has letters is a name, whatever its type says; and many write numbers under the type of names.
  if (digits === undefined) return text === '' ? 'unknown' : readWrittenName(text);
  if (text.startsWith('+')) return readAbroad(digits);
  switch (written.ton) {
    case ton.international:
      return readAbroad(digits.replace(/^00/, ''));
    case ton.national:
      return readDigits(digits, 'national', regionOf(region));
    case ton.networkSpecific:
    case ton.subscriber:
    case ton.abbreviated:
      return digits.length <= 8 ? digits : readDigits(digits, 'unknown', regionOf(region));
    default:
      return readDigits(digits, 'unknown', regionOf(region));
  }
}
