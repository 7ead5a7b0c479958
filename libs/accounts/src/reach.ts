import ipaddr from 'ipaddr.js';

/**
 * How far an address reaches. `public`: the open internet. `private`: this machine, this site, or a range that nobody
 * routes; an admin may allow it. `never`: link-local (cloud metadata lives there), multicast, broadcast and
 * "this host"; nobody may allow it.
 */
export type Reach = 'public' | 'private' | 'never';

/**
 * The reach of a resolved address (RFC 6890 and the IANA special-purpose registries). An IPv4 address inside an IPv6
 * one is judged as what it is: mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), NAT64 (RFC 6052), 6to4 (RFC 3056).
 * Whatever is not known to be public is private; a text that is no address is `never`.
 */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return 'never';
  const parsed = innermost(ipaddr.process(address));
  const range: string = parsed.range();
  return range === 'unicast' ? 'public' : forbidden.has(range) ? 'never' : 'private';
}

const forbidden: ReadonlySet<string> = new Set(['unspecified', 'linkLocal', 'multicast', 'broadcast']);

/** One spelling per address, so that two can be compared. */
export function canonical(address: string): string {
  return innermost(ipaddr.process(address)).toNormalizedString();
}

function innermost(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  const bytes = address.toByteArray();
  const range: string = address.range();
  if (range === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6));
  // ::a.b.c.d, but neither :: nor ::1, which have ranges of their own.
  const compatible = range === 'unicast' && bytes.slice(0, 12).every((byte) => byte === 0);
  // Of NAT64 only the well-known /96: in a longer prefix the four bytes stand elsewhere, and such an address is private.
  const wellKnown = range === 'rfc6052' && bytes.slice(4, 12).every((byte) => byte === 0);
  return compatible || wellKnown || carriers.has(range) ? new ipaddr.IPv4(bytes.slice(12)) : address;
}

/** Ranges whose last four bytes are an IPv4 address. */
const carriers: ReadonlySet<string> = new Set(['ipv4Mapped', 'rfc6145']);
