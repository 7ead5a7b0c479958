/*
 * Messages with headers of their own that pass from end to end (RFC 3862): `message/cpim`. Headers first, an empty line,
 * then MIME headers, an empty line and the content.
 */
import type { Fault } from './fault.js';

export const cpimType = 'message/cpim';
/** In which the headers are that need no prefix (§3.4: `urn:ietf:params:cpim-headers:`). */
const ownNamespace = 'urn:ietf:params:cpim-headers:';
const mostHeaders = 100;
const mostHeader = 8_192;
const mostHead = 65_536;

export interface CpimHeader {
  /** The URI of its namespace; absent for the headers of RFC 3862 itself. */
  readonly ns?: string;
  /** Without prefix, and as it is written: names are case-sensitive (§3.1). */
  readonly name: string;
  readonly value: string;
  /** `;lang=`, as RFC 5646 has it. */
  readonly language?: string;
}

export interface Cpim {
  readonly headers: readonly CpimHeader[];
  readonly content: {
    /** By name in small letters. */
    readonly headers: ReadonlyMap<string, string>;
    readonly body: Buffer;
  };
}

/** Reads a message. Line ends may be those of Unix, which some write. */
export function readCpim(bytes: Buffer): Cpim | Fault {
  const first = block(bytes, 0);
  if (first === undefined) return { fault: 'The CPIM headers have no end.' };
  const headers = headersOf(first.lines);
  if ('fault' in headers) return headers;
  const second = block(bytes, first.end);
  // Without an empty line there are MIME headers alone, and nothing after them; that is no message.
  if (second === undefined) return { fault: 'The content of the CPIM message has no beginning.' };
  const inner = mimeHeaders(second.lines);
  if ('fault' in inner) return inner;
  return { headers: headers.list, content: { headers: inner.map, body: bytes.subarray(second.end) } };
}

/** Lines up to an empty one, and where what is after it begins; undefined where none is, within what headers may be. */
function block(
  bytes: Buffer,
  from: number,
): { readonly lines: readonly string[]; readonly end: number } | undefined {
  const lines: string[] = [];
  let at = from;
  while (at - from <= mostHead) {
    const feed = bytes.indexOf(0x0a, at);
    if (feed === -1) return undefined;
    const end = feed > at && bytes[feed - 1] === 0x0d ? feed - 1 : feed;
    const line = bytes.toString('utf8', at, end);
    at = feed + 1;
    if (line === '') return { lines, end: at };
    if (lines.length >= mostHeaders || line.length > mostHeader) return undefined;
    lines.push(line);
  }
  return undefined;
}

function headersOf(lines: readonly string[]): { readonly list: readonly CpimHeader[] } | Fault {
  const prefixes = new Map<string, string>();
  let usual: string | undefined;
  const list: CpimHeader[] = [];
  for (const line of lines) {
    const parts = /^([^\s:;]+)((?:;[^:"]*(?:"[^"]*"[^:"]*)*)?):[ \t]*(.*)$/s.exec(line);
    if (!parts) return { fault: 'A CPIM header is none.' };
    const [, name = '', params = '', raw = ''] = parts;
    const value = unescaped(raw);
    if (name === 'NS') {
      const declared = /^(?:([^\s<]+)\s+)?<([^<>]*)>\s*$/.exec(value);
      if (declared?.[1] === undefined) usual = declared?.[2] ?? usual;
      else prefixes.set(declared[1], declared[2] ?? '');
      continue;
    }
    const dot = name.indexOf('.');
    const prefix = dot === -1 ? undefined : prefixes.get(name.slice(0, dot));
    const ns = prefix ?? (dot === -1 ? usual : undefined);
    const language = /;lang=([A-Za-z0-9-]{1,35})/i.exec(params)?.[1];
    list.push({
      ...(ns !== undefined && ns !== ownNamespace && { ns }),
      // A prefix that nobody has declared is a part of the name.
      name: prefix === undefined ? name : name.slice(dot + 1),
      value,
      ...(language !== undefined && { language }),
    });
  }
  return { list };
}

function mimeHeaders(lines: readonly string[]): { readonly map: ReadonlyMap<string, string> } | Fault {
  const map = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line) && last !== undefined) {
      map.set(last, `${map.get(last) ?? ''} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) return { fault: 'A header of the content is none.' };
    last = line.slice(0, colon).trim().toLowerCase();
    if (!map.has(last)) map.set(last, line.slice(colon + 1).trim());
  }
  return { map };
}

const escapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', r: '\r' };

/** §2.3.1. A backslash before what needs none stands for that. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text
    .replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, (_, code: string | undefined, character: string | undefined) =>
      code === undefined
        ? (escapes[character ?? ''] ?? character ?? '')
        : String.fromCharCode(Number.parseInt(code, 16)),
    )
    .toWellFormed();
}

/** Writes a message. Prefixes are declared as they are needed; what no line may hold is escaped. */
export function writeCpim({ headers, content }: Cpim): Buffer {
  const prefixes = new Map<string, string>();
  const lines: string[] = [];
  for (const { ns, name, value, language } of headers) {
    if (ns !== undefined && !prefixes.has(ns)) {
      const prefix = ns === 'urn:ietf:params:imdn' ? 'imdn' : `ns${String(prefixes.size + 1)}`;
      prefixes.set(ns, prefix);
      lines.push(`NS: ${prefix} <${ns}>`);
    }
    const full = ns === undefined ? name : `${prefixes.get(ns) ?? ''}.${name}`;
    lines.push(`${full}${language === undefined ? '' : `;lang=${language}`}: ${escaped(value)}`);
  }
  const inner = [...content.headers].map(
    ([name, value]) => `${named(name)}: ${value.replace(/[\r\n]+/g, ' ')}`,
  );
  const head = [...lines, '', ...inner, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), content.body]);
}

function escaped(text: string): string {
  return text.replace(/[\0-\x1f\x7f\\]/g, (character) => {
    if (character === '\\') return '\\\\';
    const short = Object.entries(escapes).find(([, one]) => one === character)?.[0];
    return short === undefined ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : `\\${short}`;
  });
}

/** As MIME headers are usually written: `Content-Type`. */
function named(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
}

/** The values of all headers of a name. */
export function cpimHeaders({ headers }: Cpim, name: string, ns?: string): readonly string[] {
  return headers.filter((one) => one.name === name && one.ns === ns).map(({ value }) => value);
}

/** The value of the first header of a name. */
export function cpimHeader(cpim: Cpim, name: string, ns?: string): string | undefined {
  return cpimHeaders(cpim, name, ns)[0];
}
