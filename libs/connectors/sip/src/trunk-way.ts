/*
 * The way of an account on a trunk: to the peer that reaches whom something is for, and to nobody else; within a dialog it
 * goes where that says, if that is a place of the peer's, else to the peer.
 */
import type { InboundParty, SessionContext } from '#connector';
import type { AccountId } from '#model';
import { Headers, parseNameAddr, type Flow, type Hop, type Incoming, type SipRequest } from '#protocols/sip';
import { contactName } from './pool.js';
import { wayToText } from './server-way.js';
import { addressOf, uriOf } from './sip.addresses.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';
import type { TrunkLink, Up } from './trunk-link.js';
import type { Peer } from './trunk-peers.js';
import type { TrunkSettings } from './trunk.settings.js';
import type { Places, RequestWay, Ways } from './way-line.js';

export interface TrunkWayOptions {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly settings: SipSettings;
  readonly trunk: TrunkSettings;
  readonly timings: SipTimings;
  readonly link: TrunkLink;
  /** Our own address. */
  readonly self: string;
  /** Whom a request of somebody's is from, as its peer vouches. */
  readonly authorOf: (incoming: Incoming) => InboundParty | undefined;
}

export class TrunkWay implements Ways {
  readonly #options: TrunkWayOptions;
  readonly displayName = undefined;

  constructor(options: TrunkWayOptions) {
    this.#options = options;
  }

  get self(): string {
    return this.#options.self;
  }

  contact(flow: Flow): string {
    const { link, trunk, account } = this.#options;
    const listening = link.up?.listening.find(({ transport }) => transport === flow.transport);
    const { publicHost } = trunk;
    const bound =
      listening === undefined || isEverywhere(listening.host) ? flow.local.address : listening.host;
    const seen = publicHost ?? bound;
    const host = seen.includes(':') ? `[${seen}]` : seen;
    const how = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`;
    return `sip:${contactName(account)}@${host}:${String(listening?.port ?? flow.local.port)}${how}`;
  }

  authorOf(incoming: Incoming): InboundParty | undefined {
    return this.#options.authorOf(incoming);
  }

  async way(request: SipRequest, hop?: string): Promise<RequestWay | undefined> {
    const { link, self } = this.#options;
    const { up } = link;
    const peer = up && peerToward(up, request);
    if (up === undefined || peer === undefined) return undefined;
    const ways = await link.wayOf(peer);
    if ('code' in ways) return undefined;
    const within = hop === undefined ? [] : await this.#within(hop, peer, ways);
    // Whoever names a place that is not its own is told itself, and passes it on if it will.
    const hops = within.length === 0 ? ways : within;
    return { stack: up.stack, hops, request: asserted(request, peer, self), credentials: peer.credentials };
  }

  async places(uri: string): Promise<Places | undefined> {
    const { link } = this.#options;
    const { up } = link;
    if (up === undefined) return undefined;
    for (const peer of up.peers.all) {
      const ways = await link.wayOf(peer);
      const hops = await this.#within(uri, peer, 'code' in ways ? [] : ways);
      if (hops.length > 0) return { stack: up.stack, hops };
    }
    return undefined;
  }

  /** The places that a URI of a dialog leads to, as far as they are the peer's: it does not send us to others. */
  async #within(uri: string, peer: Peer, ways: readonly Hop[]): Promise<readonly Hop[]> {
    const { context, settings, timings, link } = this.#options;
    const way = await wayToText(uri, { context, tls: settings, findMs: timings.find });
    if (way.way !== 'hops') return [];
    const isTheirs = ({ address }: Hop): boolean =>
      ways.some((known) => known.address === address) || link.up?.peers.isAt(peer, address) === true;
    // The connection and the port that the peer knows us by, where it is the peer itself.
    const same = (one: Hop, other: Hop): boolean =>
      one.transport === other.transport && one.address === other.address && one.port === other.port;
    return way.hops.filter(isTheirs).map((one) => ways.find((known) => same(known, one)) ?? one);
  }
}

/** Whether an address to listen on stands for all of the machine's. */
export function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function peerToward(up: Up, request: SipRequest): Peer | undefined {
  const uri = parseNameAddr(request.headers.get('to') ?? '')?.uri;
  const address = uri === undefined ? undefined : addressOf(uri);
  return address === undefined ? undefined : up.peers.toward(address);
}

/** Tells a peer that believes us who is speaking (RFC 3325 §9.1). */
function asserted(request: SipRequest, { settings }: Peer, self: string): SipRequest {
  if (!settings.believesIdentity) return request;
  return {
    ...request,
    headers: Headers.from(request.headers).set('p-asserted-identity', `<${uriOf(self)}>`),
  };
}
