/*
 * The start line and the header fields of a message. All that can be read is read, even past a fault: whoever sent it is
 * answered where there is enough to answer.
 */
import { isAscii } from 'node:buffer';
import { isToken, parseNumber } from './grammar.js';
import type { Limits } from './limits.js';
import type { SipMessage, SipRequest } from './message.js';
import { Headers, nameOf, type Field } from './message-headers.js';

/** Why a message is refused: what a request is answered with. */
export interface Fault {
  readonly status: number;
  readonly reason: string;
}

/** A request as far as it could be read. */
interface RequestLine {
  readonly type: 'request';
  readonly method: string;
  readonly uri: string;
}

interface StatusLine {
  readonly type: 'response';
  readonly status: number;
  readonly reason: string;
}

export interface Head {
  /** Undefined where the first line is none of SIP. */
  readonly start: RequestLine | StatusLine | undefined;
  readonly headers: Headers;
  /** The first thing that is wrong. */
  readonly fault: Fault | undefined;
  /** Whether lines end otherwise than by the end of line of this message, so that nobody knows where they end. */
  readonly isTorn: boolean;
}

const nothing = Buffer.alloc(0);

/** The length that is given, `none`, or `bad` where it is no number, or where there are two. */
export function contentLength(headers: Headers): number | 'none' | 'bad' {
  const [first, ...others] = headers.all('content-length');
  if (first === undefined) return 'none';
  return others.some((other) => other !== first) ? 'bad' : (parseNumber(first) ?? 'bad');
}

/** The message of a head and its body. */
export function messageOf(head: Head, body: Buffer): SipMessage | undefined {
  const { start, headers } = head;
  // Written out: to spread the start line would cost as much as to read it.
  if (start?.type === 'request') {
    return { type: 'request', method: start.method, uri: start.uri, headers, body };
  }
  return start && { type: 'response', status: start.status, reason: start.reason, headers, body };
}

/** A faulty request that has what an answer is made of (RFC 3261 §8.2.6.2). */
export function answerable({ start, headers }: Head): SipRequest | undefined {
  if (start?.type !== 'request') return undefined;
  const has = ['via', 'from', 'to', 'call-id', 'cseq'].every((name) => headers.has(name));
  return has ? { ...start, headers, body: nothing } : undefined;
}

/**
 * Reads a head.
 * @param bytes from the start line to the end of the last field, without the ends of line behind it
 * @param eol how its lines end: a datagram may use LF alone, if it does so everywhere
 */
export function readHead(bytes: Buffer, eol: '\r\n' | '\n', limits: Limits): Head {
  // Octets that are no UTF-8 are replaced; the body is never read here.
  const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  const fields: Field[] = [];
  let fault: Fault | undefined;
  let isTorn = false;
  let start: Head['start'];
  let name = '';
  let value = '';
  let at = 0;
  for (let line = 0; at <= text.length; line++) {
    const end = text.indexOf(eol, at);
    const next = end < 0 ? text.length : end;
    const begin = at;
    at = next + eol.length;
    const written = text.slice(begin, next);
    if (/[\r\n]/.test(written)) {
      fault ??= { status: 400, reason: 'Bare CR or LF' };
      isTorn = true;
    }
    if (line === 0) {
      ({ start, fault } = readStart(written, limits, fault));
      continue;
    }
    const first = written.charCodeAt(0);
    if (first === 0x20 || first === 0x09) {
      // A continuation line: its end of line and its blanks are one space (§7.3.1).
      const more = trimmed(written);
      if (value === '' || more === '') value += more;
      else value += ` ${more}`;
      if (fields.length > 0) fields[fields.length - 1] = [name, value];
      else fault ??= { status: 400, reason: 'Malformed Header Field' };
    } else {
      const colon = written.indexOf(':');
      name = trimmed(written.slice(0, Math.max(colon, 0)));
      value = trimmed(written.slice(colon + 1));
      if (fields.length === limits.fields) {
        fault ??= { status: 400, reason: 'Too Many Header Fields' };
        break;
      }
      if (!isToken(name)) {
        fault ??= { status: 400, reason: 'Malformed Header Field' };
        // Its continuation lines are part of what cannot be read.
        name = unreadable;
        value = '';
      } else name = nameOf(name);
      fields.push([name, value]);
    }
    if (value.length > limits.field) {
      fault ??= { status: 400, reason: 'Header Field Too Long' };
      fields.pop();
      break;
    }
  }
  // NUL may stand in a quoted string behind a backslash, nowhere else (§25.1).
  if (text.includes('\0') && /(?:^|[^\\])\0/.test(text)) fault ??= { status: 400, reason: 'NUL in Header' };
  const headers = Headers.of(fault === undefined ? fields : fields.filter(([field]) => field !== unreadable));
  return { start, headers, fault, isTorn };
}

/** No name of a field. */
const unreadable = ':';

/** Spaces and tabs cut at both ends, and no other characters, which belong to the text. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const requestLine = /^([-.!%*_+`'~0-9A-Za-z]+) ([^\s<>"\0]+) SIP\/2\.0$/i;
const statusLine = /^SIP\/2\.0 ([1-6][0-9]{2})(?: ([^]*))?$/i;

function readStart(
  line: string,
  limits: Limits,
  before: Fault | undefined,
): { start: Head['start']; fault: Fault | undefined } {
  const tooLong =
    line.length > limits.startLine ? { status: 414, reason: 'Request-URI Too Long' } : undefined;
  const fault = before ?? tooLong;
  const request = requestLine.exec(line);
  if (request !== null) {
    return { start: { type: 'request', method: request[1] ?? '', uri: request[2] ?? '' }, fault };
  }
  const status = statusLine.exec(line);
  if (status !== null) {
    return { start: { type: 'response', status: Number(status[1]), reason: status[2] ?? '' }, fault };
  }
  return readWrongStart(line, fault);
}

/** What was meant as a request is read so far that it can be answered. */
function readWrongStart(
  line: string,
  before: Fault | undefined,
): { start: Head['start']; fault: Fault | undefined } {
  const malformed = before ?? { status: 400, reason: 'Malformed Start Line' };
  const space = line.indexOf(' ');
  const versionAt = line.toUpperCase().lastIndexOf(' SIP/');
  const method = line.slice(0, Math.max(space, 0));
  if (versionAt <= space || !isToken(method)) return { start: undefined, fault: malformed };
  const uri = line.slice(space + 1, versionAt);
  const version = line.slice(versionAt + ' SIP/'.length);
  const isOther = /^[0-9]+\.[0-9]+$/.test(version) && version !== '2.0';
  return {
    start: { type: 'request', method, uri },
    fault: isOther ? (before ?? { status: 505, reason: 'Version Not Supported' }) : malformed,
  };
}
