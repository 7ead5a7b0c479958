import { Injectable } from '@nestjs/common';
import { sessionCookie as name } from '#api';
import { Config } from '#platform';
import { headerOf, type AskingRequest } from './asking-request.js';

/** A web session ends when it has not been used for so long. */
export const sessionDays = 30;

/** The inbox's cookie (RFC 6265): beyond the reach of scripts and of other sites. */
@Injectable()
export class SessionCookie {
  readonly #secure: boolean;

  constructor(config: Config) {
    this.#secure = config.publicUrl?.protocol === 'https:';
  }

  /** The secret that a request brings, if any. Where several bear the name, the first: the one of the nearest path. */
  read(request: AskingRequest): string | undefined {
    const pairs = headerOf(request, 'cookie')?.split(';') ?? [];
    const ours = pairs.map((pair) => pair.trim()).find((pair) => pair.startsWith(`${name}=`));
    const secret = ours?.slice(name.length + 1);
    return secret === '' ? undefined : secret;
  }

  /** A Set-Cookie header that keeps the secret for as long as an unused session lives. */
  keep(secret: string): string {
    return this.write(secret, sessionDays * 86_400);
  }

  /** A Set-Cookie header that takes the cookie away. */
  clear(): string {
    return this.write('', 0);
  }

  /** By hand: the value is base64url, which needs no quoting (RFC 6265 §4.1.1). */
  private write(value: string, maxAge: number): string {
    const attributes = [`Max-Age=${String(maxAge)}`, 'Path=/', 'HttpOnly', 'SameSite=Strict'];
    if (this.#secure) attributes.push('Secure');
    return [`${name}=${value}`, ...attributes].join('; ');
  }
}
