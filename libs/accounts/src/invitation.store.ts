import type { InvitationId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { Role } from './principal.js';

export interface InvitationRow {
  readonly id: InvitationId;
  readonly workspace: WorkspaceId;
  readonly role: Role;
  readonly email: string | null;
  readonly createdBy: PersonId;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly acceptedBy: PersonId | null;
  readonly acceptedAt: Date | null;
}

const columns = `id, workspace_id AS workspace, role, email, created_by AS "createdBy", created_at AS "createdAt",
  expires_at AS "expiresAt", accepted_by AS "acceptedBy", accepted_at AS "acceptedAt"`;

export interface NewInvitationRow {
  readonly id: InvitationId;
  readonly workspace: WorkspaceId;
  readonly codeHash: Buffer;
  readonly role: Role;
  readonly email: string | null;
  readonly createdBy: PersonId;
  readonly expiresAt: Date;
}

export async function insertInvitation(sql: Sql, invitation: NewInvitationRow): Promise<InvitationRow> {
  const { id, workspace, codeHash, role, email, createdBy, expiresAt } = invitation;
  const [row] = await sql.query<InvitationRow>(
    `INSERT INTO invitation (id, workspace_id, code_hash, role, email, created_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
    [id, workspace, codeHash, role, email, createdBy, expiresAt],
  );
  if (!row) throw new Error('an invitation was inserted but not returned');
  return row;
}

/** The invitations to a workspace, those after `after` by id. */
export async function invitationsTo(
  sql: Sql,
  workspace: WorkspaceId,
  after: string | undefined,
  limit: number,
): Promise<InvitationRow[]> {
  return sql.query<InvitationRow>(
    `SELECT ${columns} FROM invitation WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id > $2)
     ORDER BY id LIMIT $3`,
    [workspace, after ?? null, limit],
  );
}

/** The invitation that a code opens, if it is still open. */
export async function openInvitation(
  sql: Sql,
  codeHash: Buffer,
  now: Date,
): Promise<InvitationRow | undefined> {
  const [row] = await sql.query<InvitationRow>(
    `SELECT ${columns} FROM invitation WHERE code_hash = $1 AND accepted_at IS NULL AND expires_at > $2`,
    [codeHash, now],
  );
  return row;
}

/** Uses an invitation up. Of two who do so at once, one is told false. */
export async function takeInvitation(
  sql: Sql,
  id: InvitationId,
  person: PersonId,
  now: Date,
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE invitation SET accepted_by = $2, accepted_at = $3
     WHERE id = $1 AND accepted_at IS NULL AND expires_at > $3 RETURNING 1`,
    [id, person, now],
  );
  return rows.length > 0;
}

/** Takes an open invitation back; false when there is none of that id here, or somebody has accepted it. */
export async function deleteInvitation(sql: Sql, workspace: WorkspaceId, id: InvitationId): Promise<boolean> {
  const rows = await sql.query(
    'DELETE FROM invitation WHERE id = $1 AND workspace_id = $2 AND accepted_at IS NULL RETURNING 1',
    [id, workspace],
  );
  return rows.length > 0;
}

/** Takes back what somebody invited others to while they were an admin. */
export async function deleteInvitationsBy(sql: Sql, workspace: WorkspaceId, person: PersonId): Promise<void> {
  await sql.query(
    'DELETE FROM invitation WHERE workspace_id = $1 AND created_by = $2 AND accepted_at IS NULL',
    [workspace, person],
  );
}
