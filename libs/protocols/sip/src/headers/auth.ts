/*
 * Challenges and credentials (RFC 3261 §20.7, 20.27, 20.28, 20.44; RFC 7616). Each stands in a field of its own: commas
 * separate their parameters.
 */
import { quoted, unescapeQuoted } from '../grammar.js';

export interface Auth {
  /** In small letters: `digest`. */
  readonly scheme: string;
  /** By names in small letters, without quotes. */
  readonly params: ReadonlyMap<string, string>;
}

const param =
  /[ \t]*(?:,[ \t]*)*([-.!%*_+`'~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^\s,"]+))[ \t]*(?=,|$)/y;

function parseAuthParams(value: string, from: number): ReadonlyMap<string, string> | undefined {
  const params = new Map<string, string>();
  let at = from;
  while (at < value.length) {
    param.lastIndex = at;
    const match = param.exec(value);
    if (match === null) return /^[ \t,]*$/.test(value.slice(at)) ? params : undefined;
    const name = (match[1] ?? '').toLowerCase();
    // Of two realms or nonces nobody can say which one was signed.
    if (params.has(name)) return undefined;
    params.set(name, match[2] === undefined ? (match[3] ?? '') : unescapeQuoted(match[2]));
    at = param.lastIndex;
  }
  return params;
}

/** Reads a challenge or credentials of Digest or a scheme with parameters like its. */
export function parseAuth(value: string): Auth | undefined {
  const match = /^[ \t]*([-.!%*_+`'~0-9A-Za-z]+)[ \t]+/.exec(value);
  if (match === null) return undefined;
  const params = parseAuthParams(value, match[0].length);
  return params === undefined ? undefined : { scheme: (match[1] ?? '').toLowerCase(), params };
}

/** Reads an Authentication-Info, which has parameters alone. */
export function parseAuthInfo(value: string): ReadonlyMap<string, string> | undefined {
  return parseAuthParams(value, 0);
}

/** Never in quotes (RFC 3261 §25.1; RFC 7616 §3.3, 3.4: some refuse them with). */
const bare = new Set(['algorithm', 'stale', 'nc', 'userhash']);

/** Writes a challenge or credentials; `qop` stands in quotes in a challenge, without them in credentials. */
export function formatAuth({ scheme, params }: Auth): string {
  const isAnswer = params.has('response');
  const written = [...params].map(([name, value]) =>
    bare.has(name) || (isAnswer && name === 'qop') ? `${name}=${value}` : `${name}=${quoted(value)}`,
  );
  return `${scheme === 'digest' ? 'Digest' : scheme} ${written.join(', ')}`;
}
