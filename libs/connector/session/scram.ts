/*
 * SCRAM (RFC 5802, RFC 7677), the client's side, with and without channel binding. The password never leaves, and the
 * server must prove that it knows it too: whoever skips the proof is not believed. The derivation is native and runs
 * outside the event loop.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

/** RFC 5802 §5.1 asks for 4,096 at least; more than the most would let a hostile server burn our time. */
const iterations = { least: 4_096, most: 600_000 };
const longestMessage = 4_096;

/** What the hashes are called and how long their output is. */
const scramHashes = {
  'SCRAM-SHA-512': { digest: 'sha512', length: 64 },
  'SCRAM-SHA-256': { digest: 'sha256', length: 32 },
  'SCRAM-SHA-1': { digest: 'sha1', length: 20 },
} as const;
export type ScramHash = keyof typeof scramHashes;

/**
 * What we say of channel binding (RFC 5802 §6): that we do not do it; that we would, and believe that the server does
 * not (who took its offer out on the way is found out by this); or that we do, by which type and with which data.
 */
export type ScramBinding = 'none' | 'unoffered' | { readonly type: string; readonly data: Buffer };

/** Why the exchange cannot go on; the message is a sentence for the person. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

export interface ScramParts {
  readonly hash: ScramHash;
  readonly user: string;
  readonly password: string;
  readonly binding: ScramBinding;
  /** For tests; otherwise 144 random bits. */
  readonly nonce?: string;
}

export class Scram {
  readonly #name: ScramHash;
  readonly #hash: (typeof scramHashes)[ScramHash];
  readonly #password: string;
  readonly #nonce: string;
  readonly #bare: string;
  readonly #header: string;
  readonly #bound: Buffer;
  #signature: Buffer | undefined;

  constructor(parts: ScramParts) {
    const { hash, user, password, binding, nonce = randomBytes(18).toString('base64') } = parts;
    this.#name = hash;
    this.#hash = scramHashes[hash];
    this.#password = prepared(password);
    this.#nonce = nonce;
    this.#bare = `n=${prepared(user).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
    this.#header = binding === 'none' ? 'n,,' : binding === 'unoffered' ? 'y,,' : `p=${binding.type},,`;
    const data = typeof binding === 'string' ? Buffer.alloc(0) : binding.data;
    this.#bound = Buffer.concat([Buffer.from(this.#header), data]);
  }

  /** client-first-message. */
  first(): string {
    return `${this.#header}${this.#bare}`;
  }

  /**
   * client-final-message in answer to a server-first-message.
   * @throws ScramError where the server's message is none, or asks for too much or too little work.
   */
  async final(serverFirst: string): Promise<string> {
    const [, nonce = '', salt = '', count = ''] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,8})(?:,|$)/.exec(
        serverFirst.slice(0, longestMessage),
      ) ?? [];
    if (nonce === '') throw new ScramError(refusal(serverFirst, this.#name));
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ScramError('The server answers to another sign-in than ours.');
    }
    const rounds = Number(count);
    if (rounds < iterations.least || rounds > iterations.most) {
      throw new ScramError(`The server wants ${count} rounds of SCRAM, which is no sensible number.`);
    }
    const { digest, length } = this.#hash;
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), rounds, length, digest);
    const clientKey = this.#hmac(salted, 'Client Key');
    const bare = `c=${this.#bound.toString('base64')},r=${nonce}`;
    const said = `${this.#bare},${serverFirst},${bare}`;
    const clientSignature = this.#hmac(createHash(digest).update(clientKey).digest(), said);
    this.#signature = this.#hmac(this.#hmac(salted, 'Server Key'), said);
    const proof = clientKey.map((byte, at) => byte ^ (clientSignature[at] ?? 0));
    return `${bare},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Believes a server-final-message. @throws ScramError where it proves nothing. */
  verify(serverFinal: string): void {
    const [, proof] = /^v=([A-Za-z0-9+/]+={0,2})(?:,|$)/.exec(serverFinal.slice(0, longestMessage)) ?? [];
    if (proof === undefined) throw new ScramError(refusal(serverFinal, this.#name));
    const signature = Buffer.from(proof, 'base64');
    if (
      this.#signature === undefined ||
      signature.length !== this.#signature.length ||
      !timingSafeEqual(signature, this.#signature)
    ) {
      throw new ScramError('The server could not prove that it knows the password.');
    }
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash.digest, key).update(text).digest();
  }
}

/** `e=…` says why; anything else is no SCRAM. */
function refusal(message: string, name: ScramHash): string {
  const [, error] = /^e=([a-z-]{1,40})/.exec(message) ?? [];
  return error === undefined
    ? `The server does not speak ${name} as we do.`
    : `The server refuses the sign-in (${error}).`;
}

/**
 * SASLprep (RFC 4013) as far as passwords of people need it: odd blanks become blanks, what is not seen goes, the rest is
 * composed. What it forbids is passed on as it is: the server is the judge of a password.
 */
export function prepared(text: string): string {
  return text
    .replace(/[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, ' ')
    .replace(/[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]/g, '')
    .normalize('NFKC');
}
