/*
 * What ties a sign-in to the TLS connection that it runs in, so that it is of no use in another (RFC 5929, RFC 9266).
 * Which types a server takes it says itself (XEP-0440). Where it does not, RFC 5802 §6.1 means tls-unique, which TLS 1.3 has
 * not; RFC 9266 §3 would then have tls-exporter, but servers that know it name it, and those that do not (ejabberd 23.01)
 * count each try as a failed sign-in.
 */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** An encrypted connection. */
export interface Secured {
  readonly socket: TLSSocket;
  /** What the server has shown, in DER. */
  readonly certificate: Buffer | undefined;
}

export interface ChannelBinding {
  readonly type: string;
  readonly data: Buffer;
}

/**
 * The best binding that both sides can do; undefined where there is none.
 * @param offered the types that the server names; empty where it names none.
 */
export function channelBinding(
  secured: Secured | undefined,
  offered: readonly string[],
): ChannelBinding | undefined {
  if (secured === undefined) return undefined;
  const modern = secured.socket.getProtocol() === 'TLSv1.3';
  const types = offered.length > 0 ? offered : ['tls-unique'];
  for (const [type, read] of Object.entries(readers)) {
    if (!types.includes(type)) continue;
    const data = read(secured, modern);
    if (data !== undefined) return { type, data };
  }
  return undefined;
}

type Reader = (secured: Secured, modern: boolean) => Buffer | undefined;

/** In the order of our preference. */
const readers: Readonly<Record<string, Reader>> = {
  // Before TLS 1.3 it needs an extension that Node does not tell of (RFC 9266 §4.2).
  'tls-exporter': ({ socket }, modern) =>
    modern ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) : undefined,
  'tls-server-end-point': ({ certificate }) => certificate && endPoint(certificate),
  // The first Finished of the handshake is the client's, for we never resume; in TLS 1.3 there is none (RFC 8446 §C.5).
  'tls-unique': ({ socket }, modern) => (modern ? undefined : socket.getFinished()),
};

/** The last arcs of the names of signature algorithms, and the hash that each is made with; MD5 and SHA-1 count as SHA-256. */
const rsa: Readonly<Record<number, string>> = {
  4: 'sha256',
  5: 'sha256',
  11: 'sha256',
  12: 'sha384',
  13: 'sha512',
};
const ecdsa: Readonly<Record<number, string>> = { 2: 'sha256', 3: 'sha384', 4: 'sha512' };

/**
 * A hash over a certificate (RFC 5929 §4.1): that of its own signature, where it has exactly one.
 * @param certificate DER.
 */
export function endPoint(certificate: Buffer): Buffer | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … } */
function signatureHash(certificate: Buffer): string | undefined {
  const whole = valueAt(certificate, 0);
  const signed = whole && valueAt(certificate, whole.from);
  const algorithm = signed && valueAt(certificate, signed.to);
  const name = algorithm && valueAt(certificate, algorithm.from);
  if (name === undefined) return undefined;
  const oid = certificate.subarray(name.from, name.to).toString('hex');
  const last = Number.parseInt(oid.slice(-2), 16);
  // 1.2.840.113549.1.1 is PKCS #1, 1.2.840.10045.4.3 ECDSA with SHA-2, 1.2.840.10045.4.1 ECDSA with SHA-1.
  if (oid.length === 18 && oid.startsWith('2a864886f70d0101')) return rsa[last];
  if (oid.length === 16 && oid.startsWith('2a8648ce3d0403')) return ecdsa[last];
  return oid === '2a8648ce3d0401' ? 'sha256' : undefined;
}

/** Where the value of a DER element begins and ends. */
function valueAt(bytes: Buffer, at: number): { readonly from: number; readonly to: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { from: at + 2, to: at + 2 + first };
  const digits = first & 0x7f;
  if (digits === 0 || digits > 4 || at + 2 + digits > bytes.length) return undefined;
  const from = at + 2 + digits;
  return { from, to: from + bytes.readUIntBE(at + 2, digits) };
}
