import type { JsonObject } from '#connector';
import type { AccountId, LinkId, WorkspaceId } from '#model';
import type { Sql } from '#platform';

/** What the gateway needs to know of an account that is called. */
export interface IngressRow {
  readonly workspace: WorkspaceId;
  readonly link: LinkId;
  readonly connector: string;
  readonly hash: Buffer | null;
  readonly settings: JsonObject;
  /** Sealed. */
  readonly secrets: Buffer | null;
}

export async function ingressRow(sql: Sql, account: AccountId): Promise<IngressRow | undefined> {
  const [row] = await sql.query<IngressRow>(
    `SELECT a.workspace_id AS workspace, a.link_id AS link, a.connector, a.ingress_hash AS hash, l.settings, l.secrets
     FROM account a JOIN link l ON l.id = a.link_id WHERE a.id = $1`,
    [account],
  );
  return row;
}

/** The sealed secret of an account's address. */
export async function ingressSeal(sql: Sql, account: AccountId): Promise<Buffer | undefined> {
  const [row] = await sql.query<{ seal: Buffer | null }>(
    'SELECT ingress_seal AS seal FROM account WHERE id = $1',
    [account],
  );
  return row?.seal ?? undefined;
}

/** Gives an account another secret; answers its new version. */
export async function changeIngress(
  sql: Sql,
  account: AccountId,
  secret: { readonly seal: Buffer; readonly hash: Buffer },
): Promise<number> {
  const [row] = await sql.query<{ version: number }>(
    `UPDATE account SET ingress_seal = $2, ingress_hash = $3, version = version + 1 WHERE id = $1 RETURNING version`,
    [account, secret.seal, secret.hash],
  );
  return row?.version ?? 0;
}
