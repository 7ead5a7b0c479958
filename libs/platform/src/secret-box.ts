/*
 * Sealed: 1 byte format (1), 4 bytes key id, 12 bytes nonce, 16 bytes tag, ciphertext. AES-256-GCM (NIST SP 800-38D)
 * with a random nonce: good for 2^32 seals under one key, far more than credentials there will ever be. Format and key
 * id are authenticated together with the context, so nothing sealed opens in another place.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createKeyFile, readKeyFile, replaceKeyFile, type Keys } from './key-file.js';

/** What was sealed does not open. */
export class SecretBoxError extends Error {
  override readonly name = 'SecretBoxError';

  constructor(
    readonly reason: 'malformed' | 'unknown-key' | 'tampered',
    message: string,
  ) {
    super(message);
  }
}

/** Seals what a copy of the tables must not give away. */
export abstract class SecretBox {
  /** @param context where it belongs (`link 0198…`): it opens nowhere else. */
  abstract seal(plain: Uint8Array | string, context: string): Buffer;
  /** @throws SecretBoxError */
  abstract open(sealed: Uint8Array, context: string): Buffer;
  /** Whether it was sealed with a key that is no longer the current one. */
  abstract needsReseal(sealed: Uint8Array): boolean;
  /** Makes a new current key; what was sealed before still opens. */
  abstract rotate(): void;
}

const format = 1;
const idAt = 1;
const nonceAt = 5;
const tagAt = 17;
const bodyAt = 33;

export interface SecretBoxOptions {
  readonly dataDir: string;
  /** 32 bytes. Seals instead of the current key of the file, whose keys still open. */
  readonly masterKey?: Buffer | undefined;
}

/**
 * The box of this installation: its keys are in `keys.json` in the data directory, made when neither that nor a
 * master key is there.
 * @throws KeyFileError
 */
export function openSecretBox({ dataDir, masterKey }: SecretBoxOptions): SecretBox {
  const path = join(dataDir, 'keys.json');
  if (masterKey === undefined && readKeyFile(path) === undefined) createKeyFile(path, withNewKey(new Map()));
  return new FiledSecretBox(path, masterKey);
}

class FiledSecretBox extends SecretBox {
  #keys: Keys;

  constructor(
    private readonly path: string,
    private readonly masterKey: Buffer | undefined,
  ) {
    super();
    this.#keys = this.#read();
  }

  seal(plain: Uint8Array | string, context: string): Buffer {
    const { current } = this.#keys;
    const head = Buffer.concat([Buffer.of(format), Buffer.from(current, 'hex')]);
    const nonce = randomBytes(tagAt - nonceAt);
    const cipher = createCipheriv('aes-256-gcm', this.#key(current), nonce).setAAD(
      authenticated(head, context),
    );
    const body = Buffer.concat([
      cipher.update(typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain),
      cipher.final(),
    ]);
    return Buffer.concat([head, nonce, cipher.getAuthTag(), body]);
  }

  open(sealed: Uint8Array, context: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const key = this.#key(keyIdOf(bytes));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(nonceAt, tagAt), {
      authTagLength: 16,
    })
      .setAAD(authenticated(bytes.subarray(0, nonceAt), context))
      .setAuthTag(bytes.subarray(tagAt, bodyAt));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(bodyAt)), decipher.final()]);
    } catch {
      throw new SecretBoxError('tampered', 'what was sealed has been changed, or belongs somewhere else');
    }
  }

  needsReseal(sealed: Uint8Array): boolean {
    return keyIdOf(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)) !== this.#keys.current;
  }

  rotate(): void {
    if (this.masterKey !== undefined) {
      throw new Error(
        'the master key comes from the environment: rotate it there, and keep the old one in keys.json',
      );
    }
    replaceKeyFile(this.path, withNewKey(this.#read().keys));
    this.#keys = this.#read();
  }

  #key(id: string): Buffer {
    // Another process may have rotated since.
    if (!this.#keys.keys.has(id)) this.#keys = this.#read();
    const key = this.#keys.keys.get(id);
    if (key !== undefined) return key;
    throw new SecretBoxError(
      'unknown-key',
      `sealed with key ${id}, which is neither the master key nor in ${this.path}: give every process the same keys`,
    );
  }

  #read(): Keys {
    const filed = readKeyFile(this.path);
    if (this.masterKey !== undefined) {
      const id = idOf(this.masterKey);
      return { current: id, keys: new Map([...(filed?.keys ?? []), [id, this.masterKey]]) };
    }
    if (filed === undefined)
      throw new SecretBoxError('unknown-key', `${this.path} is gone: put it back from a backup`);
    return filed;
  }
}

/** A key's own fingerprint: the same key has the same id wherever it is kept. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('key id\0').update(key).digest('hex').slice(0, 8);
}

function withNewKey(keys: ReadonlyMap<string, Buffer>): Keys {
  const key = randomBytes(32);
  return { current: idOf(key), keys: new Map([...keys, [idOf(key), key]]) };
}

function keyIdOf(sealed: Buffer): string {
  if (sealed.length < bodyAt || sealed[0] !== format) {
    throw new SecretBoxError('malformed', 'this was not sealed here: its shape is unknown');
  }
  return sealed.subarray(idAt, nonceAt).toString('hex');
}

function authenticated(head: Uint8Array, context: string): Buffer {
  return Buffer.concat([head, Buffer.from(context, 'utf8')]);
}
