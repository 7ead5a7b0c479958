import { Injectable } from '@nestjs/common';
import { Config, Problem } from '#platform';
import type { AskingRequest } from './asking-request.js';
import { headerOf } from './asking-request.js';

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a browser asks on behalf of our own pages. SameSite=Strict already keeps the cookie away from other sites;
 * this also holds for sites that share our registrable domain, and for WebSockets, which no browser restricts.
 */
@Injectable()
export class Origins {
  constructor(private readonly config: Config) {}

  /**
   * For a request that rests on the cookie alone: an unsafe method or a WebSocket must say where it comes from.
   * @throws Problem 403 `foreign-origin`
   */
  mustBeOurs(request: AskingRequest): void {
    const upgrades = headerOf(request, 'upgrade') !== undefined;
    if (!upgrades && safe.has(request.method ?? '')) return;
    if (!this.isOurs(request, headerOf(request, 'origin'))) throw foreign();
  }

  /**
   * For a request that needs no credentials but may set a cookie: another site may not sign our visitor in. Programs
   * send no Origin.
   * @throws Problem 403 `foreign-origin`
   */
  mustNotBeForeign(request: AskingRequest): void {
    const origin = headerOf(request, 'origin');
    if (origin !== undefined && !safe.has(request.method ?? '') && !this.isOurs(request, origin))
      throw foreign();
  }

  private isOurs(request: AskingRequest, origin: string | undefined): boolean {
    if (origin === undefined || !URL.canParse(origin)) return false;
    if (origin === this.config.publicUrl?.origin) return true;
    const host = headerOf(request, 'host');
    const { protocol, host: asked } = new URL(origin);
    if (host === undefined || !URL.canParse(`${protocol}//${host}`)) return false;
    return (protocol === 'http:' || protocol === 'https:') && new URL(`${protocol}//${host}`).host === asked;
  }
}

function foreign(): Problem {
  return new Problem(
    403,
    'foreign-origin',
    'This request comes from a page of another site. Programs use a token instead of the cookie.',
  );
}
