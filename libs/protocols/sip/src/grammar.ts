/*
 * What many header fields have in common (RFC 3261 §25.1): tokens, quoted strings, parameters behind semicolons, lists.
 * Values are read here as `head.ts` gives them out: continuation lines joined, no CR or LF within.
 */
import { isIPv6 } from 'node:net';

/** Parameters by their names in small letters; `true` where a name stands alone. Values are without quotes. */
export type Params = ReadonlyMap<string, string | true>;

export const noParams: Params = new Map();

const token = /^[-.!%*_+`'~0-9A-Za-z]+$/;

/** Whether a text is a `token` of RFC 3261 §25.1. */
export function isToken(text: string): boolean {
  return token.test(text);
}

/** A quoted-string without its quotes and escapes. */
export function unescapeQuoted(inner: string): string {
  return inner.includes('\\') ? inner.replace(/\\([^])/g, '$1') : inner;
}

/** A text as a quoted-string. What none can hold gives way: line ends become a space, NUL is left out. */
export function quoted(text: string): string {
  return `"${text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('\0', '')
    .replace(/["\\]/g, '\\$&')}"`;
}

/*
 * A value without quotes is read more widely than tokens and hosts are, since an address of IPv6 stands there with
 * brackets and without (RFC 5118 §4.5), and since many write `=` and `@` in it.
 */
const param =
  /[ \t]*;[ \t]*([-.!%*_+`'~0-9A-Za-z]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^\s;,"<>]+)))?/y;

/**
 * Reads parameters to the end of a text: `;tag=88sja8x ;q="0.7"`.
 * @param from where the first semicolon may stand, spaces before it
 * @returns undefined where there is anything else, or the same name twice (§7.3.1)
 */
export function parseParams(text: string, from: number): Params | undefined {
  let at = from;
  let found: Map<string, string | true> | undefined;
  while (at < text.length) {
    param.lastIndex = at;
    const match = param.exec(text);
    if (match === null) return text.slice(at).trim() === '' ? (found ?? noParams) : undefined;
    const name = (match[1] ?? '').toLowerCase();
    found ??= new Map();
    if (found.has(name)) return undefined;
    found.set(name, match[2] === undefined ? (match[3] ?? true) : unescapeQuoted(match[2]));
    at = param.lastIndex;
  }
  return found ?? noParams;
}

/** Written with quotes whatever it says: a feature tag's value (RFC 3840 §9), a reason's text (RFC 3326 §2). */
function wantsQuotes(name: string): boolean {
  return name.startsWith('+') || name === 'text';
}

const reference = /^\[[0-9A-Fa-f:.]+\]$/;

/** Parameters as they stand behind a value: `;tag=88sja8x`, with quotes where the grammar wants them. */
export function formatParams(params: Params): string {
  let text = '';
  for (const [name, value] of params) {
    if (value === true) text += `;${name}`;
    else if (!wantsQuotes(name) && (isToken(value) || reference.test(value) || isIPv6(value)))
      text += `;${name}=${value}`;
    else text += `;${name}=${quoted(value)}`;
  }
  return text;
}

/** Splits a list at its commas, those in quotes and angle brackets left alone; spaces around the values are cut. */
export function splitList(text: string): string[] {
  if (!text.includes(',')) return [text.trim()];
  const values: string[] = [];
  let start = 0;
  let inside: '"' | '>' | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inside === '"' && char === '\\') at++;
    else if (inside !== undefined) inside = char === inside ? undefined : inside;
    else if (char === '"') inside = '"';
    else if (char === '<') inside = '>';
    else if (char === ',') {
      values.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  values.push(text.slice(start).trim());
  return values;
}

/**
 * A number in digits alone, leading zeros allowed.
 * @param most the largest that there may be; a larger one is none
 */
export function parseNumber(value: string | undefined, most = 0xffff_ffff): number | undefined {
  if (value === undefined || !/^[0-9]+$/.test(value)) return undefined;
  const number = Number(value);
  return number <= most ? number : undefined;
}

/** delta-seconds, as in Expires and Min-Expires: what is larger than 2^32 - 1 is read as that (RFC 3261 §20.19). */
export function parseSeconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^[0-9]+$/.test(value)) return undefined;
  return Math.min(Number(value), 0xffff_ffff);
}
