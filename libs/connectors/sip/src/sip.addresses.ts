/*
 * The only maker and parser of SIP addresses: what RFC 3261 §6 calls an address-of-record, without scheme. Shapes:
 * - `alice@example.org`: somebody. The user part is as it was written, for it is case-sensitive (§19.1.4), escaped only
 *   where it must be; the host is in small letters, with a port where it is not the scheme's own;
 * - `+12025550123@example.org`: a phone, at the server that reaches it; a number is written without separators;
 * - `pbx.example.org`: a server itself.
 *
 * Devices (`gr`, Contact addresses), transports and passwords are no part of it: whoever somebody is does not change by them.
 */
import { domainToASCII } from 'node:url';
import { AddressError, type AddressRules, type InboundParty, type JsonObject } from '#connector';
import type { Address, AddressKind } from '#model';
import { escapeUser, formatUri, parseNameAddr, parseUri, unescaped, type SipUri } from '#protocols/sip';

const longest = 1_000;
const howToWrite = 'A SIP address looks like alice@example.org.';
const defaultPort: Readonly<Record<string, number>> = { sip: 5060, sips: 5061 };
/** RFC 3966 §3: a number for all the world, with what people put between its digits. */
const globalNumber = /^\+[0-9][0-9().-]*$/;
/** The same with blanks and slashes, as people type numbers. */
const typedNumber = /^\+?[0-9][0-9\s().\/-]*$/;

/**
 * The address behind a URI from the wire: `sip:Alice@EXAMPLE.org;transport=tcp` is `Alice@example.org`.
 * @param domain at which a bare number (`tel:`) is reached
 * @returns undefined for what names nobody.
 */
export function addressOf(uri: string, domain?: string): string | undefined {
  const parsed = uri.length <= longest ? parseUri(uri) : undefined;
  if (parsed === undefined) return undefined;
  switch (parsed.scheme) {
    case 'sip':
    case 'sips':
      return canonical(parsed);
    case 'tel':
      return domain === undefined ? undefined : numberAt(parsed.user ?? '', domain);
    case 'im':
    case 'pres':
      // What CPIM calls somebody (RFC 3860, 3861) is reached under the same name.
      return addressOf(`sip:${parsed.opaque ?? ''}`);
    default:
      return undefined;
  }
}

function canonical({ scheme, user, host, port }: SipUri): string | undefined {
  const place = formatUri({
    scheme: 'sip',
    host,
    params: new Map(),
    headers: [],
    ...(port !== undefined && port !== defaultPort[scheme] && { port }),
  }).slice('sip:'.length);
  // One label alone would be read as somebody's name.
  if (user === undefined) return place.includes('.') || place.startsWith('[') ? place : undefined;
  return `${globalNumber.test(user) ? user.replace(/[().-]/g, '') : user}@${place}`;
}

function numberAt(number: string, domain: string): string | undefined {
  const digits = number.replace(/[().\s\/-]/g, '');
  return /^\+?[0-9*#A-Da-d]+$/.test(digits) ? addressOf(`sip:${escapeUser(digits)}@${domain}`) : undefined;
}

/** The URI of an address: what a request to them is sent to. */
export function uriOf(address: string): string {
  return `sip:${address}`;
}

/** The host of an address, with its port where it has one. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/**
 * Whoever a From, P-Asserted-Identity or the like names.
 * @param domain at which a bare number is reached
 */
export function partyOf(value: string, domain?: string): InboundParty | undefined {
  const named = parseNameAddr(value);
  const address = named && addressOf(named.uri, domain);
  if (address === undefined) return undefined;
  const name =
    named?.display
      ?.replace(/[\p{C}\s]+/gu, ' ')
      .trim()
      .slice(0, 300)
      .toWellFormed() ?? '';
  return { address, kind: kindOfAddress(address), ...(name !== '' && name !== address && { name }) };
}

/** All who do not say who they are have one address (RFC 3323 §4.1.1.3). */
function kindOfAddress(address: string): AddressKind {
  return domainOf(address) === 'anonymous.invalid' ? 'transient' : 'stable';
}

function parse(raw: string, settings: JsonObject): Address {
  const text = raw.trim();
  // What makes hosts of names drops line ends: two lines would become one address.
  if (/\p{Cc}/u.test(text)) throw new AddressError(howToWrite);
  if (text.length > longest) throw new AddressError(`An address has at most ${String(longest)} characters.`);
  const domain = domainIn(settings);
  const inside = /^[^<>]*<([^<>]+)>$/.exec(text)?.[1] ?? text;
  const value = typedUri(inside, domain) ?? typedName(inside, domain);
  if (value === undefined) throw new AddressError(howToWrite);
  return { value, kind: kindOfAddress(value) };
}

function typedUri(text: string, domain: string | undefined): string | undefined {
  return /^(?:sips?|tel|im|pres):/i.test(text) ? addressOf(text.replace(/\s+/g, ''), domain) : undefined;
}

/** What people write without a scheme. */
function typedName(text: string, domain: string | undefined): string | undefined {
  const at = text.lastIndexOf('@');
  if (at === -1) {
    if (typedNumber.test(text)) return domain === undefined ? undefined : numberAt(text, domain);
    // One name alone is somebody at our own server; with dots in it, it is a server.
    if (/[.:[\]]/.test(text)) return addressOf(`sip:${hostAscii(text)}`);
    return domain === undefined ? undefined : typedName(`${text}@${domain}`, undefined);
  }
  const user = text.slice(0, at);
  const host = hostAscii(text.slice(at + 1));
  if (user === '' || /[\s\p{C}@<>"]/u.test(user)) return undefined;
  const number = typedNumber.test(user) && user.startsWith('+') ? user.replace(/[().\s\/-]/g, '') : user;
  // What is escaped already stays so; a lone per cent sign is one.
  const parts = number.split(/(%[0-9A-Fa-f]{2})/);
  const escaped = parts.map((part, index) => (index % 2 === 1 ? part : escapeUser(part))).join('');
  return addressOf(`sip:${escaped}@${host}`);
}

/** A host as the wire has it; what is not of letters as people write them stays what it is, and is judged by the parser. */
function hostAscii(host: string): string {
  return /[^\x20-\x7e]/.test(host) ? domainToASCII(host) : host;
}

/** The domain of an account, which what has none is at. */
function domainIn({ domain, address }: JsonObject): string | undefined {
  if (typeof domain === 'string') return domain;
  return typeof address === 'string' && address.includes('@') ? domainOf(address) : undefined;
}

/** For people: without escapes, unless what they stand for cannot be shown. */
function display(address: string): string {
  const text = unescaped(address);
  return /[\p{C}\s@]/u.test(text.slice(0, text.lastIndexOf('@'))) ? address : text;
}

/** The rules of SIP addresses. */
export const sipAddresses: AddressRules = { parse, kindOf: () => 'direct', display };
