/*
 * How untrusted elements are read: everything by name and namespace, among direct children only, and nothing kept
 * beyond a bound. What is too long to be what it claims to be is as good as absent; only words for people are cut. And
 * the one small thing that all builders share.
 */
import { xml, type Element } from '../core/xml.js';

/** Longest id, node, hash, media type or name of a field that is kept, in UTF-16 code units. */
export const mostId = 1_024;
/** Longest JID (RFC 7622 §3.1: three parts of 1023 octets and two separators). */
export const mostJid = 3_071;
/** Longest words for people (a reason, a name, a label) that are kept; the rest is cut off. */
export const mostWords = 4_096;

/** An attribute; undefined where it is absent, empty or longer than `most`. */
export function attribute(element: Element, name: string, most: number = mostId): string | undefined {
  const value: unknown = element.attrs[name];
  return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined;
}

/** The JID that an attribute holds, as it is written. */
export function jidIn(element: Element, name: string): string | undefined {
  return attribute(element, name, mostJid);
}

/** The text of a child; undefined where the child is absent, or its text empty or longer than `most`. */
export function textIn(parent: Element, name: string, ns: string, most: number = mostId): string | undefined {
  const text = parent.getChild(name, ns)?.getText();
  return text !== undefined && text !== '' && text.length <= most ? text : undefined;
}

/** The words of a child, for people: trimmed, cut at `most`; undefined where there are none. */
export function wordsIn(parent: Element, name: string, ns: string, most = mostWords): string | undefined {
  return cut(parent.getChild(name, ns)?.getText(), most);
}

/** The words of an attribute, for people: trimmed, cut at `most`; undefined where there are none. */
export function wordsOf(element: Element, name: string, most = mostWords): string | undefined {
  const value: unknown = element.attrs[name];
  return typeof value === 'string' ? cut(value, most) : undefined;
}

/** Words trimmed, and cut between characters; undefined where nothing is left. */
export function cut(words: string | undefined, most: number): string | undefined {
  const whole = words?.trim() ?? '';
  if (whole === '') return undefined;
  return whole.length <= most ? whole : whole.slice(0, most).toWellFormed();
}

/** The first `most` direct children of a name and namespace. */
export function childrenOf(parent: Element, name: string, ns: string, most: number): readonly Element[] {
  return parent.getChildren(name, ns).slice(0, most);
}

/** What `read` makes of the first `most` direct children of a name; what makes no sense is left out. */
export function listOf<T>(
  parent: Element,
  name: string,
  ns: string,
  most: number,
  read: (child: Element) => T | undefined,
): readonly T[] {
  return childrenOf(parent, name, ns, most).flatMap((child) => {
    const found = read(child);
    return found === undefined ? [] : [found];
  });
}

/** A whole number of decimal digits, at most `most`; undefined for anything else. */
export function wholeNumber(text: string | undefined, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= most ? number : undefined;
}

/** An XML Schema boolean; what is none is false. */
export function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

/** One of some words; undefined for any other. */
export function oneOf<T extends string>(text: string | undefined, words: readonly T[]): T | undefined {
  return words.find((word) => word === text);
}

const stamp = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
/** The format of the old `jabber:x:delay` (XEP-0091): no hyphens, no zone, always UTC. */
const oldStamp = /^(\d{4})(\d{2})(\d{2})T(\d{2}:\d{2}:\d{2})$/;

/** A moment (XEP-0082, and the form before it); undefined for what is none. Milliseconds are kept, finer is cut. */
export function momentOf(text: string | undefined): Date | undefined {
  if (text === undefined || text.length > 64) return undefined;
  const trimmed = text.trim();
  const old = oldStamp.exec(trimmed);
  if (old) return dateOf(`${old[1] ?? ''}-${old[2] ?? ''}-${old[3] ?? ''}T${old[4] ?? ''}Z`);
  const found = stamp.exec(trimmed);
  if (!found) return undefined;
  return dateOf(`${found[1] ?? ''}T${found[2] ?? ''}${(found[3] ?? '').slice(0, 4)}${found[4] ?? ''}`);
}

function dateOf(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Bytes in Base64 (white space allowed), at most `most` of them; undefined for what is none, is empty or is more. */
export function bytesOf(text: string | undefined, most: number): Uint8Array | undefined {
  if (text === undefined || text.length > 2 * most + 64) return undefined;
  const packed = text.replace(/\s+/g, '');
  if (packed === '' || packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return undefined;
  const bytes = Buffer.from(packed, 'base64');
  return bytes.length > 0 && bytes.length <= most ? bytes : undefined;
}

const schemes = new Set(['http:', 'https:']);

/** An address on the web, as written; undefined for other schemes, for what is none, and for more than 4096 characters. */
export function webAddressOf(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '' || trimmed.length > 4_096 || !URL.canParse(trimmed)) return undefined;
  return schemes.has(new URL(trimmed).protocol) ? trimmed : undefined;
}

/** An element with a text in it; nothing where there is no text to say. */
export function worded(name: string, text: string | undefined): Element | undefined {
  return text === undefined ? undefined : xml(name, {}, text);
}
