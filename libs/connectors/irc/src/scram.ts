/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side, without channel binding. The password never leaves, and the
 * server must prove that it knows it too: whoever skips the proof is not believed.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

/** RFC 7677 §4 asks for no less; more would let a hostile server burn our time. */
const iterations = { least: 4_096, most: 600_000 };
const longestMessage = 4_096;
/** `n,,`: no channel binding, nobody else's name. */
const header = 'n,,';

/** Why the exchange cannot go on; the message is a sentence for the person. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

export class Scram {
  readonly #password: string;
  readonly #nonce: string;
  readonly #bare: string;
  #signature: Buffer | undefined;

  /** @param nonce for tests; otherwise 144 random bits. */
  constructor(user: string, password: string, nonce = randomBytes(18).toString('base64')) {
    this.#password = prepared(password);
    this.#nonce = nonce;
    const name = prepared(user).replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${nonce}`;
  }

  /** client-first-message. */
  first(): string {
    return `${header}${this.#bare}`;
  }

  /**
   * client-final-message in answer to a server-first-message. The derivation runs outside the event loop.
   * @throws ScramError where the server's message is none, or asks for too much or too little work.
   */
  async final(serverFirst: string): Promise<string> {
    const [, nonce = '', salt = '', count = ''] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,8})(?:,|$)/.exec(
        serverFirst.slice(0, longestMessage),
      ) ?? [];
    if (nonce === '') throw new ScramError(refusal(serverFirst));
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ScramError('The server answers to another sign-in than ours.');
    }
    const rounds = Number(count);
    if (rounds < iterations.least || rounds > iterations.most) {
      throw new ScramError(`The server wants ${count} rounds of SCRAM, which is no sensible number.`);
    }
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), rounds, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const bare = `c=${Buffer.from(header).toString('base64')},r=${nonce}`;
    const said = `${this.#bare},${serverFirst},${bare}`;
    const clientSignature = hmac(createHash('sha256').update(clientKey).digest(), said);
    this.#signature = hmac(hmac(salted, 'Server Key'), said);
    const proof = clientKey.map((byte, at) => byte ^ (clientSignature[at] ?? 0));
    return `${bare},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Believes a server-final-message. @throws ScramError where it proves nothing. */
  verify(serverFinal: string): void {
    const [, proof] = /^v=([A-Za-z0-9+/]+={0,2})(?:,|$)/.exec(serverFinal.slice(0, longestMessage)) ?? [];
    if (proof === undefined) throw new ScramError(refusal(serverFinal));
    const signature = Buffer.from(proof, 'base64');
    if (
      this.#signature === undefined ||
      signature.length !== this.#signature.length ||
      !timingSafeEqual(signature, this.#signature)
    ) {
      throw new ScramError('The server could not prove that it knows the password.');
    }
  }
}

/** `e=…` says why; anything else is no SCRAM. */
function refusal(message: string): string {
  const [, error] = /^e=([a-z-]{1,40})/.exec(message) ?? [];
  return error === undefined
    ? 'The server does not speak SCRAM-SHA-256 as we do.'
    : `The server refuses the sign-in (${error}).`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
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
