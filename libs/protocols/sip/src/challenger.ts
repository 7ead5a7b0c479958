import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { systemClock, type Clock } from './clock.js';
import { digestOf, ha1Of, type DigestAlgorithm } from './digest.js';
import { formatAuth, parseAuth, type Auth } from './headers/auth.js';
import type { SipRequest } from './message.js';
import { parseUri } from './uri.js';

export interface ChallengerOptions {
  readonly realm: string;
  /** The one that we like best first (RFC 8760 §2.3); SHA-256, then MD5. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** How long a nonce is good; 300,000 milliseconds. */
  readonly nonceMs?: number;
  readonly clock?: Clock;
}

/** What a user proves to know. */
export type KnownSecret = { readonly password: string } | { /** Hexadecimal digits. */ readonly ha1: string };

export type Proof =
  | { readonly verdict: 'ok'; readonly user: string }
  /** `none`: no credentials for our realm. `stale`: right, but for a nonce that is over or was used so before: challenge anew. */
  | { readonly verdict: 'none' | 'stale' | 'rejected' | 'malformed' };

/** Uses of one nonce that are remembered one by one: requests overtake each other. */
const window = 64;
/** Nonces whose uses are remembered; who has more, is challenged again. */
const mostNonces = 10_000;

/** How far a nonce was used. */
interface Use {
  /** The highest count, and which of the `window` below it were there: bit 0 is the highest itself. */
  highest: number;
  seen: bigint;
}

/** The server's side of digest authentication (RFC 3261 §22, RFC 7616). Nonces cost nothing until they are used. */
export class Challenger {
  readonly #realm: string;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #nonceMs: number;
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  readonly #uses = new Map<string, Use>();

  constructor({
    realm,
    algorithms = ['SHA-256', 'MD5'],
    nonceMs = 300_000,
    clock = systemClock,
  }: ChallengerOptions) {
    this.#realm = realm;
    this.#algorithms = algorithms;
    this.#nonceMs = nonceMs;
    this.#clock = clock;
  }

  /**
   * Values of WWW-Authenticate or Proxy-Authenticate, a field each.
   * @param isStale the credentials were right, and only the nonce was not.
   */
  challenge(isStale = false): readonly string[] {
    const nonce = this.#newNonce();
    return this.#algorithms.map((algorithm) => {
      const params = new Map([
        ['realm', this.#realm],
        ['nonce', nonce],
        ['algorithm', algorithm],
        ['qop', 'auth'],
      ]);
      if (isStale) params.set('stale', 'true');
      return formatAuth({ scheme: 'digest', params });
    });
  }

  /**
   * Whether a request is from whom it says. Each count of a nonce is good once: what was overheard cannot be used again.
   * @param secretOf what a user knows; nothing: there is no such user.
   */
  verify(
    request: SipRequest,
    secretOf: (user: string, algorithm: DigestAlgorithm) => KnownSecret | undefined,
    field: 'authorization' | 'proxy-authorization' = 'authorization',
  ): Proof {
    const all = request.headers.all(field).map((value) => parseAuth(value));
    const ours = all.find((auth) => auth?.scheme === 'digest' && auth.params.get('realm') === this.#realm);
    if (ours === undefined) return { verdict: all.includes(undefined) ? 'malformed' : 'none' };
    const given = this.#read(ours);
    if (given === undefined || !isAbout(given.uri, request)) return { verdict: 'malformed' };
    const { user, algorithm, nonce, nc, cnonce } = given;
    const issued = this.#issued(nonce);
    if (issued === undefined) return { verdict: 'stale' };
    const secret = secretOf(user, algorithm);
    // An unknown user takes as long as a wrong password.
    const known = secret ?? { password: randomBytes(16).toString('hex') };
    const ha1 =
      'ha1' in known ? known.ha1.toLowerCase() : ha1Of(algorithm, user, this.#realm, known.password);
    const { method } = request;
    const expected = digestOf({ ...given, isSession: false, ha1, method, qop: { nc, cnonce } });
    const isRight = isSame(expected, given.response) && secret !== undefined;
    if (!isRight) return { verdict: 'rejected' };
    if (this.#clock.monotonic() - issued > this.#nonceMs) return { verdict: 'stale' };
    return this.#use(nonce, Number.parseInt(nc, 16)) ? { verdict: 'ok', user } : { verdict: 'stale' };
  }

  #read({ params }: Auth): Given | undefined {
    const [user, nonce, uri] = [params.get('username'), params.get('nonce'), params.get('uri')];
    const [nc, cnonce, response] = [params.get('nc'), params.get('cnonce'), params.get('response')];
    const name = (params.get('algorithm') ?? 'MD5').toUpperCase();
    const algorithm = this.#algorithms.find((known) => known === name);
    // Without qop nothing is counted, and what was overheard could be used again.
    const isCounted = params.get('qop')?.toLowerCase() === 'auth' && /^[0-9a-f]{8}$/i.test(nc ?? '');
    if (!isCounted || algorithm === undefined) return undefined;
    if (user === undefined || nonce === undefined || uri === undefined) return undefined;
    if (nc === undefined || cnonce === undefined || response === undefined) return undefined;
    return { user, nonce, uri, nc, cnonce, response: response.toLowerCase(), algorithm };
  }

  /** When it was made, and that it was made by us: nobody else has the key. */
  #newNonce(): string {
    const body = `${Math.floor(this.#clock.monotonic()).toString(36)}.${randomBytes(9).toString('base64url')}`;
    return `${body}.${this.#sealOf(body)}`;
  }

  #issued(nonce: string): number | undefined {
    const at = nonce.lastIndexOf('.');
    const body = nonce.slice(0, Math.max(at, 0));
    if (!isSame(this.#sealOf(body), nonce.slice(at + 1))) return undefined;
    return Number.parseInt(body, 36);
  }

  #sealOf(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url').slice(0, 27);
  }

  /** @returns whether it is the first use with this count. */
  #use(nonce: string, count: number): boolean {
    const use = this.#uses.get(nonce);
    if (use === undefined) {
      // The oldest go when there are too many: they would be good again, so all that was made before goes with them.
      if (this.#uses.size >= mostNonces) this.#forget();
      if (count < 1) return false;
      this.#uses.set(nonce, { highest: count, seen: 1n });
      return true;
    }
    if (count > use.highest) {
      const by = count - use.highest;
      use.seen = by >= window ? 1n : BigInt.asUintN(window, (use.seen << BigInt(by)) | 1n);
      use.highest = count;
      return true;
    }
    const below = use.highest - count;
    const bit = 1n << BigInt(below);
    if (below >= window || (use.seen & bit) !== 0n) return false;
    use.seen |= bit;
    return true;
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    for (const nonce of this.#uses.keys()) {
      if (now - (this.#issued(nonce) ?? 0) > this.#nonceMs) this.#uses.delete(nonce);
    }
    if (this.#uses.size < mostNonces) return;
    this.#uses.clear();
    this.#key.set(randomBytes(32));
  }
}

interface Given {
  readonly user: string;
  readonly nonce: string;
  readonly uri: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
}

/**
 * Whether credentials are for this request (RFC 7616 §3.4.6). Proxies on the way add and take away parameters, and some
 * phones sign without them: who is meant has to be the same. Some sign for the server that they send to, in place of the
 * Request-URI (SIPp does, unless told otherwise): such credentials are for whatever is asked of it, once, as all are.
 */
function isAbout(uri: string, request: SipRequest): boolean {
  if (uri === request.uri) return true;
  const [signed, asked] = [parseUri(uri), parseUri(request.uri)];
  if (signed === undefined) return false;
  return signed.user === undefined || (signed.user === asked?.user && signed.host === asked.host);
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
