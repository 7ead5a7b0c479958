/* Lines as RFC 1459 §2.3.1 and the IRCv3 message-tags text have them: read, and written within the limits. */

export type Tags = ReadonlyMap<string, string>;

/** A line from the server. Tags say everything that could be said; a client is shown what its capabilities allow. */
export interface Line {
  readonly tags?: Tags;
  /** `nick!user@host` or the server's name. */
  readonly source?: string;
  readonly command: string;
  readonly params: readonly string[];
  /** A client's own message coming back to it (echo-message). */
  readonly isEcho?: boolean;
}

/** A line from a client. */
export interface Said {
  readonly tags: Tags;
  readonly command: string;
  readonly params: readonly string[];
}

const unescapes: Readonly<Record<string, string>> = { ':': ';', s: ' ', r: '\r', n: '\n', '\\': '\\' };

/** message-tags, "Escaping values": an unknown escape loses its backslash, a lone one at the end disappears. */
function unescapeValue(value: string): string {
  return value.replace(/\\(.?)/gs, (_, letter: string) => unescapes[letter] ?? letter);
}

function escapeValue(value: string): string {
  return value.replace(/[; \r\n\\]/g, (letter) => {
    const escape = Object.entries(unescapes).find(([, plain]) => plain === letter)?.[0] ?? '';
    return `\\${escape}`;
  });
}

/** Reads a client's line; undefined for an empty one. Whatever source it claims is ignored, as servers do. */
export function readLine(text: string): Said | undefined {
  const tags = new Map<string, string>();
  let rest = text;
  if (rest.startsWith('@')) {
    const end = rest.indexOf(' ');
    if (end === -1) return undefined;
    for (const tag of rest.slice(1, end).split(';')) {
      const at = tag.indexOf('=');
      const key = at === -1 ? tag : tag.slice(0, at);
      if (key !== '') tags.set(key, at === -1 ? '' : unescapeValue(tag.slice(at + 1)));
    }
    rest = rest.slice(end + 1).trimStart();
  }
  if (rest.startsWith(':')) {
    const end = rest.indexOf(' ');
    rest = end === -1 ? '' : rest.slice(end + 1);
  }
  const at = rest.search(/(?:^| ):/);
  const middle = at === -1 ? rest : rest.slice(0, at);
  const words = middle.split(' ').filter((word) => word !== '');
  const [command, ...params] = words;
  if (command === undefined) return undefined;
  if (at !== -1) params.push(rest.slice(rest.indexOf(':', at) + 1));
  return { tags, command: command.toUpperCase(), params };
}

/** Lines whose last parameter is words for people; it always gets its colon, as every server does it. */
const wordy = new Set(
  'PRIVMSG NOTICE TOPIC QUIT ERROR AWAY SETNAME CAP FAIL WARN NOTE 001 002 003 005 301 303 302 319 332 353 372 375 376 730 731 732'.split(
    ' ',
  ),
);

/**
 * A line as text, without its line end.
 * @param most bytes of all but the tags, line end not counted: what is longer is cut off, as servers do it.
 * @param whole whether a character may not be cut in two (UTF8ONLY).
 */
export function writeLine(line: Line, tags: Tags, most: number, whole: boolean): Buffer {
  const last = line.params.length - 1;
  const params = line.params.map((param, index) =>
    index === last &&
    (param === '' || param.startsWith(':') || param.includes(' ') || wordy.has(line.command))
      ? `:${param}`
      : param,
  );
  const text = [...(line.source === undefined ? [] : [`:${line.source}`]), line.command, ...params].join(' ');
  const body = shorten(Buffer.from(text), most, whole);
  if (tags.size === 0) return body;
  const written = [...tags].map(([key, value]) => (value === '' ? key : `${key}=${escapeValue(value)}`));
  return Buffer.concat([Buffer.from(`@${written.join(';')} `), body]);
}

function shorten(bytes: Buffer, most: number, whole: boolean): Buffer {
  if (bytes.length <= most) return bytes;
  let end = most;
  while (whole && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** The time as server-time has it. */
export function timestamp(at: number): string {
  return new Date(at).toISOString();
}
