import { formatParams, parseParams, quoted, unescapeQuoted, type Params } from '../grammar.js';

/** What From, To, Contact, Route, P-Asserted-Identity and their like hold (RFC 3261 §20.10). */
export interface NameAddr {
  /** The name shown, without quotes and escapes. */
  readonly display?: string;
  /** As written, without angle brackets. */
  readonly uri: string;
  readonly params: Params;
}

const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/;
const name = /^[ \t]*"((?:[^"\\]|\\[^])*)"[ \t]*</;

/**
 * Reads one value: `"Alice" <sip:alice@example.org>;tag=1` or `sip:alice@example.org;tag=1`. Without brackets the
 * parameters are the field's, and the URI has neither comma nor question mark (§20.10).
 *
 * A name that is neither tokens nor quoted is taken as it stands: RFC 4475 §3.1.2.15 leaves that to the receiver.
 */
export function parseNameAddr(value: string): NameAddr | undefined {
  const match = name.exec(value);
  const open = match === null ? value.indexOf('<') : match[0].length - 1;
  if (open < 0) return parseAddr(value);
  const written = match === null ? value.slice(0, open).trim() : undefined;
  if (written !== undefined && /[">]/.test(written)) return undefined;
  const display = written ?? unescapeQuoted(match?.[1] ?? '');
  const close = value.indexOf('>', open);
  if (close < 0) return undefined;
  const uri = value.slice(open + 1, close);
  const params = parseParams(value, close + 1);
  if (params === undefined || !isAbsolute(uri)) return undefined;
  return { ...(display !== '' && { display }), uri, params };
}

function parseAddr(value: string): NameAddr | undefined {
  const end = /[;\s]/.exec(value.trimStart())?.index;
  const start = value.length - value.trimStart().length;
  const uri = end === undefined ? value.slice(start) : value.slice(start, start + end);
  const params = end === undefined ? parseParams('', 0) : parseParams(value, start + end);
  if (params === undefined || !isAbsolute(uri) || /[,?]/.test(uri)) return undefined;
  return { uri, params };
}

function isAbsolute(uri: string): boolean {
  return absolute.test(uri) && !/[<>"]/.test(uri);
}

/** Writes a value with angle brackets, the name in quotes. */
export function formatNameAddr(addr: NameAddr): string {
  const name = addr.display === undefined || addr.display === '' ? '' : `${quoted(addr.display)} `;
  return `${name}<${addr.uri}>${formatParams(addr.params)}`;
}

/** The tag of a From or To, if it can be read and has one. */
export function tagOf(value: string | undefined): string | undefined {
  const tag = value === undefined ? undefined : parseNameAddr(value)?.params.get('tag');
  return typeof tag === 'string' ? tag : undefined;
}
