/*
 * A message in one piece: a datagram (RFC 3261 §7, §18.3).
 */
import { answerable, contentLength, messageOf, readHead, type Fault } from './head.js';
import { usualLimits, type Limits } from './limits.js';
import type { SipMessage, SipRequest } from './message.js';

/**
 * What a datagram holds. A fault without a message is not to be answered: a response, or a request that lacks what an
 * answer is made of. The message of a fault has no body and may be wrong anywhere but in its method and in having Via,
 * From, To, Call-ID and CSeq.
 */
export type Parsed =
  | { readonly message: SipMessage; readonly fault?: never }
  | { readonly fault: Fault; readonly message?: SipRequest };

const cr = 0x0d;
const lf = 0x0a;

/** Where the message begins: ends of line before it are passed over (§7.5). */
function startOf(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === lf || (bytes[at] === cr && bytes[at + 1] === lf)) at += bytes[at] === lf ? 1 : 2;
  return at;
}

/**
 * Reads a datagram. Never throws; takes time in proportion to its length, within the limits.
 *
 * A body longer than its Content-Length is cut, a shorter one is a fault (§18.3). Lines may end in LF alone if all of
 * them do: a message that mixes both would be read in two ways by two receivers.
 * @param bytes held by the message's body, so they must not change
 */
export function parseMessage(bytes: Buffer, limits: Limits = usualLimits): Parsed {
  const from = startOf(bytes);
  const firstEnd = bytes.indexOf(lf, from);
  if (firstEnd < 0) return { fault: { status: 400, reason: 'Malformed Start Line' } };
  const eol = bytes[firstEnd - 1] === cr && firstEnd > from ? '\r\n' : '\n';
  const found = bytes.indexOf(eol + eol, firstEnd + 1 - eol.length, 'latin1');
  const to = found < 0 ? bytes.length : found;
  if (to - from > limits.header) return { fault: { status: 513, reason: 'Message Too Large' } };
  const endsLine = found < 0 && bytes[to - 1] === lf;
  const head = readHead(bytes.subarray(from, endsLine ? to - eol.length : to), eol, limits);
  const fault = head.fault ?? (found < 0 ? { status: 400, reason: 'Header Without End' } : undefined);
  const body = bytes.subarray(found < 0 ? to : to + 2 * eol.length);
  const length = contentLength(head.headers);
  const wrong = fault ?? bodyFault(length, body.length, limits);
  if (wrong !== undefined) {
    const message = answerable(head);
    return message === undefined ? { fault: wrong } : { fault: wrong, message };
  }
  const message = messageOf(head, typeof length === 'number' ? body.subarray(0, length) : body);
  return message === undefined ? { fault: { status: 400, reason: 'Malformed Start Line' } } : { message };
}

function bodyFault(
  length: ReturnType<typeof contentLength>,
  present: number,
  limits: Limits,
): Fault | undefined {
  if (length === 'bad') return { status: 400, reason: 'Malformed Content-Length' };
  if (length !== 'none' && length > present)
    return { status: 400, reason: 'Body Shorter Than Content-Length' };
  if ((length === 'none' ? present : length) > limits.body)
    return { status: 513, reason: 'Message Too Large' };
  return undefined;
}
