import { randomBytes } from 'node:crypto';
import { algorithmOf, digestAlgorithms, digestOf, ha1Of, type DigestAlgorithm } from './digest.js';
import { formatAuth, parseAuth, parseAuthInfo, type Auth } from './headers/auth.js';
import { Headers } from './message-headers.js';
import type { SipRequest, SipResponse } from './message.js';
import { parseUri } from './uri.js';

/** Who we are: a password, or what stands for it in one realm. */
export type Secret =
  | { readonly user: string; readonly password: string }
  | {
      readonly user: string;
      /** Hexadecimal digits; see RFC 2617 §3.2.2.2. */
      readonly ha1: string;
      readonly realm: string;
      /** What it was made with; MD5 where nothing is said. */
      readonly algorithm?: DigestAlgorithm;
    };

/** A password was wrong, or there is no challenge that we can answer. */
export type Refused = 'rejected' | 'unsupported';

type Side = 'authorization' | 'proxy-authorization';

interface Challenge {
  readonly side: Side;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As it was written, or not at all. */
  readonly algorithmName: string | undefined;
  readonly algorithm: DigestAlgorithm;
  readonly isSession: boolean;
  /** Whether the other side knows quality of protection; if not, it is RFC 2069's. */
  readonly hasQop: boolean;
  readonly isStale: boolean;
}

/** A challenge that was answered, for as long as its nonce is good. */
interface Standing {
  challenge: Challenge;
  /** Times the nonce was used. */
  count: number;
  /** Of a server, not a proxy: whose requests it was about. */
  readonly host: string;
  /** And which: a registrar's challenge is not answered in a message, with which the answer would reach whomever it is for. */
  readonly methods: ReadonlySet<string>;
  readonly cnonce: string;
}

/** Realms whose nonces are kept. */
const mostRealms = 16;
/** Challenges answered for one request; a proxy after another may each want to know. */
const mostRounds = 6;

/**
 * Who we are towards servers and proxies (RFC 3261 §22). One for each account: it remembers the nonces, so that most
 * requests need not be challenged.
 */
export class Credentials {
  readonly #secret: Secret;
  /** By realm and side. */
  readonly #standing = new Map<string, Standing>();

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  /** For one request and its challenges. */
  attempt(): Attempt {
    return new Attempt(this.#secret, this.#standing);
  }
}

/** One request on its way through its challenges. */
export class Attempt {
  readonly #secret: Secret;
  readonly #standing: Map<string, Standing>;
  /** What was answered for this very request: who challenges once more means no. */
  readonly #answered = new Map<string, Standing>();
  /** What it was last signed for. */
  #used: ReadonlyMap<string, Standing> = new Map();
  #rounds = 0;

  constructor(secret: Secret, standing: Map<string, Standing>) {
    this.#secret = secret;
    this.#standing = standing;
  }

  /** The request with credentials for those who are known to want them. */
  anticipate(request: SipRequest): SipRequest {
    const host = hostOf(request);
    const wanted = [...this.#standing].filter(
      ([, { challenge, host: theirs, methods }]) =>
        challenge.side === 'proxy-authorization' || (theirs === host && methods.has(request.method)),
    );
    return this.#signed(request, new Map([...wanted, ...this.#answered]));
  }

  /**
   * The request once more, with answers to the challenges of a 401 or 407; its CSeq is still the old one.
   * @returns why not, where the answers were wrong or none can be given.
   */
  again(request: SipRequest, response: SipResponse): SipRequest | Refused {
    const challenges = strongest(challengesOf(response).filter((one) => this.#canAnswer(one)));
    if (challenges.length === 0) return 'unsupported';
    this.#rounds++;
    if (this.#rounds > mostRounds) return 'rejected';
    const host = hostOf(request);
    for (const challenge of challenges) {
      const key = keyOf(challenge);
      if (this.#answered.has(key) && !challenge.isStale) {
        this.#standing.delete(key);
        return 'rejected';
      }
      const cnonce = randomBytes(12).toString('hex');
      const before = this.#standing.get(key);
      const methods = new Set(before?.host === host ? before.methods : []).add(request.method);
      const standing = { challenge, count: 0, host, methods, cnonce };
      this.#answered.set(key, standing);
      this.#keep(key, standing);
    }
    return this.#signed(request, new Map([...this.#used, ...this.#answered]));
  }

  /** What a response tells for the next request: another nonce (RFC 7616 §3.5). */
  learn(response: SipResponse): void {
    for (const [field, side] of [
      ['authentication-info', 'authorization'],
      ['proxy-authentication-info', 'proxy-authorization'],
    ] as const) {
      const nonce = parseAuthInfo(response.headers.get(field) ?? '')?.get('nextnonce');
      if (nonce === undefined || nonce === '') continue;
      // It names no realm: the one that this request was for, where there is but one.
      const [only, another] = [...this.#standing.values()].filter(
        ({ challenge }) => challenge.side === side && this.#used.has(keyOf(challenge)),
      );
      if (only === undefined || another !== undefined) continue;
      only.challenge = { ...only.challenge, nonce };
      only.count = 0;
    }
  }

  #canAnswer({ realm, algorithm }: Challenge): boolean {
    const secret = this.#secret;
    if ('password' in secret) return true;
    return secret.realm === realm && (secret.algorithm ?? 'MD5') === algorithm;
  }

  #keep(key: string, standing: Standing): void {
    this.#standing.delete(key);
    for (const oldest of this.#standing.keys()) {
      if (this.#standing.size < mostRealms) break;
      this.#standing.delete(oldest);
    }
    this.#standing.set(key, standing);
  }

  #signed(request: SipRequest, standings: ReadonlyMap<string, Standing>): SipRequest {
    if (standings.size === 0) return request;
    const headers = Headers.from(request.headers);
    headers.remove('authorization').remove('proxy-authorization');
    this.#used = standings;
    for (const standing of standings.values()) {
      headers.add(standing.challenge.side, formatAuth(this.#sign(request, standing)));
    }
    return { ...request, headers };
  }

  #sign({ method, uri }: SipRequest, standing: Standing): Auth {
    const { challenge, cnonce } = standing;
    const { realm, nonce, opaque, algorithm, algorithmName, isSession, hasQop } = challenge;
    const { user } = this.#secret;
    standing.count++;
    const nc = standing.count.toString(16).padStart(8, '0');
    const ha1 =
      'ha1' in this.#secret
        ? this.#secret.ha1.toLowerCase()
        : ha1Of(algorithm, user, realm, this.#secret.password);
    const response = digestOf({
      algorithm,
      isSession,
      ha1,
      method,
      uri,
      nonce,
      cnonce,
      ...(hasQop && { qop: { nc, cnonce } }),
    });
    const params = new Map([
      ['username', user],
      ['realm', realm],
      ['nonce', nonce],
      ['uri', uri],
      ['response', response],
    ]);
    if (algorithmName !== undefined) params.set('algorithm', algorithmName);
    if (hasQop) params.set('qop', 'auth').set('nc', nc);
    if (hasQop || isSession) params.set('cnonce', cnonce);
    if (opaque !== undefined) params.set('opaque', opaque);
    return { scheme: 'digest', params };
  }
}

function challengesOf({ status, headers }: SipResponse): Challenge[] {
  const fields: [string, Side][] = [
    ['www-authenticate', 'authorization'],
    ['proxy-authenticate', 'proxy-authorization'],
  ];
  // The one that the status is about; a 401 may carry those of proxies that it passed as well (RFC 3261 §16.7).
  const asked = status === 407 ? fields.slice(1) : fields;
  return asked.flatMap(([field, side]) =>
    headers.all(field).flatMap((value) => {
      const auth = parseAuth(value);
      const challenge = auth === undefined ? undefined : challengeOf(auth, side);
      return challenge ?? [];
    }),
  );
}

function challengeOf({ scheme, params }: Auth, side: Side): Challenge | undefined {
  const [realm, nonce] = [params.get('realm'), params.get('nonce')];
  const known = algorithmOf(params.get('algorithm'));
  if (scheme !== 'digest' || realm === undefined || nonce === undefined || known === undefined)
    return undefined;
  const qops = params
    .get('qop')
    ?.split(',')
    .map((qop) => qop.trim().toLowerCase())
    .filter((qop) => qop !== '');
  // Only auth-int: the body would have to be signed as no proxy on the way changes it, which nobody can promise.
  if (qops !== undefined && qops.length > 0 && !qops.includes('auth')) return undefined;
  return {
    side,
    realm,
    nonce,
    opaque: params.get('opaque'),
    algorithmName: params.get('algorithm'),
    ...known,
    hasQop: qops?.includes('auth') ?? false,
    isStale: params.get('stale')?.toLowerCase() === 'true',
  };
}

/** Of several challenges of one realm the strongest, whatever their order (RFC 8760 §2.3 leaves it to us). */
function strongest(challenges: readonly Challenge[]): readonly Challenge[] {
  const best = new Map<string, Challenge>();
  for (const challenge of challenges) {
    const key = keyOf(challenge);
    const other = best.get(key);
    if (other === undefined || rank(challenge) < rank(other)) best.set(key, challenge);
  }
  return [...best.values()];
}

function rank({ algorithm }: Challenge): number {
  return digestAlgorithms.indexOf(algorithm);
}

function keyOf({ side, realm }: Challenge): string {
  return `${side} ${realm}`;
}

function hostOf({ uri }: SipRequest): string {
  return parseUri(uri)?.host ?? uri;
}
