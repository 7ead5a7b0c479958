/*
 * The only maker and parser of XMPP addresses (JIDs, RFC 7622). Shapes:
 * - `alice@example.org`: somebody, or a room: a JID does not tell;
 * - `lounge@rooms.example.org/nick`: whoever goes by that nick in the room, or one device of somebody (transient);
 * - `example.org`: a server or gateway.
 *
 * Both sides of a comparison must be prepared alike, so whatever comes from the wire or from a person goes through
 * `jidOf`: the local part is lowered and composed (UsernameCaseMapped), the domain is in Unicode and lowered, the
 * resource is composed only (OpaqueString).
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import { AddressError, type AddressRules } from '#connector';
import type { Address, ConversationKind } from '#model';

/** A JID in its parts, prepared. */
export interface Jid {
  readonly local: string | undefined;
  readonly domain: string;
  readonly resource: string | undefined;
}

/** RFC 7622 §3.2 to 3.4: bytes of one part. */
const longestPart = 1_023;
/** What most JIDs look like; there is nothing to prepare in them. */
const plain =
  /^(?:([a-z0-9._+-]{1,200})@)?([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,8})(?:\/([\x20-\x7e]{1,200}))?$/;
/** RFC 7622 §3.3.1, and what PRECIS takes for no identifier: blanks, controls, what cannot be seen. */
const notLocal = /["&'/:<>@\s\p{C}\p{Z}]/u;
const notResource = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
const fullWidth = /[\uff00-\uffef\u3000]/g;

/**
 * Takes a JID apart and prepares it.
 * @returns undefined for what is no JID.
 */
export function jidOf(text: string): Jid | undefined {
  const quick = plain.exec(text);
  if (quick?.[2] !== undefined && !quick[2].includes('xn--')) {
    return { local: quick[1], domain: quick[2], resource: quick[3] };
  }
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  const local = at === -1 ? undefined : localPart(bare.slice(0, at));
  const domain = domainPart(bare.slice(at + 1));
  const resource = slash === -1 ? undefined : resourcePart(text.slice(slash + 1));
  if (domain === undefined || (at !== -1 && local === undefined)) return undefined;
  if (slash !== -1 && resource === undefined) return undefined;
  return { local, domain, resource };
}

/** A JID as text, whole. */
export function fullOf({ local, domain, resource }: Jid): string {
  const bare = local === undefined ? domain : `${local}@${domain}`;
  return resource === undefined ? bare : `${bare}/${resource}`;
}

/** Who goes by a full JID. */
export function selfOf(jid: Jid): { readonly full: string; readonly bare: string; readonly domain: string } {
  return { full: fullOf(jid), bare: fullOf({ ...jid, resource: undefined }), domain: jid.domain };
}

/** A JID from the wire, prepared and without its resource; undefined for none. */
export function bareOf(text: string | undefined): string | undefined {
  const jid = text === undefined ? undefined : jidOf(text);
  return jid && fullOf({ ...jid, resource: undefined });
}

/** A JID from the wire, prepared and whole; undefined for none. */
export function addressOf(text: string | undefined): string | undefined {
  const jid = text === undefined ? undefined : jidOf(text);
  return jid && fullOf(jid);
}

/** The resource of an address, a nick where the rest is a room. */
export function resourceOf(address: string): string | undefined {
  const slash = address.indexOf('/');
  return slash === -1 ? undefined : address.slice(slash + 1);
}

/** The address of whoever goes by a nick in a room. */
export function occupantOf(room: string, nick: string): string | undefined {
  return addressOf(`${room}/${nick}`);
}

function localPart(text: string): string | undefined {
  const prepared = text
    .replace(fullWidth, (character) => character.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  return isPart(prepared) && !notLocal.test(prepared) ? prepared : undefined;
}

function domainPart(text: string): string | undefined {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  const literal = /^\[[0-9a-f:.]+\]$/i.test(bare);
  if (bare === '' || Buffer.byteLength(bare) > longestPart || (!literal && /[[\]\s@/:?#\\%]/.test(bare))) {
    return undefined;
  }
  const ascii = domainToASCII(bare);
  if (ascii === '') return undefined;
  const prepared = literal ? bare.toLowerCase() : domainToUnicode(ascii);
  return prepared === '' ? undefined : prepared;
}

function resourcePart(text: string): string | undefined {
  const prepared = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return isPart(prepared) && !notResource.test(prepared) ? prepared : undefined;
}

function isPart(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= longestPart;
}

function parse(raw: string): Address {
  const jid = jidOf(textOf(raw.trim()));
  if (jid === undefined) {
    throw new AddressError('An XMPP address looks like alice@example.org.');
  }
  return { value: fullOf(jid), kind: jid.resource === undefined ? 'stable' : 'transient' };
}

/** The JID in a text that may be a link (RFC 5122): `xmpp:alice@example.org?message`. */
function textOf(raw: string): string {
  const link = /^xmpp:(?:\/\/[^/?#]*\/)?([^?#]*)/i.exec(raw);
  if (link?.[1] === undefined) return raw;
  try {
    return decodeURIComponent(link[1]);
  } catch {
    return '';
  }
}

function kindOf(address: string): ConversationKind | undefined {
  const jid = jidOf(address);
  // Rooms are bare and have a name; whoever is in one is somebody.
  return jid?.local === undefined || jid.resource !== undefined ? 'direct' : undefined;
}

/** The rules of XMPP addresses. */
export const xmppAddresses: AddressRules = { parse, kindOf, display: (address) => address };

/** A room's address, prepared; undefined where it can be none. */
export function roomAddress(text: string): string | undefined {
  const jid = jidOf(text);
  return jid?.local === undefined || jid.resource !== undefined ? undefined : fullOf(jid);
}
