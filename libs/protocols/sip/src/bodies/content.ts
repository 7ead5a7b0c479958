/*
 * What a body is, after what it was packed into: compressed (RFC 3261 §20.12), in some character set, one part of several
 * (RFC 5621). Serves a SIP message, the content of a CPIM message and the parts of a multipart alike.
 */
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { parseMediaType, parseParameterised, type MediaType } from '../headers/values.js';
import type { Fault } from './fault.js';

/** A body, unpacked. */
export interface Content {
  readonly type: MediaType;
  /** What it is for, in small letters: `render`, `notification`, `attachment`, `icon` … (RFC 3261 §20.11). */
  readonly disposition?: string;
  /** The first of its languages. */
  readonly language?: string;
  readonly bytes: Buffer;
}

/** Why a body cannot be read, with the status that a SIP request is to be answered with for it. */
export interface ContentFault extends Fault {
  readonly status: 400 | 413 | 415;
}

/** The codings that are understood, for `Accept-Encoding`. */
export const acceptedEncodings = 'identity, deflate, gzip';

const usualMost = 1_048_576;
const mostCodings = 3;
/** Of one body, with those within parts. */
const mostParts = 50;
const mostLevels = 5;
/** No more comes of one octet (RFC 1951: 258 octets of two bits). */
const mostOfOne = 1_032;

/** What may still be done for one body: parts may hold parts that are packed, and a few octets the work of hours. */
interface Room {
  /** Octets that may be unpacked. */
  octets: number;
  /** Parts that may be looked at. */
  parts: number;
}

interface HeadersOfBody {
  get(name: string): string | undefined;
}

/**
 * A body and what its header fields say of it, unpacked.
 * @param mostBytes that it may unpack to, with what stands between where it is packed more than once
 */
export function contentOf(
  headers: HeadersOfBody,
  body: Buffer,
  mostBytes: number = usualMost,
): Content | ContentFault {
  const type = typeOf(headers);
  if (type === undefined) return { status: 400, fault: 'The body does not say what it is.' };
  if (body.length > mostBytes) return { status: 413, fault: 'The body is too large.' };
  return contentAs(type, headers, body, { octets: mostBytes, parts: 0 });
}

/** Without a type it is text (RFC 2045 §5.2). */
function typeOf(headers: HeadersOfBody): MediaType | undefined {
  return parseMediaType(headers.get('content-type') ?? 'text/plain');
}

function contentAs(
  type: MediaType,
  headers: HeadersOfBody,
  body: Buffer,
  room: Room,
): Content | ContentFault {
  const bytes = unpacked(headers, body, room);
  if ('fault' in bytes) return bytes;
  const disposition = parseParameterised(headers.get('content-disposition') ?? '')?.value.toLowerCase();
  const language = /^\s*([A-Za-z0-9-]{1,35})\s*(?:,|$)/.exec(headers.get('content-language') ?? '')?.[1];
  return {
    type,
    bytes,
    ...(disposition !== undefined && { disposition }),
    ...(language !== undefined && { language }),
  };
}

function unpacked(headers: HeadersOfBody, body: Buffer, room: Room): Buffer | ContentFault {
  const codings = (headers.get('content-encoding') ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > mostCodings) return { status: 415, fault: 'The body is packed too many times.' };
  let bytes = transferred((headers.get('content-transfer-encoding') ?? '').trim().toLowerCase(), body);
  // They are named in the order in which they were applied (RFC 9110 §8.4).
  for (const coding of codings.reverse()) {
    const inflated = inflate(coding, bytes, room.octets);
    room.octets -= 'fault' in inflated ? mostOfOne * bytes.length : inflated.length;
    if ('fault' in inflated) return inflated;
    bytes = inflated;
  }
  return bytes;
}

function inflate(coding: string, bytes: Buffer, maxOutputLength: number): Buffer | ContentFault {
  const tooLarge: ContentFault = { status: 413, fault: 'The body is too large when it is unpacked.' };
  if (maxOutputLength <= 0) return tooLarge;
  const limit = { maxOutputLength };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, limit);
      case 'deflate':
        return isZlib(bytes) ? inflateSync(bytes, limit) : inflateRawSync(bytes, limit);
      default:
        return { status: 415, fault: 'The body is packed in a way that is not understood.' };
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge
      : { status: 400, fault: 'The body cannot be unpacked.' };
  }
}

/** `deflate` is zlib's format (RFC 1950); many send what is in it alone (RFC 1951). */
function isZlib(bytes: Buffer): boolean {
  const [method = 0, flags = 0] = bytes;
  return (method & 0x0f) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0;
}

/** SIP needs none of them, but what passes through it may have been mail (RFC 2045 §6). */
function transferred(encoding: string, body: Buffer): Buffer {
  switch (encoding) {
    case 'base64':
      return Buffer.from(body.toString('latin1'), 'base64');
    case 'quoted-printable':
      return Buffer.from(
        body
          .toString('latin1')
          .replace(/=[ \t]{0,80}\r?\n/g, '')
          .replace(/=([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
        'latin1',
      );
    default:
      return body;
  }
}

/**
 * The text of a content of type `text/*`. Bytes that are none in their character set become U+FFFD; where none is named
 * and they are no UTF-8 (RFC 3261 §7.4.1), they are taken for windows-1252.
 * @returns a fault where the character set is none that is known.
 */
export function readText({ type, bytes }: Content): string | ContentFault {
  const named = type.params.get('charset');
  const charset = typeof named === 'string' ? named.trim().toLowerCase() : undefined;
  if (charset === undefined) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return windows1252(bytes);
    }
  }
  try {
    const decoder = new TextDecoder(charset === 'utf-16' ? utf16(bytes) : charset);
    return decoder.encoding === 'windows-1252' ? windows1252(bytes) : decoder.decode(bytes);
  } catch {
    return { status: 415, fault: 'The text is in a character set that is not known.' };
  }
}

/** What windows-1252 has from 0x80 to 0x9f; Node 20's own decoder makes controls of them, as Latin 1 has them there. */
const windows = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The character set of Western Windows, by which browsers also read what is called Latin 1 or ASCII. */
function windows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (control) => windows[control.charCodeAt(0) - 0x80] ?? control);
}

/** By its mark; without one it is big-endian (RFC 2781 §4.3). */
function utf16([first, second]: Buffer): string {
  return first === 0xff && second === 0xfe ? 'utf-16le' : 'utf-16be';
}

/**
 * Of several parts the one to read: the first plain text, else the first text, however deep it lies. What is not of several
 * parts is returned as it is.
 */
export function firstTextPart(content: Content): Content | ContentFault {
  if (!content.type.type.startsWith('multipart/')) return content;
  const parts = textParts(content, 0, { octets: usualMost, parts: mostParts });
  if ('fault' in parts) return parts;
  const best = parts.find(({ type }) => type.type === 'text/plain') ?? parts[0];
  return best ?? { status: 415, fault: 'None of the parts of the body is text.' };
}

function textParts(content: Content, level: number, room: Room): readonly Content[] | ContentFault {
  if (level >= mostLevels) return { status: 400, fault: 'The body has parts within parts without end.' };
  const boundary = content.type.params.get('boundary');
  if (typeof boundary !== 'string' || boundary === '' || boundary.length > 200) {
    return { status: 400, fault: 'The body does not say where its parts begin.' };
  }
  const found: Content[] = [];
  for (const raw of partsOf(content.bytes, boundary)) {
    if (room.parts-- <= 0) break;
    const part = partOf(raw, room);
    if (part === undefined) continue;
    if ('fault' in part) {
      // Whoever packs too much is not to be read further.
      if (part.status === 413) return part;
    } else if (part.type.type.startsWith('multipart/')) {
      const inner = textParts(part, level + 1, room);
      if ('fault' in inner) return inner;
      found.push(...inner);
    } else if (part.disposition !== 'attachment') found.push(part);
  }
  return found;
}

/** Octets of the end of a line with a boundary in which its end has to be. */
const longestMark = 200;
/** What looks like a boundary is looked at so often. */
const mostMarks = 1_000;
const nothing = Buffer.alloc(0);

/** What stands between the boundaries (RFC 2046 §5.1.1); the last part may lack its end. */
function partsOf(bytes: Buffer, boundary: string): readonly Buffer[] {
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const parts: Buffer[] = [];
  let from: number | undefined;
  let at = bytes.indexOf(mark);
  for (let seen = 0; at !== -1 && parts.length < mostParts && seen < mostMarks; seen++) {
    const after = at + mark.length;
    const begins = at === 0 || bytes[at - 1] === 0x0a;
    const line = begins ? bytes.subarray(after, after + longestMark) : nothing;
    const feed = line.indexOf(0x0a);
    const rest = line.toString('latin1', 0, feed === -1 ? line.length : feed);
    const isWhole = feed !== -1 || after + line.length === bytes.length;
    if (begins && isWhole && /^(?:--)?[ \t]*\r?$/.test(rest)) {
      if (from !== undefined) parts.push(bytes.subarray(from, bytes[at - 2] === 0x0d ? at - 2 : at - 1));
      if (rest.startsWith('--') || feed === -1) return parts;
      from = after + feed + 1;
    }
    at = bytes.indexOf(mark, after);
  }
  if (from !== undefined && parts.length < mostParts) parts.push(bytes.subarray(from));
  return parts;
}

/** A part that may be read; undefined for one of another kind. */
function partOf(raw: Buffer, room: Room): Content | ContentFault | undefined {
  const head = /^(?:\r?\n|([^]{0,8192}?)\r?\n\r?\n)/.exec(raw.toString('latin1', 0, 8_300));
  if (!head) return { status: 400, fault: 'A part of the body has no end of its header fields.' };
  const headers = new Map<string, string>();
  for (const line of (head[1] ?? '').replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (name !== '' && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  const type = typeOf(headers);
  const isWanted = type !== undefined && /^(?:text|multipart)\//.test(type.type);
  return isWanted ? contentAs(type, headers, raw.subarray(head[0].length), room) : undefined;
}
