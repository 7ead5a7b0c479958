import type { JsonObject } from '#connector';
import type { AccountId, LinkId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import { linkColumns, type LinkRow } from './account.rows.js';

export interface NewLink {
  readonly id: LinkId;
  readonly workspace: WorkspaceId;
  readonly connector: string;
  readonly shared: boolean;
  readonly label: string;
  readonly settings: JsonObject;
  readonly secrets: Buffer | null;
  readonly secretNames: readonly string[];
  readonly privateLeave: boolean;
}

export async function insertLink(sql: Sql, link: NewLink): Promise<void> {
  await sql.query(
    `INSERT INTO link (id, workspace_id, connector, shared, label, settings, secrets, secret_names, private_leave)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9)`,
    [
      link.id,
      link.workspace,
      link.connector,
      link.shared,
      link.label,
      JSON.stringify(link.settings),
      link.secrets,
      link.secretNames,
      link.privateLeave,
    ],
  );
}

/** A link with its sealed secrets, for whoever changes it. */
export interface SealedLink extends LinkRow {
  readonly secrets: Buffer | null;
}

export async function findLink(
  sql: Sql,
  workspace: WorkspaceId,
  id: LinkId,
): Promise<SealedLink | undefined> {
  const [row] = await sql.query<SealedLink>(
    `SELECT ${linkColumns}, l.secrets FROM link l WHERE l.id = $1 AND l.workspace_id = $2`,
    [id, workspace],
  );
  return row;
}

/** A shared link with the accounts on it. */
export interface SharedLink extends LinkRow {
  readonly accounts: readonly AccountId[];
}

const accountsOfLink = `ARRAY(
  SELECT a.id::text FROM account a WHERE a.link_id = l.id ORDER BY a.id) AS accounts`;

/** The shared links of a workspace, those after `after` by id. */
export async function sharedLinks(
  sql: Sql,
  workspace: WorkspaceId,
  after: string | undefined,
  limit: number,
): Promise<SharedLink[]> {
  return sql.query<SharedLink>(
    `SELECT ${linkColumns}, ${accountsOfLink} FROM link l
     WHERE l.workspace_id = $1 AND l.shared AND ($2::uuid IS NULL OR l.id > $2) ORDER BY l.id LIMIT $3`,
    [workspace, after ?? null, limit],
  );
}

/** One shared link. `lock` keeps it, and keeps accounts from being put on it, until the end of the transaction. */
export async function sharedLink(
  sql: Sql,
  workspace: WorkspaceId,
  id: LinkId,
  lock = false,
): Promise<SharedLink | undefined> {
  const [row] = await sql.query<SharedLink>(
    `SELECT ${linkColumns}, ${accountsOfLink} FROM link l
     WHERE l.id = $1 AND l.workspace_id = $2 AND l.shared ${lock ? 'FOR UPDATE OF l' : ''}`,
    [id, workspace],
  );
  return row;
}

export interface LinkChange {
  readonly label?: string | undefined;
  readonly settings?: JsonObject | undefined;
  readonly privateLeave?: boolean | undefined;
  /** Undefined: as they are. */
  readonly secrets?: { readonly sealed: Buffer | null; readonly names: readonly string[] } | undefined;
}

/** Changes what is given, if the link still has the version that the change was made from. Answers whether it had. */
export async function updateLink(sql: Sql, id: LinkId, from: number, change: LinkChange): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE link SET label = coalesce($3, label), settings = coalesce($4::jsonb, settings),
       private_leave = coalesce($5, private_leave),
       secrets = CASE WHEN $6 THEN $7 ELSE secrets END,
       secret_names = CASE WHEN $6 THEN $8::text[] ELSE secret_names END,
       version = version + 1
     WHERE id = $1 AND version = $2 RETURNING 1`,
    [
      id,
      from,
      change.label ?? null,
      change.settings === undefined ? null : JSON.stringify(change.settings),
      change.privateLeave ?? null,
      change.secrets !== undefined,
      change.secrets?.sealed ?? null,
      change.secrets?.names ?? [],
    ],
  );
  return rows.length > 0;
}

/** Follows a link whose settings now point at another network; answers the accounts that moved with their versions. */
export async function moveAccounts(
  sql: Sql,
  link: LinkId,
  network: string,
): Promise<{ id: AccountId; version: number }[]> {
  return sql.query<{ id: AccountId; version: number }>(
    `WITH held AS MATERIALIZED (
       SELECT id FROM account WHERE link_id = $1 AND network <> $2 ORDER BY id FOR UPDATE
     )
     UPDATE account a SET network = $2, version = a.version + 1 FROM held WHERE a.id = held.id
     RETURNING a.id, a.version`,
    [link, network],
  );
}

/** Whether any account of a link has ever been online: then its conversations belong to that network. */
export async function everOnline(sql: Sql, link: LinkId): Promise<boolean> {
  const rows = await sql.query(
    'SELECT 1 FROM account WHERE link_id = $1 AND local_address IS NOT NULL LIMIT 1',
    [link],
  );
  return rows.length > 0;
}

/** Removes a link that no account uses; false while there are any. To be called with the link locked. */
export async function deleteLink(sql: Sql, id: LinkId): Promise<boolean> {
  const rows = await sql.query(
    'DELETE FROM link WHERE id = $1 AND NOT EXISTS (SELECT FROM account WHERE link_id = $1) RETURNING 1',
    [id],
  );
  return rows.length > 0;
}
