/* The server's side of SCRAM (RFC 5802, RFC 7677) without channel binding. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

const iterations = 4_096;
const octets = { sha1: 20, sha256: 32 };

export type ScramHash = keyof typeof octets;

export class ScramExchange {
  readonly #hash: ScramHash;
  readonly #realm: string;
  readonly #passwordOf: (user: string) => string | undefined;
  #user = '';
  #nonce = '';
  #messages = '';

  /**
   * @param realm names the server: with the user it makes the salt, so that salts of users that there are not look no
   * different.
   */
  constructor(hash: ScramHash, realm: string, passwordOf: (user: string) => string | undefined) {
    this.#hash = hash;
    this.#realm = realm;
    this.#passwordOf = passwordOf;
  }

  /** Whom the client says that it is. */
  get user(): string {
    return this.#user;
  }

  /** Takes client-first-message; gives server-first-message, or undefined where it makes no sense. */
  first(message: string): string | undefined {
    const [, bare, user, nonce] = /^[ny],(?:a=[^,]*)?,(n=([^,]+),r=([^,]+))$/.exec(message) ?? [];
    if (bare === undefined || user === undefined || nonce === undefined) return undefined;
    this.#user = user.replaceAll('=2C', ',').replaceAll('=3D', '=');
    this.#nonce = nonce + randomBytes(18).toString('base64');
    const answer = `r=${this.#nonce},s=${this.#salt.toString('base64')},i=${String(iterations)}`;
    this.#messages = `${bare},${answer}`;
    return answer;
  }

  /** Takes client-final-message; gives the server's signature (base64) if the proof is right. */
  final(message: string): string | undefined {
    const [, withoutProof, binding, nonce, proof] = /^((c=[^,]*),(r=[^,]*)),p=([^,]+)$/.exec(message) ?? [];
    const password = this.#passwordOf(this.#user);
    if (password === undefined || proof === undefined || nonce !== `r=${this.#nonce}`) return undefined;
    if (!/^c=(?:biws|eSws)$/.test(binding ?? '')) return undefined;
    return this.#signature(password, `${this.#messages},${withoutProof ?? ''}`, Buffer.from(proof, 'base64'));
  }

  /** RFC 5802 §3. */
  #signature(password: string, all: string, proof: Buffer): string | undefined {
    const hash = this.#hash;
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const digest = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest();
    const salted = pbkdf2Sync(password.normalize('NFKC'), this.#salt, iterations, octets[hash], hash);
    const storedKey = digest(hmac(salted, 'Client Key'));
    const clientSignature = hmac(storedKey, all);
    if (proof.length !== clientSignature.length) return undefined;
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (clientSignature[index] ?? 0)));
    if (!timingSafeEqual(digest(clientKey), storedKey)) return undefined;
    return hmac(hmac(salted, 'Server Key'), all).toString('base64');
  }

  get #salt(): Buffer {
    return createHash('sha256').update(`${this.#realm} ${this.#user.toLowerCase()}`).digest().subarray(0, 16);
  }
}
