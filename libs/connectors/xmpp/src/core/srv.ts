/*
 * Where the servers of a domain are: what DNS says of its services for clients (RFC 6120 §3.2.1, RFC 2782), those with
 * TLS from the first byte among the others (XEP-0368). DNS decides whom we speak to, never whom we trust: the certificate
 * must be the domain's.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { SessionClock } from '#connector';
import type { ServerTarget } from './stream.js';

const usualPort = 5_222;
/** A domain with more places than that is not served better by them. */
const mostRecords = 30;

/** One answer of DNS (RFC 2782). Nothing in it has been believed yet. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Asks DNS; rejects where there is no answer. `cancel` gives up what is still asked. */
export interface SrvResolver {
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
  cancel(): void;
}

export interface FindOptions {
  readonly clock: SessionClock;
  /** How long DNS may take; without an answer the domain itself is tried. */
  readonly timeoutMs: number;
  /** Uniform in [0, 1): for the weights. */
  readonly random: () => number;
  /** False: places with TLS from the first byte are of no use. */
  readonly encrypted: boolean;
  readonly resolver?: SrvResolver;
}

/**
 * The places to try, in their order; the domain itself, on the usual port, where DNS names none. Never rejects.
 * @param domain of the account, prepared.
 * @returns nothing where the domain says that it has no such service.
 */
export async function findServers(domain: string, options: FindOptions): Promise<readonly ServerTarget[]> {
  const fallback = [{ host: domain, port: usualPort, directTls: false }];
  const name = isIP(domain) === 0 ? domainToASCII(domain) : '';
  if (name === '') return fallback;
  const { clock, timeoutMs, random, encrypted, resolver = new Resolver() } = options;
  const late = clock.after(timeoutMs, () => {
    resolver.cancel();
  });
  const ask = async (service: string): Promise<readonly SrvRecord[]> => {
    try {
      return (await resolver.resolveSrv(`${service}._tcp.${name}`)).slice(0, mostRecords);
    } catch {
      // No such records, or no answer: for us the same.
      return [];
    }
  };
  const [plain, direct] = await Promise.all([ask('_xmpp-client'), encrypted ? ask('_xmpps-client') : []]);
  late();
  if (plain.length === 0 && direct.length === 0) return fallback;
  return inOrder(
    [
      ...plain.map((record) => ({ ...record, directTls: false })),
      ...direct.map((record) => ({ ...record, directTls: true })),
    ].filter(({ name: host, port }) => isHost(host) && port > 0 && port <= 65_535),
    random,
  ).map(({ name: host, port, directTls }) => ({ host: host.replace(/\.$/, ''), port, directTls }));
}

/** The root as a target says that the service is decidedly not there (RFC 2782). */
function isHost(name: string): boolean {
  return name !== '' && name !== '.' && name.length <= 254 && !/[\0-\x20/@]/.test(name);
}

type Weighed = Pick<SrvRecord, 'priority' | 'weight'>;

/** By priority; within one, by chance as the weights want it (RFC 2782). */
function inOrder<R extends Weighed>(records: readonly R[], random: () => number): readonly R[] {
  const ordered: R[] = [];
  const open = records.toSorted((one, other) => one.priority - other.priority || one.weight - other.weight);
  while (open[0] !== undefined) {
    const { priority } = open[0];
    const rivals = open.filter((record) => record.priority === priority);
    const drawn = draw(rivals, random());
    ordered.push(...open.splice(open.indexOf(drawn ?? open[0]), 1));
  }
  return ordered;
}

/** Those of no weight come first in the sum, so that they have a small chance. */
function draw<R extends Weighed>(rivals: readonly R[], chance: number): R | undefined {
  const sum = rivals.reduce((total, { weight }) => total + weight, 0);
  const point = Math.floor(chance * (sum + 1));
  let running = 0;
  return rivals.find(({ weight }) => (running += weight) >= point);
}
