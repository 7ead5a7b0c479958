import type { JsonObject } from '#connector';
import type { AccountId, LinkId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { Role } from './principal.js';

export async function anybodyHere(sql: Sql): Promise<boolean> {
  const rows = await sql.query('SELECT 1 FROM person LIMIT 1');
  return rows.length > 0;
}

export interface NewPerson {
  readonly id: PersonId;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
}

/** Makes a person; false when the email address is somebody's already. */
export async function insertPerson(sql: Sql, person: NewPerson): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO person (id, email, name, password_hash) VALUES ($1, $2, $3, $4)
     ON CONFLICT (email) DO NOTHING RETURNING 1`,
    [person.id, person.email, person.name, person.passwordHash],
  );
  return rows.length > 0;
}

export async function findPersonByEmail(
  sql: Sql,
  email: string,
): Promise<{ id: PersonId; passwordHash: string } | undefined> {
  const [row] = await sql.query<{ id: PersonId; passwordHash: string }>(
    'SELECT id, password_hash AS "passwordHash" FROM person WHERE email = $1',
    [email],
  );
  return row;
}

export async function passwordOf(
  sql: Sql,
  person: PersonId,
): Promise<{ email: string; passwordHash: string } | undefined> {
  const [row] = await sql.query<{ email: string; passwordHash: string }>(
    'SELECT email, password_hash AS "passwordHash" FROM person WHERE id = $1',
    [person],
  );
  return row;
}

export interface PersonChange {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly passwordHash?: string | undefined;
}

/** Changes what is given; false when the email address is somebody else's. */
export async function updatePerson(sql: Sql, person: PersonId, change: PersonChange): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE person SET name = coalesce($2, name), email = coalesce($3, email),
       password_hash = coalesce($4, password_hash), version = version + 1
     WHERE id = $1 AND NOT EXISTS (SELECT FROM person other WHERE other.email = $3 AND other.id <> $1)
     RETURNING 1`,
    [person, change.name ?? null, change.email ?? null, change.passwordHash ?? null],
  );
  return rows.length > 0;
}

/** One of the people of a workspace. */
export interface PersonRow {
  readonly id: PersonId;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly version: number;
}

const personColumns = `p.id, p.email, p.name, m.role, m.created_at AS "createdAt", p.version`;

/** The people of a workspace, those after `after` by id. */
export async function peopleOf(
  sql: Sql,
  workspace: WorkspaceId,
  after: string | undefined,
  limit: number,
): Promise<PersonRow[]> {
  return sql.query<PersonRow>(
    `SELECT ${personColumns} FROM membership m JOIN person p ON p.id = m.person_id
     WHERE m.workspace_id = $1 AND ($2::uuid IS NULL OR p.id > $2) ORDER BY p.id LIMIT $3`,
    [workspace, after ?? null, limit],
  );
}

export async function personIn(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
): Promise<PersonRow | undefined> {
  const [row] = await sql.query<PersonRow>(
    `SELECT ${personColumns} FROM membership m JOIN person p ON p.id = m.person_id
     WHERE m.workspace_id = $1 AND m.person_id = $2`,
    [workspace, person],
  );
  return row;
}

/** Which of these are people of the workspace. Inside a transaction they stay so until its end. */
export async function stayingPeople(
  sql: Sql,
  workspace: WorkspaceId,
  people: readonly PersonId[],
): Promise<Set<PersonId>> {
  const rows = await sql.query<{ id: PersonId }>(
    `SELECT person_id AS id FROM membership WHERE workspace_id = $1 AND person_id = ANY($2::uuid[])
     ORDER BY person_id FOR SHARE`,
    [workspace, people],
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * The admins of a workspace and this person, held until the end of the transaction: two admins who take each other's
 * role away at once are dealt with one after the other.
 */
export async function holdRoles(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
): Promise<Map<PersonId, Role>> {
  const rows = await sql.query<{ id: PersonId; role: Role }>(
    `SELECT person_id AS id, role FROM membership
     WHERE workspace_id = $1 AND (role = 'admin' OR person_id = $2) ORDER BY person_id FOR UPDATE`,
    [workspace, person],
  );
  return new Map(rows.map(({ id, role }) => [id, role]));
}

export async function setRole(sql: Sql, workspace: WorkspaceId, person: PersonId, role: Role): Promise<void> {
  await sql.query('UPDATE membership SET role = $3 WHERE workspace_id = $1 AND person_id = $2', [
    workspace,
    person,
    role,
  ]);
}

/** In how many workspaces a person is. */
export async function countWorkspaces(sql: Sql, person: PersonId): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM membership WHERE person_id = $1',
    [person],
  );
  return row?.count ?? 0;
}

/** Makes somebody one of the people of a workspace; false when they are already. */
export async function insertMembership(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
  role: Role,
): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO membership (workspace_id, person_id, role) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING 1`,
    [workspace, person, role],
  );
  return rows.length > 0;
}

/** The accounts that a person holds in a workspace. */
export async function heldAccounts(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
): Promise<{ id: AccountId; link: LinkId }[]> {
  return sql.query<{ id: AccountId; link: LinkId }>(
    'SELECT id, link_id AS link FROM account WHERE workspace_id = $1 AND holder_id = $2 ORDER BY id',
    [workspace, person],
  );
}

/** Takes a person's access to others' accounts away; answers those accounts with their new versions. */
export async function leaveAccounts(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
): Promise<{ id: AccountId; version: number }[]> {
  return sql.query<{ id: AccountId; version: number }>(
    `WITH held AS MATERIALIZED (
       SELECT a.id FROM account a JOIN account_access x ON x.account_id = a.id
       WHERE a.workspace_id = $1 AND x.person_id = $2 ORDER BY a.id FOR UPDATE OF a
     ), left_ AS (
       DELETE FROM account_access WHERE person_id = $2 AND account_id IN (SELECT id FROM held)
     )
     UPDATE account a SET version = a.version + 1 FROM held WHERE a.id = held.id RETURNING a.id, a.version`,
    [workspace, person],
  );
}

/** Takes a person out of a workspace with their tokens, web sessions and open invitations; out of Parley if it was the last. */
export async function deleteMembership(sql: Sql, workspace: WorkspaceId, person: PersonId): Promise<void> {
  await sql.query('DELETE FROM token WHERE workspace_id = $1 AND person_id = $2', [workspace, person]);
  await sql.query('DELETE FROM web_session WHERE workspace_id = $1 AND person_id = $2', [workspace, person]);
  await sql.query('DELETE FROM membership WHERE workspace_id = $1 AND person_id = $2', [workspace, person]);
  await sql.query(
    'DELETE FROM person WHERE id = $1 AND NOT EXISTS (SELECT FROM membership WHERE person_id = $1)',
    [person],
  );
}

export interface WorkspaceRow {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
}

/** The workspaces that a person is in, the oldest membership first where no page is asked for. */
export async function workspacesOf(
  sql: Sql,
  person: PersonId,
  page?: { readonly after: string | undefined; readonly limit: number },
): Promise<WorkspaceRow[]> {
  return sql.query<WorkspaceRow>(
    `SELECT w.id, w.name, m.role, w.created_at AS "createdAt" FROM membership m JOIN workspace w ON w.id = m.workspace_id
     WHERE m.person_id = $1 AND ($2::uuid IS NULL OR w.id > $2)
     ORDER BY ${page ? 'w.id' : 'm.created_at, w.id'} LIMIT $3`,
    [person, page?.after ?? null, page?.limit ?? 1_000],
  );
}

export async function insertWorkspace(sql: Sql, id: WorkspaceId, name: string): Promise<Date> {
  const [row] = await sql.query<{ createdAt: Date }>(
    'INSERT INTO workspace (id, name) VALUES ($1, $2) RETURNING created_at AS "createdAt"',
    [id, name],
  );
  if (!row) throw new Error('a workspace was inserted but not returned');
  return row.createdAt;
}

/** A person with the workspace they ask from. */
export interface MeRow extends PersonRow {
  readonly workspace: WorkspaceId;
  readonly workspaceName: string;
  readonly presence: JsonObject | null;
}

export async function meRow(sql: Sql, workspace: WorkspaceId, person: PersonId): Promise<MeRow | undefined> {
  const [row] = await sql.query<MeRow>(
    `SELECT ${personColumns}, w.id AS workspace, w.name AS "workspaceName", m.presence
     FROM membership m JOIN person p ON p.id = m.person_id JOIN workspace w ON w.id = m.workspace_id
     WHERE m.workspace_id = $1 AND m.person_id = $2`,
    [workspace, person],
  );
  return row;
}

export async function setPresence(
  sql: Sql,
  workspace: WorkspaceId,
  person: PersonId,
  presence: JsonObject,
): Promise<void> {
  await sql.query('UPDATE membership SET presence = $3::jsonb WHERE workspace_id = $1 AND person_id = $2', [
    workspace,
    person,
    JSON.stringify(presence),
  ]);
}
