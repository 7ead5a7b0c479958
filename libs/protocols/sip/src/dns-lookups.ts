import { Resolver } from 'node:dns/promises';
import type { Lookups } from './locate.js';

/** What the DNS says when there is no such name, or no such record. */
const nothing = new Set(['ENOTFOUND', 'ENODATA']);

/** Lookups by the system's resolvers, or by those that are given. */
export function dnsLookups({
  servers,
  timeoutMs = 3_000,
}: {
  /** Addresses, with ports where they are not 53. */
  readonly servers?: readonly string[];
  /** For each try; there are two. */
  readonly timeoutMs?: number;
} = {}): Lookups {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    naptr: (domain) => orNothing(resolver.resolveNaptr(domain)),
    srv: (name) => orNothing(resolver.resolveSrv(name)),
  };
}

async function orNothing<T>(records: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await records;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && nothing.has(code)) return [];
    throw error;
  }
}
