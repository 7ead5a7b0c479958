import { Injectable } from '@nestjs/common';
import { fastifyCookie } from '@fastify/cookie';
import { Config } from '#platform';
import { headerOf, type AskingRequest } from './asking-request.js';

const name = 'parley_session';

/** A web session ends when it has not been used for so long. */
export const sessionDays = 30;

/** The inbox's cookie (RFC 6265): beyond the reach of scripts and of other sites. */
@Injectable()
export class SessionCookie {
  readonly #secure: boolean;

  constructor(config: Config) {
    this.#secure = config.publicUrl?.protocol === 'https:';
  }

  /** The secret that a request brings, if any. */
  read(request: AskingRequest): string | undefined {
    const header = headerOf(request, 'cookie');
    if (header === undefined) return undefined;
    const secret = fastifyCookie.parse(header)[name];
    return secret === undefined || secret === '' ? undefined : secret;
  }

  /** A Set-Cookie header that keeps the secret for as long as an unused session lives. */
  keep(secret: string): string {
    return this.write(secret, sessionDays * 86_400);
  }

  /** A Set-Cookie header that takes the cookie away. */
  clear(): string {
    return this.write('', 0);
  }

  private write(value: string, maxAge: number): string {
    return fastifyCookie.serialize(name, value, {
      httpOnly: true,
      sameSite: 'strict',
      path: '/',
      secure: this.#secure,
      maxAge,
    });
  }
}
