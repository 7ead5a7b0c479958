/*
 * Where requests go: the servers of a domain by DNS (RFC 3263), or the one that the settings name. Every host is judged by
 * the house before anything is sent to it (DESIGN.md, law 9).
 */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import type { SessionContext } from '#connector';
import { distrust, tlsOptions, type TlsSettings } from '#connector/session';
import { failure, type Failure } from '#model';
import {
  dnsLookups,
  locate,
  parseUri,
  type Hop,
  type HopTls,
  type SipUri,
  type Target,
} from '#protocols/sip';
import type { TransportChoice } from './sip.settings.js';

/** Of the places that DNS names, so many are tried in one go. */
const mostPlaces = 6;

export type Way =
  | { readonly way: 'hops'; readonly hops: readonly Hop[] }
  | { readonly way: 'none'; readonly failure: Failure }
  /** The session was closed meanwhile. */
  | { readonly way: 'closed' };

export interface WayOptions {
  readonly context: SessionContext;
  readonly tls: Omit<TlsSettings, 'host'>;
  /** Milliseconds for DNS. */
  readonly findMs: number;
  /** Hears why a certificate was not trusted. */
  readonly distrusted?: (why: Failure) => void;
  /** The name that certificates must be for, where the place is only known by an address. */
  readonly domain?: string;
}

/** The URI of a server, for `wayTo`. */
export function serverUri(host: string, port: number | undefined, transport: TransportChoice): SipUri {
  return {
    scheme: 'sip',
    host: host.toLowerCase(),
    ...(port !== undefined && { port }),
    params: new Map(transport === 'auto' ? [] : [['transport', transport]]),
    headers: [],
  };
}

/** The places that serve a URI, in their order, as far as the house lets us connect there. Never rejects. */
export async function wayTo(uri: SipUri, options: WayOptions): Promise<Way> {
  const { context, findMs } = options;
  let targets: readonly Target[];
  try {
    targets = await locate(uri, dnsLookups({ timeoutMs: findMs }), { random: () => context.random() });
  } catch {
    return { way: 'none', failure: failure('network-unreachable', 'Names cannot be resolved now.') };
  }
  let why = failure('not-found', 'The domain says that it has no SIP service.', 'ask-person');
  const hops: Hop[] = [];
  for (const target of targets.slice(0, mostPlaces)) {
    const turn = await context.turn({ host: target.host, port: target.port });
    if (turn.turn === 'closed') return { way: 'closed' };
    if (turn.turn === 'refused') {
      why = turn.failure;
      continue;
    }
    const tls = target.transport === 'tls' ? hopTls(target, options) : undefined;
    if (tls !== undefined && 'code' in tls) return { way: 'none', failure: tls };
    for (const address of turn.addresses) {
      hops.push({
        transport: target.transport,
        address,
        port: target.port,
        ...(tls !== undefined && { tls }),
      });
    }
  }
  return hops.length === 0 ? { way: 'none', failure: why } : { way: 'hops', hops };
}

/** The same for the URI of a dialog or route, as text. */
export async function wayToText(uri: string, options: WayOptions): Promise<Way> {
  const read = parseUri(uri);
  if (read === undefined || !/^sips?$/.test(read.scheme)) {
    return { way: 'none', failure: failure('unsupported', 'There is no way to an address of that kind.') };
  }
  return wayTo(read, options);
}

/** A certificate must be for the domain that was asked for, not for what DNS made of it (RFC 5922 §7.1). */
function hopTls(target: Target, { tls, domain, distrusted }: WayOptions): HopTls | Failure {
  const host = isIP(target.domain) !== 0 && domain !== undefined ? domain : target.domain;
  const settings = { ...tls, host };
  const options = tlsOptions(settings);
  if ('code' in options) return options;
  const judge = (socket: TLSSocket): string | undefined => {
    const why = distrust(socket, settings);
    if (why !== undefined) distrusted?.(why);
    return why?.detail;
  };
  return { key: keyOf(settings), options, judge };
}

/** Connections are shared by those who trust alike and show the same. */
function keyOf(settings: TlsSettings): string {
  const { host, caCertificate, certificateFingerprint, clientCertificate, clientKey } = settings;
  const parts = [host, caCertificate, certificateFingerprint, clientCertificate, clientKey];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
