import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { Injectable } from '@nestjs/common';
import type { Target } from '#connector';
import { Config } from '#platform';
import { canonical, reachOf } from './reach.js';

/** Why a target is refused. `inward` and `reserved` for everybody, `private` without an admin's leave. */
export type TargetRefusal = 'inward' | 'reserved' | 'private';

/** A host that no link may be turned to (DESIGN.md, law 9); the message is a sentence for the person. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';

  constructor(
    readonly reason: TargetRefusal,
    readonly target: Target,
  ) {
    const where = `${target.host}:${String(target.port)}`;
    super(
      reason === 'inward'
        ? `The address ${where} leads back into Parley itself; no account may connect there.`
        : reason === 'reserved'
          ? `The address ${where} is link-local, multicast or unspecified; no account may connect there.`
          : `The address ${where} is in a private network or on this machine; only an admin (a token: with the scope admin) may add it.`,
    );
  }
}

/** A host whose addresses could not be found, now; the message is a sentence for the person. */
export class TargetUnresolved extends Error {
  override readonly name = 'TargetUnresolved';

  constructor(
    readonly target: Target,
    cause: unknown,
  ) {
    super(`The host ${target.host} could not be found.`, { cause });
  }
}

/** Finds a host's addresses; another one is given in tests. */
export abstract class Resolver {
  /** @throws when there are none. */
  abstract addressesOf(host: string): Promise<readonly string[]>;
}

/** What the machine itself would connect to: hosts file, search domains, and odd spellings such as 2130706433. */
@Injectable()
export class SystemResolver extends Resolver {
  async addressesOf(host: string): Promise<readonly string[]> {
    const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
    const found = await lookup(bare, { all: true });
    return found.map(({ address }) => address);
  }
}

export interface CheckedTarget {
  /** Connect to one of these, not to the name: a second look-up might answer something else. */
  readonly addresses: readonly string[];
  /** Whether any of them needed an admin's leave. */
  readonly private: boolean;
}

const patienceMs = 5_000;

/**
 * Keeps accounts from being turned inward (DESIGN.md, law 9). Judged by the addresses that a host resolves to, when a
 * link is made or changed and again at every connect, for a name's owner may point it elsewhere meanwhile.
 */
@Injectable()
export class TargetGuard {
  constructor(
    private readonly config: Config,
    private readonly resolver: Resolver,
  ) {}

  /**
   * @throws TargetRefused when any address of the host is refused: one good address does not excuse a bad one.
   * @throws TargetUnresolved when the host has no address, or none was found within 5 s.
   */
  async check(target: Target, leave: { readonly allowPrivate: boolean }): Promise<CheckedTarget> {
    const addresses = await this.resolve(target);
    const reaches = addresses.map(reachOf);
    if (reaches.includes('never')) throw new TargetRefused('reserved', target);
    if (await this.isInward(addresses, target.port)) throw new TargetRefused('inward', target);
    const isPrivate = reaches.includes('private');
    if (isPrivate && !leave.allowPrivate) throw new TargetRefused('private', target);
    return { addresses, private: isPrivate };
  }

  /** Whether one of these addresses is, at this port, an engine or a door of ours. */
  private async isInward(addresses: readonly string[], port: number): Promise<boolean> {
    const own = await this.ownAddressesAt(port);
    if (addresses.some((address) => own.has(canonical(address)))) return true;
    const here = (this.config.port !== 0 && port === this.config.port) || [...own].some(isThisMachine);
    return here && addresses.some(isThisMachine);
  }

  private async resolve(target: Target): Promise<readonly string[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(fail, patienceMs, new Error('no answer from the name service in 5 s'));
    });
    try {
      const addresses = await Promise.race([this.resolver.addressesOf(target.host), late]);
      if (addresses.length === 0) throw new Error('no addresses');
      return addresses;
    } catch (cause) {
      throw new TargetUnresolved(target, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The addresses of our engines and of our public door that answer at this port. */
  private async ownAddressesAt(port: number): Promise<ReadonlySet<string>> {
    const hosts = ownEndpoints(this.config).filter((endpoint) => endpoint.port === port);
    const found = await Promise.all(
      hosts.map(({ host }) =>
        this.resolve({ host, port }).catch((error: unknown) => {
          // A name of ours that cannot be found cannot be reached through a link either.
          if (error instanceof TargetUnresolved) return [];
          throw error;
        }),
      ),
    );
    return new Set(
      found.flat().flatMap((address) => (reachOf(address) === 'never' ? [] : [canonical(address)])),
    );
  }
}

/** The engines and the public door of this installation. A socket path is no target. */
export function ownEndpoints(config: Config): readonly Target[] {
  const ports: Readonly<Record<string, number>> = {
    'postgres:': 5432,
    'postgresql:': 5432,
    'redis:': 6379,
    'rediss:': 6379,
    'http:': 80,
    'https:': 443,
  };
  return [config.databaseUrl, config.redisUrl, config.publicUrl?.href].flatMap((text) => {
    if (text === undefined || !URL.canParse(text)) return [];
    const url = new URL(text);
    const host = url.hostname || (url.searchParams.get('host') ?? '');
    if (host === '' || host.startsWith('/')) return [];
    return [{ host, port: Number(url.port) || (ports[url.protocol] ?? 0) }];
  });
}

/** Loopback, or an address of one of this machine's interfaces. */
function isThisMachine(address: string): boolean {
  const spelled = canonical(address);
  if (spelled === canonical('::1') || spelled.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    (addresses ?? []).some((own) => canonical(own.address) === spelled),
  );
}
