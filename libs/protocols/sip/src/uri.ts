/*
 * SIP and SIPS URIs (RFC 3261 §19.1), tel URIs (RFC 3966), and whatever else has a scheme.
 */
import { isIPv6 } from 'node:net';
import { noParams, type Params } from './grammar.js';

/**
 * A URI in its parts. The text of user, password, parameters and headers is as written, `%XX` resolved where the
 * character may stand there without: what remains escaped must be, so that it is never ambiguous and can be stored.
 */
export interface SipUri {
  /** In small letters: `sip`, `sips`, `tel`, or another. */
  readonly scheme: string;
  /** Of a tel URI: the number as written, with its separators. */
  readonly user?: string;
  readonly password?: string;
  /** In small letters, an IPv6 address without brackets; empty where the scheme is none of SIP's. */
  readonly host: string;
  readonly port?: number;
  readonly params: Params;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What stands behind a scheme other than sip, sips and tel. */
  readonly opaque?: string;
}

/** A place of a URI: what may stand there as it is, `%XX` besides. */
interface Place {
  readonly unescaped: RegExp;
  readonly whole: RegExp;
  readonly plain: RegExp;
  readonly other: RegExp;
}

function place(more: string): Place {
  const plain = `-A-Za-z0-9_.!~*'()${more}`;
  return {
    unescaped: new RegExp(`^[${plain}]*$`),
    whole: new RegExp(`^(?:[${plain}]|%[0-9A-Fa-f]{2})*$`),
    plain: new RegExp(`[${plain}]`),
    other: new RegExp(`%(?![0-9A-Fa-f]{2})|[^${plain}%]`, 'gu'),
  };
}

const places = {
  user: place('&=+$,;?/'),
  password: place('&=+$,'),
  param: place('[\\]/:&+$'),
  header: place('[\\]/?:+$'),
};

/** The text of a place in its one form, or undefined where it has what may not stand there. */
function normal(text: string, { unescaped, whole, plain }: Place): string | undefined {
  if (unescaped.test(text)) return text;
  if (!whole.test(text)) return undefined;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return plain.test(char) ? char : escape.toUpperCase();
  });
}

function escaped(text: string, { other }: Place): string {
  return text.replace(other, (char) =>
    [...Buffer.from(char)].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** Any text as the user part of a URI: `%` too is escaped. */
export function escapeUser(text: string): string {
  return escaped(text.replaceAll('%', '%25'), places.user);
}

/** A part of a URI for people to read: all escapes resolved, octets that are no UTF-8 replaced. */
export function unescaped(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** A host with its port as URIs and Via write it, an IPv6 address in brackets. */
export function formatHost(host: string, port: number | undefined): string {
  const written = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? written : `${written}:${String(port)}`;
}

const hostPort =
  /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?))(?:[ \t]*:[ \t]*([0-9]{1,5}))?$/;

/** A host, in small letters and without brackets, and its port; undefined where it is neither name nor address. */
export function parseHost(text: string): { host: string; port?: number } | undefined {
  const match = hostPort.exec(text);
  if (match === null) return undefined;
  const [, reference, name = '', digits] = match;
  // The grammar of RFC 3261 lets `:::` stand before an IPv4 part, where `::` is meant (RFC 5118 §4.10).
  const address = reference?.replace(/:::(?=[0-9]+\.)/, '::');
  if (address === undefined ? name.includes('..') : !isIPv6(address)) return undefined;
  const host = (address ?? name).toLowerCase();
  if (digits === undefined) return { host };
  const port = Number(digits);
  return port > 0 && port <= 65_535 ? { host, port } : undefined;
}

/** @returns undefined where a name is written twice (§19.1.1) or anything stands where it may not */
function parseUriParams(text: string): Params | undefined {
  if (text === '') return noParams;
  const params = new Map<string, string | true>();
  for (const one of text.slice(1).split(';')) {
    const equals = one.indexOf('=');
    const name = normal(equals < 0 ? one : one.slice(0, equals), places.param)?.toLowerCase();
    const value = equals < 0 ? true : normal(one.slice(equals + 1), places.param);
    if (name === undefined || name === '' || value === undefined || params.has(name)) return undefined;
    params.set(name, value);
  }
  return params;
}

function parseHeaders(text: string): (readonly [string, string])[] | undefined {
  const headers: (readonly [string, string])[] = [];
  for (const one of text.split('&')) {
    const equals = one.indexOf('=');
    const name = normal(one.slice(0, Math.max(equals, 0)), places.header);
    const value = normal(one.slice(equals + 1), places.header);
    if (name === undefined || name === '' || value === undefined) return undefined;
    headers.push([name, value]);
  }
  return headers;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function parseSip(scheme: string, rest: string): SipUri | undefined {
  const at = rest.indexOf('@');
  if (at !== rest.lastIndexOf('@')) return undefined;
  const info = at < 0 ? undefined : rest.slice(0, at);
  const colon = info?.indexOf(':') ?? -1;
  const user = info === undefined ? undefined : normal(colon < 0 ? info : info.slice(0, colon), places.user);
  const password =
    info === undefined || colon < 0 ? undefined : normal(info.slice(colon + 1), places.password);
  if (info !== undefined && (user === undefined || user === '')) return undefined;
  if (colon >= 0 && password === undefined) return undefined;

  const behind = rest.slice(at + 1);
  const question = behind.indexOf('?');
  const before = question < 0 ? behind : behind.slice(0, question);
  const semicolon = before.indexOf(';');
  const written = semicolon < 0 ? before : before.slice(0, semicolon);
  // The spaces that Via may have around its colon are none of a URI's.
  const place = /[ \t]/.test(written) ? undefined : parseHost(written);
  const params = parseUriParams(semicolon < 0 ? '' : before.slice(semicolon));
  const headers = question < 0 ? [] : parseHeaders(behind.slice(question + 1));
  if (place === undefined || params === undefined || headers === undefined) return undefined;
  // Spreading what is there would cost as much as all of the reading.
  const uri: Writable<SipUri> = { scheme, host: place.host, params, headers };
  if (user !== undefined) uri.user = user;
  if (password !== undefined) uri.password = password;
  if (place.port !== undefined) uri.port = place.port;
  return uri;
}

const number = /^(?:\+[-.()]*[0-9][-.()0-9]*|[-.()]*[0-9A-Fa-f*#][-.()0-9A-Fa-f*#]*)$/;

function parseTel(rest: string): SipUri | undefined {
  const semicolon = rest.indexOf(';');
  const user = semicolon < 0 ? rest : rest.slice(0, semicolon);
  const params = parseUriParams(semicolon < 0 ? '' : rest.slice(semicolon));
  if (!number.test(user) || params === undefined) return undefined;
  return { scheme: 'tel', user, host: '', params, headers: [] };
}

/** Reads a URI as it stands in a Request-URI or between angle brackets. */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  const rest = text.slice(colon + 1);
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return undefined;
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (scheme === 'tel') return parseTel(rest);
  if (!/^[!-~]+$/.test(rest) || /[<>"]/.test(rest)) return undefined;
  return { scheme, host: '', params: noParams, headers: [], opaque: rest };
}

/** Writes a URI; what may not stand in a part as it is becomes `%XX`, what is escaped already stays so. */
export function formatUri(uri: SipUri): string {
  if (uri.opaque !== undefined) return `${uri.scheme}:${uri.opaque}`;
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    // The number of a tel URI has `#`, which no user part may have as it is.
    text += uri.scheme === 'tel' ? uri.user : escaped(uri.user, places.user);
    if (uri.password !== undefined) text += `:${escaped(uri.password, places.password)}`;
    if (uri.scheme !== 'tel') text += '@';
  }
  if (uri.scheme !== 'tel') text += formatHost(uri.host, uri.port);
  for (const [name, value] of uri.params) {
    text += `;${escaped(name, places.param)}${value === true ? '' : `=${escaped(value, places.param)}`}`;
  }
  const headers = uri.headers.map(
    ([name, value]) => `${escaped(name, places.header)}=${escaped(value, places.header)}`,
  );
  return headers.length === 0 ? text : `${text}?${headers.join('&')}`;
}

/** Parameters that make two URIs differ where only one has them; others do not (§19.1.4 and its examples). */
const telling = ['user', 'ttl', 'method', 'maddr', 'transport'];

function sameValue(a: string | true | undefined, b: string | true | undefined): boolean {
  return typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : a === b;
}

function sameHeaders(a: SipUri, b: SipUri): boolean {
  const sorted = ({ headers }: SipUri): string[] =>
    headers.map(([name, value]) => `${name.toLowerCase()}=${value}`).sort();
  return sorted(a).join('&') === sorted(b).join('&');
}

function sameTel(a: SipUri, b: SipUri): boolean {
  const digits = ({ user = '' }: SipUri): string => user.replace(/[-.()]/g, '').toLowerCase();
  return (
    digits(a) === digits(b) &&
    a.params.size === b.params.size &&
    [...a.params].every(([name, value]) => sameValue(value, b.params.get(name)))
  );
}

/** Whether two URIs are equivalent by RFC 3261 §19.1.4; tel URIs by RFC 3966 §4. It is not transitive. */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.opaque !== b.opaque) return false;
  if (a.scheme === 'tel') return sameTel(a, b);
  return (
    a.user === b.user &&
    a.password === b.password &&
    a.host === b.host &&
    a.port === b.port &&
    telling.every((name) => a.params.has(name) === b.params.has(name)) &&
    [...a.params].every(([name, value]) => !b.params.has(name) || sameValue(value, b.params.get(name))) &&
    sameHeaders(a, b)
  );
}
