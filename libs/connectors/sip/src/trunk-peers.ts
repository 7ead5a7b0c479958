/*
 * The servers that are joined to a trunk: who a request is from, whom a peer may speak for, how much it may say, and which of
 * them reaches somebody. Nobody else is listened to, and nothing is passed on from one to another.
 */
import { BlockList, isIP } from 'node:net';
import type { SessionClock } from '#connector';
import { TokenBucket } from '#connector/session';
import { Challenger, Credentials, parseNameAddr, type Incoming } from '#protocols/sip';
import { addressOf, domainOf } from './sip.addresses.js';
import { Strangers } from './strangers.js';
import type { PeerSettings, TrunkSettings } from './trunk.settings.js';

const realm = 'parley';
/** Where whoever does not want to be known is from (RFC 3323 §4.1.1.3): it never leads anywhere. */
const nobodys = 'anonymous.invalid';
/** A certificate for all hosts of a domain is none for one of them (RFC 5922 §7.2). */
const whole = { wildcards: false };

export interface Peer {
  readonly settings: PeerSettings;
  /** What we sign our requests to it with, where it wants that. */
  readonly credentials: Credentials | undefined;
  /** How much it may say, and how much we say to it. */
  readonly inward: TokenBucket;
  readonly outward: TokenBucket;
}

export type Known =
  | { readonly known: 'peer'; readonly peer: Peer }
  /** It has been answered, or is not worth an answer. */
  | { readonly known: 'nobody' };

export class TrunkPeers {
  readonly #peers: readonly Peer[];
  /** By the name that they sign with. Of two with one name the first is known: neither passes for the other. */
  readonly #signing = new Map<string, { readonly peer: Peer; readonly password: string }>();
  readonly #ranges = new Map<Peer, BlockList>();
  readonly #challenger: Challenger;
  /** Over UDP anybody may write any address: such a flood takes nothing from those whose connection proves theirs. */
  readonly #strangers: Readonly<Record<'datagrams' | 'streams', Strangers>>;
  readonly #domains: ReadonlySet<string>;

  /** @param secrets of the link: `peer:<name>` for each that signs. */
  constructor(trunk: TrunkSettings, secrets: Readonly<Record<string, string>>, clock: SessionClock) {
    const now = (): number => clock.monotonic();
    this.#domains = new Set(trunk.domains);
    this.#strangers = { datagrams: new Strangers(now), streams: new Strangers(now) };
    this.#challenger = new Challenger({
      realm,
      algorithms: trunk.digest === 'strong' ? ['SHA-256'] : ['MD5', 'SHA-256'],
    });
    this.#peers = trunk.peers.map((settings) => {
      const password = secrets[`peer:${settings.name}`];
      const user = settings.user ?? settings.name;
      const peer: Peer = {
        settings,
        credentials: password === undefined ? undefined : new Credentials({ user, password }),
        inward: new TokenBucket(settings.rate, settings.rate, now),
        outward: new TokenBucket(settings.rate, settings.rate, now),
      };
      if (password !== undefined && settings.trust === 'password' && !this.#signing.has(user)) {
        this.#signing.set(user, { peer, password });
      }
      this.#ranges.set(peer, rangesOf(settings.addresses));
      return peer;
    });
  }

  get all(): readonly Peer[] {
    return this.#peers;
  }

  /**
   * Who sent a request, by what cannot be claimed in it. Whoever is nobody has been answered when this returns.
   * @param isWithin whether it belongs to a dialog that stands: who signs is asked once for each, for the tags of a dialog are
   *   known to its two ends alone, and not every notifier can answer a challenge of its NOTIFY.
   */
  know(incoming: Incoming, isWithin: () => boolean): Known {
    const peer =
      this.#byCertificate(incoming) ??
      this.#byAddress(incoming) ??
      this.#byDialog(incoming, isWithin) ??
      this.#byPassword(incoming);
    if (peer === undefined) return { known: 'nobody' };
    if (peer.inward.available() < 1) {
      incoming.respond(503, { headers: { 'retry-after': '1' } });
      return { known: 'nobody' };
    }
    peer.inward.take();
    return { known: 'peer', peer };
  }

  /** Whether a peer may speak for somebody: for those of its domains and for nobody at all, and never for ours. */
  maySpeakFor({ settings }: Peer, address: string): boolean {
    const domain = hostOf(address);
    if (this.#domains.has(domain)) return false;
    if (domain === nobodys) return true;
    return settings.domains.includes(domain) || settings.domains.includes('*');
  }

  /** The peer that reaches somebody; undefined where none does. */
  toward(address: string): Peer | undefined {
    const domain = hostOf(address);
    if (this.#domains.has(domain)) return undefined;
    const reach = (name: string) =>
      this.#peers.find(({ settings }) => settings.host !== undefined && settings.domains.includes(name));
    return reach(domain) ?? reach('*');
  }

  /** Whether an address is one of those that a peer is known to have. */
  isAt(peer: Peer, address: string): boolean {
    return isIn(this.#ranges.get(peer), address);
  }

  /**
   * Whom a request is from: what the peer asserts where it is believed and its sender does not want it shown (RFC 3325
   * §9.1, §9.3), else what From says.
   */
  author(
    { settings }: Peer,
    { request }: Incoming,
  ): { readonly address: string; readonly value: string } | undefined {
    const isPrivate = request.headers.tokens('privacy').some((one) => /^(?:id|user|header)$/i.test(one));
    const asserted =
      settings.believesIdentity && !isPrivate ? request.headers.list('p-asserted-identity') : [];
    for (const value of [...asserted, request.headers.get('from') ?? '']) {
      const uri = parseNameAddr(value)?.uri;
      const address = uri === undefined ? undefined : addressOf(uri);
      if (address !== undefined) return { address, value };
    }
    return undefined;
  }

  #byCertificate({ flow }: Incoming): Peer | undefined {
    const { certificate, isAuthorised } = flow;
    // Anybody can make a certificate with any name: the authority counts.
    if (certificate === undefined || !isAuthorised) return undefined;
    return this.#peers.find(({ settings: { trust, certificateName, host } }) => {
      const name = certificateName ?? host;
      return (
        trust === 'certificate' && name !== undefined && certificate.checkHost(name, whole) !== undefined
      );
    });
  }

  #byAddress({ source }: Incoming): Peer | undefined {
    return this.#peers.find(
      (peer) =>
        peer.settings.trust === 'address' &&
        // Over UDP anybody may write any address: who is known by it over TCP is not known by it there.
        peer.settings.transport === source.transport &&
        isIn(this.#ranges.get(peer), source.address),
    );
  }

  #byDialog({ request }: Incoming, isWithin: () => boolean): Peer | undefined {
    const uri = parseNameAddr(request.headers.get('from') ?? '')?.uri;
    const address = uri === undefined ? undefined : addressOf(uri);
    const peer = address === undefined ? undefined : this.toward(address);
    return peer?.settings.trust === 'password' && isWithin() ? peer : undefined;
  }

  #byPassword(incoming: Incoming): Peer | undefined {
    const verified =
      this.#signing.size > 0
        ? this.#challenger.verify(incoming.request, (user) => this.#signing.get(user))
        : undefined;
    if (verified?.verdict === 'ok') return this.#signing.get(verified.user)?.peer;
    const { transport, address } = incoming.source;
    const strangers = this.#strangers[transport === 'udp' ? 'datagrams' : 'streams'];
    // Nothing is held of them: they would take the room of peers.
    if (!strangers.mayAnswer(address)) incoming.ignore();
    else if (verified === undefined || verified.verdict === 'malformed') incoming.dismiss(403);
    else {
      const challenges = this.#challenger.challenge(verified.verdict === 'stale');
      incoming.dismiss(401, { headers: { 'www-authenticate': challenges } });
    }
    return undefined;
  }
}

/** The host of an address, without its port, and without the dot that a name of DNS may end with: it is the same name. */
export function hostOf(address: string): string {
  return domainOf(address).replace(/\.?(?::\d+)?$/, '');
}

function rangesOf(addresses: readonly string[]): BlockList {
  const ranges = new BlockList();
  for (const one of addresses) {
    const [address = '', bits] = one.split('/');
    const family = isIP(address);
    if (family === 0) continue;
    const name = family === 4 ? 'ipv4' : 'ipv6';
    const most = family === 4 ? 32 : 128;
    if (bits === undefined) ranges.addAddress(address, name);
    else if (Number(bits) <= most) ranges.addSubnet(address, Number(bits), name);
  }
  return ranges;
}

function isIn(ranges: BlockList | undefined, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(plain);
  return family !== 0 && ranges?.check(plain, family === 4 ? 'ipv4' : 'ipv6') === true;
}
