/* What of a Request-URI or Route is a trunk's own: its domains, and the places where it is reached. */
import { isIP } from 'node:net';
import { parseNameAddr, parseUri, type SipRequest } from '#protocols/sip';
import { isEverywhere } from './trunk-way.js';
import type { TrunkSettings } from './trunk.settings.js';

/** Whether a host is ours: a domain of ours, or a place where we listen, which is what our Contacts say. */
export function isOurs({ domains, publicHost, listen }: TrunkSettings, host: string): boolean {
  if (domains.includes(host) || publicHost?.toLowerCase() === host) return true;
  return listen.some((one) => one.host === host || isEverywhere(one.host));
}

/** Whether routes of a request lead on from us: it is meant for somebody else. */
export function isRelayed(trunk: TrunkSettings, { headers }: SipRequest): boolean {
  return headers.list('route').some((value) => {
    const uri = parseNameAddr(value)?.uri;
    const host = uri === undefined ? undefined : parseUri(uri)?.host;
    return host === undefined || !isOurs(trunk, host);
  });
}

/**
 * The addresses that somebody may have who is named at a place of ours and not under a domain: servers that call a trunk by
 * where it is reached write that for its domain.
 * @param host of a URI that is ours.
 */
export function addressesAt(trunk: TrunkSettings, user: string, host: string): readonly string[] {
  const { domains, publicHost, listen } = trunk;
  if (domains.includes(host)) return [];
  // Who listens everywhere has all addresses of the machine, and no names.
  const isPlace =
    publicHost?.toLowerCase() === host ||
    listen.some((one) => one.host === host || (isEverywhere(one.host) && isIP(host) !== 0));
  return isPlace ? domains.map((domain) => `${user}@${domain}`) : [];
}
