/*
 * The link of a trunk: what it listens on, and its peers, who are asked again and again whether they are there (OPTIONS, RFC
 * 3261 §11). It is up when it listens and a peer that it writes to answers; all accounts on it come and go with it.
 */
import type { ListenPoint, SessionContext } from '#connector';
import { Timers } from '#connector/session';
import { failure, type Failure } from '#model';
import {
  requestOf,
  SipStack,
  type Answer,
  type Hop,
  type Incoming,
  type Listening,
  type Timers as StackTimers,
} from '#protocols/sip';
import { randomBytes } from 'node:crypto';
import { newTag } from './line.js';
import { expected } from './methods.js';
import { serverUri, wayTo } from './server-way.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';
import { TrunkPeers, type Peer } from './trunk-peers.js';
import type { TrunkSettings } from './trunk.settings.js';

const noPeer = failure('network-unreachable', 'None of the peers answers.');
/** What DNS said of a peer is asked anew after so long. */
const wayLastsMs = 60_000;

export interface TrunkLinkOptions {
  readonly context: SessionContext;
  readonly settings: SipSettings;
  readonly trunk: TrunkSettings;
  readonly timings: SipTimings;
  readonly timers: Partial<StackTimers>;
  readonly onRequest: (incoming: Incoming) => void;
  /** No peer is there any more. */
  readonly lost: (why: Failure) => void;
}

/** What stands while the link is up. */
export interface Up {
  readonly stack: SipStack;
  readonly peers: TrunkPeers;
  readonly listening: readonly Listening[];
}

interface Found {
  readonly hops: readonly Hop[];
  readonly at: number;
}

export class TrunkLink {
  readonly #options: TrunkLinkOptions;
  readonly #timers: Timers;
  readonly #ways = new Map<Peer, Found>();
  readonly #answering = new Set<Peer>();
  #starting: Promise<Up | Failure> | undefined;
  #up: Up | undefined;
  #secrets: Readonly<Record<string, string>> = {};
  #closed = false;

  constructor(options: TrunkLinkOptions) {
    this.#options = options;
    this.#timers = new Timers(options.context.clock);
  }

  get up(): Up | undefined {
    return this.#up;
  }

  /** Brings it up, or tells why it is not; all who ask meanwhile share one try. Never rejects. */
  async begin(): Promise<Up | Failure> {
    if (this.#starting === undefined && this.#up !== undefined) return this.#up;
    this.#starting ??= this.#begin().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** The places of a peer, in their order; or why there is no way to it. */
  async wayOf(peer: Peer): Promise<readonly Hop[] | Failure> {
    const { context, settings, timings } = this.#options;
    const now = context.clock.monotonic();
    const found = this.#ways.get(peer);
    if (found !== undefined && found.at + wayLastsMs > now) return found.hops;
    const { host, port, transport, certificateName } = peer.settings;
    if (host === undefined) return failure('not-found', 'That peer only writes to us.', 'ask-person');
    const { clientKey } = this.#secrets;
    const way = await wayTo(serverUri(host, port, transport), {
      context,
      tls: { ...settings, ...(clientKey !== undefined && { clientKey }) },
      findMs: timings.find,
      domain: certificateName ?? host,
    });
    if (way.way === 'closed') return failure('server-shutdown', 'The link is being closed.');
    if (way.way === 'none') return way.failure;
    // Peers see us where they write to us.
    const hops = way.hops.map((hop) => {
      const from = this.#up?.listening.find((one) => one.transport === hop.transport);
      return from === undefined ? hop : { ...hop, from };
    });
    this.#ways.set(peer, { hops, at: now });
    return hops;
  }

  /** Ends it, in order: what is under way is told that it is over. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#down();
  }

  async #begin(): Promise<Up | Failure> {
    const { context, settings, trunk, timers, onRequest } = this.#options;
    this.#secrets = await context.secrets();
    const { serverKey } = this.#secrets;
    const stack = new SipStack({ userAgent: 'Parley', timers, expected, onRequest });
    const listening: Listening[] = [];
    for (const point of trunk.listen) {
      try {
        const tls = point.transport === 'tls' ? this.#tls(settings, trunk, serverKey) : undefined;
        listening.push(await stack.listen({ ...point, ...(tls !== undefined && { tls }) }));
      } catch (error) {
        await stack.close();
        return listenFailure(point, error);
      }
    }
    if (this.#closed) {
      await stack.close();
      return failure('server-shutdown', 'The link is being closed.');
    }
    const peers = new TrunkPeers(trunk, this.#secrets, context.clock);
    const up = (this.#up = { stack, peers, listening });
    this.#ways.clear();
    this.#answering.clear();
    const asked = peers.all.filter(({ settings: { host } }) => host !== undefined);
    const answers = await Promise.all(asked.map((peer) => this.#probe(up, peer)));
    if (this.#up !== up) return failure('server-shutdown', 'The link is being closed.');
    if (asked.length > 0 && this.#answering.size === 0) {
      await this.#down();
      return whyNone(answers);
    }
    this.#ask(up, asked);
    return up;
  }

  /** Peers are known by certificates of the authority that the settings name; others may come without one. */
  #tls(
    { caCertificate }: SipSettings,
    { serverCertificate, peers }: TrunkSettings,
    key: string | undefined,
  ): object {
    const wantsCertificates = peers.some(({ trust }) => trust === 'certificate');
    return {
      cert: serverCertificate,
      key,
      ...(caCertificate !== undefined && { ca: caCertificate }),
      minVersion: 'TLSv1.2',
      // Who comes without, or with one that nobody vouches for, is let in and is nobody.
      requestCert: wantsCertificates,
      rejectUnauthorized: false,
    };
  }

  /** Asks the peers again and again. */
  #ask(up: Up, asked: readonly Peer[]): void {
    if (asked.length === 0) return;
    const { context, timings } = this.#options;
    this.#timers.set('probe', timings.probe * (0.9 + context.random() * 0.2), () => {
      void Promise.all(asked.map((peer) => this.#probe(up, peer))).then(async (answers) => {
        if (this.#up !== up) return;
        if (this.#answering.size > 0) {
          this.#ask(up, asked);
          return;
        }
        await this.#down();
        this.#options.lost(whyNone(answers));
      });
    });
  }

  /** Whether a peer is there: any answer says so but that it takes nothing, now or from us. Undefined where it is. */
  async #probe(up: Up, peer: Peer): Promise<Failure | undefined> {
    const hops = await this.wayOf(peer);
    const why = 'code' in hops ? hops : await this.#isThere(up, peer, hops);
    if (why === undefined) this.#answering.add(peer);
    else {
      this.#answering.delete(peer);
      this.#ways.delete(peer);
      this.#options.context.log.info({ peer: peer.settings.name, code: why.code }, 'a peer does not answer');
    }
    return why;
  }

  async #isThere(
    up: Up,
    { credentials, settings }: Peer,
    hops: readonly Hop[],
  ): Promise<Failure | undefined> {
    const [domain = 'localhost'] = this.#options.trunk.domains;
    const request = requestOf('OPTIONS', `sip:${bracketed(settings.host ?? '')}`, {
      from: `<sip:${domain}>;tag=${newTag()}`,
      to: `<sip:${bracketed(settings.host ?? '')}>`,
      'call-id': randomBytes(16).toString('hex'),
      cseq: '1 OPTIONS',
    });
    const answer: Answer = await up.stack.request({
      request,
      hops,
      ...(credentials !== undefined && { credentials }),
      failOver: 'always',
      timeoutMs: this.#options.timings.register,
    });
    if (answer.answer === 'none')
      return failure('network-unreachable', `The peer ${settings.name} does not answer.`);
    if (answer.unauthorised !== undefined) {
      return failure('auth-failed', `The peer ${settings.name} does not accept our name and password.`);
    }
    const { status } = answer.response;
    return status === 503 || status === 408
      ? failure('server-shutdown', `The peer ${settings.name} takes nothing now.`)
      : undefined;
  }

  async #down(): Promise<void> {
    const up = this.#up;
    this.#up = undefined;
    this.#timers.clear();
    await up?.stack.close();
  }
}

/** Of the reasons why no peer is there one that may pass by itself, else one that a person has to know of. */
function whyNone(answers: readonly (Failure | undefined)[]): Failure {
  const whys = answers.filter((why) => why !== undefined);
  return whys.find(({ remedy }) => remedy === 'retry') ?? whys[0] ?? noPeer;
}

/** Why a port cannot be listened on. */
function listenFailure({ host, port }: ListenPoint, error: unknown): Failure {
  const { code = '' } = error as { readonly code?: string };
  const where = `${host}:${String(port)}`;
  if (code === 'EADDRINUSE')
    return failure('resource-conflict', `Something else listens on ${where} already.`);
  if (code === 'EACCES') return failure('not-allowed', `This server may not listen on ${where}.`);
  if (code === 'EADDRNOTAVAIL')
    return failure('not-found', `This machine has no address ${host}.`, 'ask-person');
  if (code.startsWith('ERR_OSSL') || code.startsWith('ERR_SSL')) {
    return failure('tls-mismatch', 'The certificate of the trunk and its key cannot be used.');
  }
  return failure('internal', `Listening on ${where} failed (${code}).`);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
