import { Injectable } from '@nestjs/common';
import { scopes as allScopes, type Scope } from '#api';
import { Clock, Database, Problem } from '#platform';
import { AccessChanges, concerns } from './access-changes.js';
import { headerOf, type AskingRequest } from './asking-request.js';
import { hashOf, tokenPrefix } from './codes.js';
import { extendWebSession, findToken, findWebSession, type Credential } from './credential.store.js';
import { Origins } from './origins.js';
import type { Principal, Role } from './principal.js';
import { sessionDays, SessionCookie } from './session-cookie.js';
import { ShortCache } from './short-cache.js';
import { TokenUse } from './token-use.js';

/** Who asks, and whether their cookie should be handed out anew because its session was prolonged. */
export interface Identified {
  readonly principal: Principal;
  readonly renewed?: string;
}

interface Entry {
  readonly principal: Principal;
  readonly expiresAt: number;
  readonly renewed: boolean;
}

/** A lost signal lets a revoked token live this much longer; otherwise it ends at once. */
const ttlMs = 3_000;
const dayMs = 86_400_000;

/** What a role may do at most, and so what a web session may. */
export function scopesOf(role: Role): readonly Scope[] {
  return role === 'admin' ? allScopes : allScopes.filter((scope) => scope !== 'admin');
}

/** Tells who asks: by a token (RFC 6750) or by the inbox's cookie. Cheap enough for every request: a cached look-up. */
@Injectable()
export class Authenticator {
  readonly #known: ShortCache<Entry>;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly origins: Origins,
    private readonly cookie: SessionCookie,
    private readonly use: TokenUse,
    changes: AccessChanges,
  ) {
    this.#known = new ShortCache(clock, ttlMs, 10_000);
    changes.listen((concern) => {
      this.#known.forget(({ principal }) => concerns(concern, principal));
    });
  }

  /**
   * Who sends this request or opens this WebSocket. A cookie counts only from our own pages where the method is unsafe
   * or the request asks for an upgrade.
   * @throws Problem 401 `not-signed-in`, 403 `foreign-origin`
   */
  async authenticate(request: AskingRequest): Promise<Principal> {
    return (await this.identify(request)).principal;
  }

  /** As `authenticate`, and says whether the cookie should be set again. */
  async identify(request: AskingRequest): Promise<Identified> {
    const authorization = headerOf(request, 'authorization');
    if (authorization !== undefined) return { principal: await this.byToken(authorization) };
    const secret = this.cookie.read(request);
    if (secret === undefined) throw notSignedIn();
    this.origins.mustBeOurs(request);
    const { principal, renewed } = await this.entry(secret, (hash) => this.lookUpSession(hash));
    return renewed ? { principal, renewed: secret } : { principal };
  }

  private async byToken(authorization: string): Promise<Principal> {
    const [, token] = /^Bearer +([\w-]{1,128})$/i.exec(authorization) ?? [];
    if (!token?.startsWith(tokenPrefix)) throw notSignedIn();
    const { principal } = await this.entry(token, (hash) => this.lookUpToken(hash));
    this.use.note(principal.id);
    return principal;
  }

  private async entry(secret: string, lookUp: (hash: Buffer) => Promise<Entry | undefined>): Promise<Entry> {
    const hash = hashOf(secret);
    const entry = await this.#known.get(hash.toString('base64'), () => lookUp(hash));
    if (!entry || entry.expiresAt <= this.clock.now()) throw notSignedIn();
    return entry;
  }

  private async lookUpToken(hash: Buffer): Promise<Entry | undefined> {
    const found = await findToken(this.database, hash);
    return found && { ...entryOf('token', found), renewed: false };
  }

  private async lookUpSession(hash: Buffer): Promise<Entry | undefined> {
    const found = await findWebSession(this.database, hash);
    if (!found) return undefined;
    const entry = entryOf('web-session', found);
    const now = this.clock.now();
    // Prolonged at most once a day: sliding, without a write per request.
    const left = entry.expiresAt - now;
    if (left <= 0 || left > (sessionDays - 1) * dayMs) return { ...entry, renewed: false };
    const expiresAt = now + sessionDays * dayMs;
    await extendWebSession(this.database, found.id, new Date(expiresAt));
    return { ...entry, expiresAt, renewed: true };
  }
}

function entryOf(kind: Principal['kind'], found: Credential): Omit<Entry, 'renewed'> {
  const { id, workspace, person, role, scopes, expiresAt } = found;
  const may = scopesOf(role);
  return {
    principal: {
      kind,
      id,
      workspace,
      person,
      role,
      scopes: new Set(scopes === null ? may : may.filter((scope) => scopes.includes(scope))),
    },
    expiresAt: expiresAt?.getTime() ?? Infinity,
  };
}

function notSignedIn(): Problem {
  return new Problem(401, 'not-signed-in', 'This needs a token or a web session, and a valid one.');
}
