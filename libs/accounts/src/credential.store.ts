import type { Scope } from '#api';
import type { PersonId, TokenId, WebSessionId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { Role } from './principal.js';

/** What a presented secret leads to. */
export interface Credential {
  readonly id: string;
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly role: Role;
  /** Null for a web session: it may do whatever its person may. */
  readonly scopes: readonly Scope[] | null;
  readonly expiresAt: Date | null;
}

export async function findToken(sql: Sql, hash: Buffer): Promise<Credential | undefined> {
  const [row] = await sql.query<Credential>(
    `SELECT t.id, t.workspace_id AS workspace, t.person_id AS person, m.role, t.scopes, t.expires_at AS "expiresAt"
     FROM token t JOIN membership m ON m.workspace_id = t.workspace_id AND m.person_id = t.person_id
     WHERE t.hash = $1`,
    [hash],
  );
  return row;
}

export async function findWebSession(sql: Sql, hash: Buffer): Promise<Credential | undefined> {
  const [row] = await sql.query<Credential>(
    `SELECT s.id, s.workspace_id AS workspace, s.person_id AS person, m.role, NULL AS scopes,
       s.expires_at AS "expiresAt"
     FROM web_session s JOIN membership m ON m.workspace_id = s.workspace_id AND m.person_id = s.person_id
     WHERE s.hash = $1`,
    [hash],
  );
  return row;
}

export interface NewWebSession {
  readonly id: WebSessionId;
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly hash: Buffer;
  readonly expiresAt: Date;
}

/** Opens a web session, and sweeps away those of the same person that ended by themselves before `now`. */
export async function insertWebSession(sql: Sql, session: NewWebSession, now: Date): Promise<void> {
  await sql.query(
    `WITH ended AS (DELETE FROM web_session WHERE person_id = $3 AND expires_at < $6)
     INSERT INTO web_session (id, workspace_id, person_id, hash, expires_at) VALUES ($1, $2, $3, $4, $5)`,
    [session.id, session.workspace, session.person, session.hash, session.expiresAt, now],
  );
}

export async function extendWebSession(sql: Sql, id: string, expiresAt: Date): Promise<void> {
  await sql.query('UPDATE web_session SET expires_at = $2 WHERE id = $1', [id, expiresAt]);
}

export async function deleteWebSession(sql: Sql, id: string): Promise<void> {
  await sql.query('DELETE FROM web_session WHERE id = $1', [id]);
}

/** Ends every web session of a person, in every workspace, but for one; answers the workspaces. */
export async function deleteOtherWebSessions(
  sql: Sql,
  person: PersonId,
  but: string | undefined,
): Promise<WorkspaceId[]> {
  const rows = await sql.query<{ workspace: WorkspaceId }>(
    `DELETE FROM web_session WHERE person_id = $1 AND id IS DISTINCT FROM $2::uuid
     RETURNING workspace_id AS workspace`,
    [person, but ?? null],
  );
  return rows.map(({ workspace }) => workspace);
}

export interface TokenRow {
  readonly id: TokenId;
  readonly label: string;
  readonly scopes: Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewTokenRow {
  readonly id: TokenId;
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly hash: Buffer;
  readonly expiresAt: Date | null;
}

const tokenColumns = `id, label, scopes, created_at AS "createdAt", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt"`;

export async function insertToken(sql: Sql, token: NewTokenRow): Promise<TokenRow> {
  const [row] = await sql.query<TokenRow>(
    `INSERT INTO token (id, workspace_id, person_id, label, scopes, hash, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${tokenColumns}`,
    [token.id, token.workspace, token.person, token.label, token.scopes, token.hash, token.expiresAt],
  );
  if (!row) throw new Error('a token was inserted but not returned');
  return row;
}

/** A person's tokens in a workspace, those after `after` by id. */
export async function tokensOf(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
  after: string | undefined,
  limit: number,
): Promise<TokenRow[]> {
  return sql.query<TokenRow>(
    `SELECT ${tokenColumns} FROM token
     WHERE workspace_id = $1 AND person_id = $2 AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4`,
    [workspace, person, after ?? null, limit],
  );
}

/** Takes a token back; undefined when this person has none of that id here. */
export async function deleteToken(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
  id: TokenId,
): Promise<{ label: string } | undefined> {
  const [row] = await sql.query<{ label: string }>(
    'DELETE FROM token WHERE id = $1 AND workspace_id = $2 AND person_id = $3 RETURNING label',
    [id, workspace, person],
  );
  return row;
}

/** Writes down when tokens were last used, many in one statement; never backwards. */
export async function noteTokenUse(sql: Sql, used: ReadonlyMap<string, Date>): Promise<void> {
  await sql.query(
    `UPDATE token t SET last_used_at = u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
     WHERE t.id = u.id AND (t.last_used_at IS NULL OR t.last_used_at < u.at)`,
    [[...used.keys()], [...used.values()]],
  );
}
