import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals what must not be read from a copy of the tables: AES-256-GCM (NIST SP 800-38D). */
export abstract class SecretBox {
  /** @param context where it belongs; sealed text does not open anywhere else. */
  abstract seal(plain: Uint8Array | string, context: string): Buffer;
  abstract open(sealed: Uint8Array, context: string): Buffer;
}

export class KeyedBox extends SecretBox {
  constructor(private readonly key: Buffer) {
    super();
  }

  seal(plain: Uint8Array | string, context: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([
      cipher.update(typeof plain === 'string' ? Buffer.from(plain) : plain),
      cipher.final(),
    ]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  open(sealed: Uint8Array, context: string): Buffer {
    const bytes = Buffer.from(sealed);
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
  }
}
