import { Injectable } from '@nestjs/common';
import type { CreateTokenBody, NewToken, Scope, Token } from '#api';
import { Audit } from '#audit';
import { newId, type PersonId, type TokenId, type WorkspaceId } from '#model';
import { Clock, Database, Problem, type Sql } from '#platform';
import { AccessChanges } from './access-changes.js';
import { hashOf, newToken } from './codes.js';
import { deleteToken, insertToken, tokensOf, type TokenRow } from './credential.store.js';
import { afterOf, pageOf, type Page } from './paging.js';
import type { Principal } from './principal.js';

/** What a new token is bound to. */
export interface TokenOf {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: Date;
}

/** Scoped tokens: shown once, hashed at rest, bound to one person in one workspace. */
@Injectable()
export class Tokens {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
  ) {}

  /** @throws Problem 403 `missing-scope` when it would be able to do more than the caller. */
  async create(caller: Principal, body: CreateTokenBody, address: string): Promise<NewToken> {
    const beyond = body.scopes.filter((scope) => !caller.scopes.has(scope));
    if (beyond.length > 0) {
      throw new Problem(
        403,
        'missing-scope',
        `You cannot give the scope ${beyond.join(', ')}: you do not have it.`,
      );
    }
    const expiresAt = body.expiresAt === undefined ? undefined : new Date(body.expiresAt);
    if (expiresAt && expiresAt.getTime() <= this.clock.now()) {
      throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
        errors: [{ pointer: '/expiresAt', detail: 'is in the past' }],
      });
    }
    const { workspace, person } = caller;
    const { token, row } = await this.database.transaction((sql) =>
      this.issue(
        sql,
        {
          workspace,
          person,
          label: body.label,
          scopes: [...new Set(body.scopes)],
          ...(expiresAt ? { expiresAt } : {}),
        },
        address,
      ),
    );
    return { ...view(row), token };
  }

  /** Makes a token in the caller's transaction. */
  async issue(sql: Sql, of: TokenOf, address: string): Promise<{ token: string; row: TokenRow }> {
    const token = newToken();
    const row = await insertToken(sql, {
      ...of,
      id: newId<'TokenId'>(),
      hash: hashOf(token),
      expiresAt: of.expiresAt ?? null,
    });
    await this.audit.record(sql, {
      workspace: of.workspace,
      person: of.person,
      action: 'token.created',
      subject: row.id,
      facts: { label: of.label, scopes: of.scopes },
      address,
    });
    return { token, row };
  }

  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Token>> {
    const { workspace, person } = caller;
    const rows = await tokensOf(this.database, workspace, person, afterOf(query), query.limit + 1);
    return pageOf(rows, query.limit, view);
  }

  /** @throws Problem 404 `not-found`, for somebody else's too */
  async revoke(caller: Principal, id: TokenId, address: string): Promise<void> {
    const { workspace, person } = caller;
    await this.database.transaction(async (sql) => {
      const gone = await deleteToken(sql, workspace, person, id);
      if (!gone) throw new Problem(404, 'not-found', 'You have no such token.');
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'token.revoked',
        subject: id,
        facts: { label: gone.label },
        address,
      });
    });
    this.changes.changed(workspace, [person]);
  }
}

function view(row: TokenRow): Token {
  return {
    id: row.id,
    label: row.label,
    scopes: row.scopes,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
