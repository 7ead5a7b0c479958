import { isIPv6 } from 'node:net';
import type { ServerTarget } from './stream.js';

const usualPort = 5_222;

/**
 * Where a server sends us (RFC 6120 §4.9.3.19): a name or an address, with a port or without. Undefined where it names no
 * place. Whoever follows checks the certificate for the account's domain as before.
 */
export function seenElsewhere(text: string): ServerTarget | undefined {
  const place = text.trim();
  const [, six, name, digits] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([^\s:/@[\]]{1,253}))(?::(\d{1,5}))?$/.exec(place) ?? [];
  // An address of version 6 without brackets is against the rule, and clear.
  const host = six ?? name ?? (isIPv6(place) ? place : undefined);
  const port = digits === undefined ? usualPort : Number(digits);
  if (host === undefined || (six !== undefined && !isIPv6(six))) return undefined;
  return port < 1 || port > 65_535 ? undefined : { host, port, directTls: false };
}
