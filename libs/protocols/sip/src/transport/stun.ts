/* As much of STUN (RFC 5389) as keepalives on UDP need (RFC 5626 §4.4.2, §8): binding requests and their answers. */
import { isIPv4 } from 'node:net';
import { withoutZone } from './addresses.js';
import type { Place } from './flow.js';

const magic = 0x2112a442;
const headerLength = 20;
const request = 0x0001;
const success = 0x0101;
const xorMappedAddress = 0x0020;

interface Stun {
  readonly isRequest: boolean;
  /** Twelve octets, as hexadecimal digits. */
  readonly id: string;
  /** Where the other side sees us: port and address, as hexadecimal digits. */
  readonly mapped?: string;
}

/** Whether a datagram is STUN and not SIP: nothing of SIP begins with such an octet. */
export function isStun(bytes: Buffer): boolean {
  return bytes.length >= headerLength && (bytes[0] ?? 0xff) < 4 && bytes.readUInt32BE(4) === magic;
}

/** @param id twelve octets. */
export function stunRequest(id: Buffer): Buffer {
  return packet(request, id, Buffer.alloc(0));
}

/** The answer to a binding request: where it came from (§15.2). */
export function stunAnswer(id: string, { address, port }: Place): Buffer {
  const idOctets = Buffer.from(id, 'hex');
  const octets = octetsOf(address);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(xorMappedAddress, 0);
  head.writeUInt16BE(4 + octets.length, 2);
  head.writeUInt16BE(octets.length === 4 ? 1 : 2, 4);
  head.writeUInt16BE(port ^ (magic >>> 16), 6);
  return packet(success, idOctets, Buffer.concat([head, masked(octets, idOctets)]));
}

/** What a datagram says for which `isStun` holds; nothing where it is neither a binding request nor a good answer. */
export function readStun(bytes: Buffer): Stun | undefined {
  const type = bytes.readUInt16BE(0);
  if (type !== request && type !== success) return undefined;
  const idOctets = bytes.subarray(8, headerLength);
  const id = idOctets.toString('hex');
  if (type === request) return { isRequest: true, id };
  for (let at = headerLength; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    const value = bytes.subarray(at + 4, at + 4 + length);
    if (bytes.readUInt16BE(at) === xorMappedAddress && (value.length === 8 || value.length === 20)) {
      const port = (value.readUInt16BE(2) ^ (magic >>> 16)).toString(16).padStart(4, '0');
      const mapped = port + masked(value.subarray(4), idOctets).toString('hex');
      return { isRequest: false, id, mapped };
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return { isRequest: false, id };
}

function packet(type: number, id: Buffer, attributes: Buffer): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(attributes.length, 2);
  header.writeUInt32BE(magic, 4);
  id.copy(header, 8, 0, 12);
  return Buffer.concat([header, attributes]);
}

/** An address mixed with the cookie and, where it is longer, with the id; mixed again, it is itself. */
function masked(octets: Buffer, id: Buffer): Buffer {
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(magic, 0);
  id.copy(mask, 4, 0, 12);
  return Buffer.from(octets.map((octet, at) => octet ^ (mask[at] ?? 0)));
}

function octetsOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [before = '', after] = withoutZone(address).split('::');
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':');
  const [left, right] = [groups(before), groups(after)];
  const zeros = Array.from({ length: Math.max(8 - left.length - right.length, 0) }, () => '0');
  const hex = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('');
  return Buffer.from(hex, 'hex');
}
