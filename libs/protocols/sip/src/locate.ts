/* Where a URI leads (RFC 3263 §4.1, §4.2): transport, host and port, in the order in which they are to be tried. */
import { isIP } from 'node:net';
import type { Transport } from './transport/flow.js';
import type { SipUri } from './uri.js';

export interface Naptr {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

export interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** `.`: the service is not to be had there. */
  readonly name: string;
}

/** What the DNS says: nothing where there is nothing; they reject where nobody can say. */
export interface Lookups {
  naptr(domain: string): Promise<readonly Naptr[]>;
  srv(name: string): Promise<readonly Srv[]>;
}

/** A host to be tried: its addresses are the next question. */
export interface Target {
  readonly transport: Transport;
  /** A name, or a numeric address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The domain that was asked for: what a certificate must be for (RFC 5922). */
  readonly domain: string;
}

export interface LocateOptions {
  /** What we speak, the best first, which counts where the DNS has no wish; TLS, TCP, UDP. */
  readonly transports?: readonly Transport[];
  /** From 0 up to 1: chooses among equals by their weights. */
  readonly random?: () => number;
}

/** Records followed at most, and targets given: a domain may have as many as it likes. */
const most = 32;
const services: Readonly<Record<string, Transport>> = {
  'sips+d2t': 'tls',
  'sip+d2t': 'tcp',
  'sip+d2u': 'udp',
};
const srvPrefixes: Readonly<Record<Transport, string>> = {
  tls: '_sips._tcp.',
  tcp: '_sip._tcp.',
  udp: '_sip._udp.',
};

/**
 * The places of a SIP or SIPS URI, in the order in which they are to be tried.
 * @returns none where it can be reached by nothing that we speak.
 * @throws what the lookups reject with, where nobody can say which servers there are.
 */
export async function locate(
  uri: SipUri,
  lookups: Lookups,
  { transports = ['tls', 'tcp', 'udp'], random = Math.random }: LocateOptions = {},
): Promise<readonly Target[]> {
  const isSecure = uri.scheme === 'sips';
  const ours = isSecure ? transports.filter((transport) => transport === 'tls') : transports;
  const maddr = uri.params.get('maddr');
  const host = typeof maddr === 'string' ? maddr.replace(/^\[|\]$/g, '') : uri.host;
  const domain = uri.host;
  const wish = wishOf(uri, isSecure);
  if (wish === 'unknown' || (wish !== undefined && !ours.includes(wish))) return [];
  const isPlain = isIP(host) !== 0 || uri.port !== undefined;
  if (isPlain) {
    const transport = wish ?? usualOf(ours);
    return transport === undefined
      ? []
      : [{ transport, host, port: uri.port ?? usualPort(transport), domain }];
  }
  const names =
    wish === undefined
      ? await servicesOf(host, lookups, ours)
      : [{ transport: wish, name: `${srvPrefixes[wish]}${host}` }];
  const found = await Promise.allSettled(names.map(({ name }) => lookups.srv(name)));
  const targets = names.flatMap(({ transport }, at) => {
    const answer = found[at];
    const records = answer?.status === 'fulfilled' ? answer.value : [];
    return byPriority(records, random)
      .filter(({ name }) => name !== '.' && name !== '')
      .map(({ name, port }) => ({ transport, host: name.replace(/\.$/, ''), port, domain }));
  });
  if (targets.length > 0) return targets.slice(0, most);
  const denied = found.some((one) => one.status === 'fulfilled' && one.value.length > 0);
  if (denied) return [];
  // Who cannot say which servers there are must not be taken for one who has none: the host itself may be a web server.
  const failed = found.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const transport = wish ?? usualOf(ours);
  return transport === undefined ? [] : [{ transport, host, port: usualPort(transport), domain }];
}

/** Where nobody says which transport: UDP, which all have to speak; with SIPS it is TLS (§4.1). */
function usualOf(ours: readonly Transport[]): Transport | undefined {
  return (['udp', 'tcp', 'tls'] as const).find((transport) => ours.includes(transport));
}

/** 5061 for TLS, else 5060 (RFC 3261 §19.1.2). */
export function usualPort(transport: Transport): number {
  return transport === 'tls' ? 5_061 : 5_060;
}

/** The transport that the URI names. */
function wishOf(uri: SipUri, isSecure: boolean): Transport | 'unknown' | undefined {
  const param = uri.params.get('transport');
  if (param === undefined) return undefined;
  const name = param === true ? '' : param.toLowerCase();
  if (name === 'tls' || (name === 'tcp' && isSecure)) return 'tls';
  if (isSecure) return 'unknown';
  return name === 'tcp' || name === 'udp' ? name : 'unknown';
}

/** What NAPTR says of a domain; where it says nothing that we can use, each of ours is asked for (§4.1). */
async function servicesOf(
  domain: string,
  lookups: Lookups,
  ours: readonly Transport[],
): Promise<readonly { readonly transport: Transport; readonly name: string }[]> {
  // Resolvers that cannot do NAPTR are many; SRV answers for them.
  const records = await lookups.naptr(domain).catch(() => []);
  const named = records
    .toSorted((one, other) => one.order - other.order || one.preference - other.preference)
    .flatMap(({ flags, service, replacement }) => {
      const transport = services[service.toLowerCase()];
      if (transport === undefined || flags.toLowerCase() !== 's' || !ours.includes(transport)) return [];
      return [{ transport, name: replacement.replace(/\.$/, '') }];
    })
    .slice(0, most);
  if (named.length > 0) return named;
  return ours.map((transport) => ({ transport, name: `${srvPrefixes[transport]}${domain}` }));
}

/** The order of RFC 2782: by priority, and among equals by chance, as their weights say. */
function byPriority(records: readonly Srv[], random: () => number): readonly Srv[] {
  const ordered: Srv[] = [];
  for (const priority of [...new Set(records.map((one) => one.priority))].sort((a, b) => a - b)) {
    // Those of weight 0 first, so that they have a chance at all.
    const left = records
      .filter((one) => one.priority === priority)
      .sort((a, b) => a.weight - b.weight)
      .slice(0, most);
    while (left.length > 0) {
      const sum = left.reduce((all, { weight }) => all + weight, 0);
      const mark = Math.floor(random() * (sum + 1));
      let running = 0;
      const at = left.findIndex(({ weight }) => (running += weight) >= mark);
      ordered.push(...left.splice(Math.max(at, 0), 1));
    }
  }
  return ordered;
}
