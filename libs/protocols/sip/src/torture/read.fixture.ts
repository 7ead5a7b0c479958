import type { SipMessage, SipRequest, SipResponse } from '../message.js';
import { parseMessage } from '../parse.js';
import { tortures } from './tortures.fixture.js';

/** The messages of RFC 4475. */
export const old = tortures('rfc4475.txt');
/** The messages of RFC 5118. */
export const ipv6 = tortures('rfc5118.txt');

export function bytesOf(name: string): Buffer {
  const bytes = old.get(name) ?? ipv6.get(name);
  if (bytes === undefined) throw new Error(`no message ${name}`);
  return bytes;
}

export function messageIn(bytes: Buffer): SipMessage {
  const { message, fault } = parseMessage(bytes);
  if (fault !== undefined) throw new Error(`refused: ${fault.reason}`);
  return message;
}

export function requestIn(name: string): SipRequest {
  const message = messageIn(bytesOf(name));
  if (message.type !== 'request') throw new Error(`${name} is a response`);
  return message;
}

export function responseIn(name: string): SipResponse {
  const message = messageIn(bytesOf(name));
  if (message.type !== 'response') throw new Error(`${name} is a request`);
  return message;
}
