import type { JsonObject } from '#connector';
import { releaseFilesOfAccounts } from '#files';
import type { AccountId, LinkId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import { accountColumns, type AccountRow, type OnUnknown } from './account.rows.js';

/** The accounts that a person holds or was given access to. */
export async function accountIdsOf(sql: Sql, workspace: WorkspaceId, person: PersonId): Promise<AccountId[]> {
  const rows = await sql.query<{ id: AccountId }>(
    `SELECT a.id FROM account_access x JOIN account a ON a.id = x.account_id
     WHERE x.person_id = $1 AND a.workspace_id = $2 ORDER BY a.id`,
    [person, workspace],
  );
  return rows.map(({ id }) => id);
}

export async function findAccount(
  sql: Sql,
  workspace: WorkspaceId,
  id: AccountId,
): Promise<AccountRow | undefined> {
  const [row] = await sql.query<AccountRow>(
    `SELECT ${accountColumns} FROM account a WHERE a.id = $1 AND a.workspace_id = $2`,
    [id, workspace],
  );
  return row;
}

/** An account for whoever wants to change it, with what decides whether they may. */
export interface ManagedAccount extends AccountRow {
  /** Whether its link is shared. */
  readonly shared: boolean;
  /** Everybody who sees it, by id. */
  readonly people: readonly PersonId[];
}

const managedColumns = `${accountColumns}, l.shared, ARRAY(
  SELECT x.person_id::text FROM account_access x WHERE x.account_id = a.id ORDER BY x.person_id) AS people`;

/**
 * Reads an account for a change. Inside a transaction, `lock` keeps it as it is until the end. The lock is a statement
 * of its own: what is read together with waiting for a lock may be from before the wait.
 */
export async function managedAccount(
  sql: Sql,
  workspace: WorkspaceId,
  id: AccountId,
  lock: boolean,
): Promise<ManagedAccount | undefined> {
  if (lock) await sql.query('SELECT FROM account WHERE id = $1 FOR UPDATE', [id]);
  const [row] = await sql.query<ManagedAccount>(
    `SELECT ${managedColumns} FROM account a JOIN link l ON l.id = a.link_id
     WHERE a.id = $1 AND a.workspace_id = $2`,
    [id, workspace],
  );
  return row;
}

export interface NewAccount {
  readonly id: AccountId;
  readonly workspace: WorkspaceId;
  readonly link: LinkId;
  readonly holder: PersonId;
  readonly connector: string;
  readonly label: string;
  readonly network: string;
  readonly localAddress: string | null;
  readonly wanted: boolean;
  readonly onUnknown: OnUnknown;
  /** What its provider calls it by, where one calls. */
  readonly ingress: { readonly seal: Buffer; readonly hash: Buffer } | undefined;
}

/**
 * Makes an account, lets these people see it (its holder among them), and has it show what its holder shows
 * everywhere else.
 */
export async function insertAccount(
  sql: Sql,
  account: NewAccount,
  people: readonly PersonId[],
): Promise<void> {
  await sql.query(
    `WITH made AS (
       INSERT INTO account (id, workspace_id, link_id, holder_id, connector, label, network, local_address, wanted,
                            on_unknown, ingress_seal, ingress_hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12, $13)
     ), shown AS (
       INSERT INTO desired (account_id, kind, address, options)
       SELECT $1::uuid, 'presence', '', m.presence FROM membership m
       WHERE m.workspace_id = $2 AND m.person_id = $4 AND m.presence IS NOT NULL
     )
     INSERT INTO account_access (account_id, person_id)
     SELECT $1::uuid, person FROM unnest($11::uuid[]) AS person`,
    [
      account.id,
      account.workspace,
      account.link,
      account.holder,
      account.connector,
      account.label,
      account.network,
      account.localAddress,
      account.wanted,
      account.onUnknown,
      people,
      account.ingress?.seal ?? null,
      account.ingress?.hash ?? null,
    ],
  );
}

export interface AccountChange {
  readonly label?: string | undefined;
  readonly network?: string | undefined;
  readonly wanted?: boolean | undefined;
  readonly onUnknown?: OnUnknown | undefined;
}

/** Changes what is given and answers the account's new version. */
export async function updateAccount(sql: Sql, id: AccountId, change: AccountChange): Promise<number> {
  const [row] = await sql.query<{ version: number }>(
    `UPDATE account SET label = coalesce($2, label), network = coalesce($3, network), wanted = coalesce($4, wanted),
       on_unknown = coalesce($5, on_unknown), version = version + 1
     WHERE id = $1 RETURNING version`,
    [id, change.label ?? null, change.network ?? null, change.wanted ?? null, change.onUnknown ?? null],
  );
  return row?.version ?? 0;
}

export async function grantAccess(sql: Sql, account: AccountId, people: readonly PersonId[]): Promise<void> {
  await sql.query(
    `INSERT INTO account_access (account_id, person_id) SELECT $1::uuid, person FROM unnest($2::uuid[]) AS person
     ON CONFLICT DO NOTHING`,
    [account, people],
  );
}

export async function revokeAccess(sql: Sql, account: AccountId, people: readonly PersonId[]): Promise<void> {
  await sql.query('DELETE FROM account_access WHERE account_id = $1 AND person_id = ANY($2::uuid[])', [
    account,
    people,
  ]);
}

/** An account that is gone, and whom it is gone for. */
export interface RemovedAccount {
  readonly id: AccountId;
  readonly link: LinkId;
  readonly people: readonly PersonId[];
}

/**
 * Removes accounts, and with a private one its link. Leases are locked first, then accounts, each by id: a worker that
 * is writing for one of them is waited for.
 */
export async function deleteAccounts(sql: Sql, ids: readonly AccountId[]): Promise<RemovedAccount[]> {
  await sql.query(
    `SELECT FROM lease WHERE link_id IN (SELECT link_id FROM account WHERE id = ANY($1::uuid[]))
     ORDER BY link_id FOR UPDATE`,
    [ids],
  );
  await sql.query('SELECT FROM account WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE', [ids]);
  const gone = await sql.query<RemovedAccount>(
    `SELECT a.id, a.link_id AS link, ARRAY(
       SELECT x.person_id::text FROM account_access x WHERE x.account_id = a.id ORDER BY x.person_id) AS people
     FROM account a WHERE a.id = ANY($1::uuid[]) ORDER BY a.id`,
    [ids],
  );
  await releaseFilesOfAccounts(
    sql,
    gone.map(({ id }) => id),
  );
  await sql.query(
    `WITH unshared AS (
       DELETE FROM link WHERE NOT shared AND id = ANY($2::uuid[])
     )
     DELETE FROM account WHERE id = ANY($1::uuid[])`,
    [gone.map(({ id }) => id), gone.map(({ link }) => link)],
  );
  return gone;
}

/** An account as it is shown. */
export interface AccountViewRow extends AccountRow {
  readonly people: readonly PersonId[];
  readonly settings: JsonObject;
  readonly secretNames: readonly string[];
}

/** Accounts as they are shown; a shared link's settings are its admins' own business. */
export async function accountViewRows(sql: Sql, ids: readonly string[]): Promise<AccountViewRow[]> {
  return sql.query<AccountViewRow>(
    `SELECT ${managedColumns},
       CASE WHEN l.shared THEN '{}'::jsonb ELSE l.settings END AS settings,
       CASE WHEN l.shared THEN '{}'::text[] ELSE l.secret_names END AS "secretNames"
     FROM account a JOIN link l ON l.id = a.link_id WHERE a.id = ANY($1::uuid[]) ORDER BY a.id`,
    [ids],
  );
}
