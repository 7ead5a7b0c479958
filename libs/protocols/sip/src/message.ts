/*
 * A SIP message as it is held: the start line, the header fields in their order as text, the body as bytes (RFC 3261 §7).
 * What a field says is read by whoever needs it, so that a message that is only passed on costs little.
 */
import { Headers } from './message-headers.js';

export interface SipRequest {
  readonly type: 'request';
  /** As written: methods are case-sensitive. */
  readonly method: string;
  /** The Request-URI, as written. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface SipResponse {
  readonly type: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

const nothing = Buffer.alloc(0);

/** A request with its header fields in the order given; a field may have several values. */
export function requestOf(
  method: string,
  uri: string,
  headers: Headers | Readonly<Record<string, string | readonly string[]>>,
  body: Buffer | string = nothing,
): SipRequest {
  return { type: 'request', method, uri, headers: Headers.from(headers), body: bytesOf(body) };
}

/** A response with its header fields in the order given. */
export function responseOf(
  status: number,
  reason: string,
  headers: Headers | Readonly<Record<string, string | readonly string[]>>,
  body: Buffer | string = nothing,
): SipResponse {
  return { type: 'response', status, reason, headers: Headers.from(headers), body: bytesOf(body) };
}

function bytesOf(body: Buffer | string): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body;
}
