/*
 * Messages as bytes.
 */
import { isToken } from './grammar.js';
import type { SipMessage } from './message.js';

/** Names that are not written with a capital after each hyphen. */
const spellings: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
  'mime-version': 'MIME-Version',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  rack: 'RAck',
  rseq: 'RSeq',
};

const written = new Map<string, string>(Object.entries(spellings));

function spelling(name: string): string {
  const known = written.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) throw new TypeError('a header field needs a name');
  const capital = name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
  // Names come from peers too, as those of fields that are passed on.
  if (written.size < 500) written.set(name, capital);
  return capital;
}

/**
 * Writes a message; its Content-Length is that of its body, whatever it says.
 * @throws TypeError where it would be read as another message than it is: a line end in a value, a NUL that no backslash
 *   escapes, a method or name that is no token, a Request-URI with a space, a status out of 100 to 699
 */
export function buildMessage(message: SipMessage): Buffer {
  let text = startLine(message);
  for (const [name, value] of message.headers) {
    if (name === 'content-length') continue;
    refuseBreaks(value);
    text += `${spelling(name)}: ${value}\r\n`;
  }
  text += `Content-Length: ${String(message.body.length)}\r\n\r\n`;
  return message.body.length === 0 ? Buffer.from(text) : Buffer.concat([Buffer.from(text), message.body]);
}

function startLine(message: SipMessage): string {
  if (message.type === 'request') {
    const { method, uri } = message;
    if (!isToken(method)) throw new TypeError('a method is a token');
    if (!/^[^\s<>"\0]+$/.test(uri)) throw new TypeError('a Request-URI has no spaces, quotes or brackets');
    return `${method} ${uri} SIP/2.0\r\n`;
  }
  const { status, reason } = message;
  if (!Number.isInteger(status) || status < 100 || status > 699)
    throw new TypeError('a status is 100 to 699');
  refuseBreaks(reason);
  return `SIP/2.0 ${String(status)} ${reason}\r\n`;
}

function refuseBreaks(value: string): void {
  if (/[\r\n]|(?:^|[^\\])\0/.test(value)) throw new TypeError('a value has no line end and no NUL');
}
