import { Injectable } from '@nestjs/common';
import type { JsonObject } from '#connector';
import { newId, type AccountId, type WorkspaceId } from '#model';
import { asJson, type Sql } from '#platform';

/** How much of one account may wait to be taken in: items, and bytes of them. */
const mostWaiting = { items: 10_000, bytes: 64 * 1_024 * 1_024 } as const;
/** How long the ids of what was stored are kept. A day more than the contract promises. */
const seenDays = 8;

/** A fact as it is stored: its id as a hash, so that it is as short as an index wants it. */
export interface NewIngressItem {
  /** SHA-256 of the provider's id, in hex. */
  readonly id?: string;
  readonly item: JsonObject;
  /** Bytes of it as JSON. */
  readonly size: number;
}

export interface WaitingItem {
  readonly sequence: bigint;
  readonly item: JsonObject;
}

/** What providers called us with, from before they are answered until a session has it. */
@Injectable()
export class IngressStore {
  /**
   * Stores what is new of one request, all of it or, where too much waits already, none.
   * @returns `full`, or how many were new
   */
  async keep(sql: Sql, account: AccountId, items: readonly NewIngressItem[]): Promise<number | 'full'> {
    const rows = items.map((one, at) => ({ at, ...one }));
    const [row] = await sql.query<{ free: boolean; kept: number }>(
      `WITH given AS (
         SELECT at, decode(id, 'hex') AS id, item, size
         FROM json_to_recordset($2::json) AS g(at int, id text, item json, size int)
       ), room AS (
         SELECT count(*) < $3 AND coalesce(sum(size), 0) < $4 AS free
         FROM (SELECT size FROM ingress_item WHERE account_id = $1 LIMIT $3) AS waiting
       ), fresh AS (
         INSERT INTO ingress_seen (account_id, id)
         SELECT $1, given.id FROM given, room WHERE room.free AND given.id IS NOT NULL ORDER BY given.id
         ON CONFLICT DO NOTHING RETURNING id
       ), kept AS (
         INSERT INTO ingress_item (account_id, item, size)
         SELECT $1, given.item, given.size FROM given, room
         WHERE room.free AND (given.id IS NULL OR given.id IN (SELECT id FROM fresh)) ORDER BY given.at
         RETURNING 1
       )
       SELECT room.free, (SELECT count(*)::int FROM kept) AS kept FROM room`,
      [account, asJson(rows), mostWaiting.items, mostWaiting.bytes],
    );
    return row?.free === true ? row.kept : 'full';
  }

  /** The first of what waits for an account, in the order in which it came. */
  async waiting(sql: Sql, account: AccountId, limit: number): Promise<WaitingItem[]> {
    return await sql.query<WaitingItem>(
      'SELECT sequence, item FROM ingress_item WHERE account_id = $1 ORDER BY sequence LIMIT $2',
      [account, limit],
    );
  }

  /** Which of these accounts have something waiting. */
  async awaited(sql: Sql, accounts: readonly AccountId[]): Promise<AccountId[]> {
    const rows = await sql.query<{ id: AccountId }>(
      `SELECT a.id FROM unnest($1::uuid[]) AS a(id)
       WHERE EXISTS (SELECT FROM ingress_item i WHERE i.account_id = a.id)`,
      [accounts],
    );
    return rows.map(({ id }) => id);
  }

  async taken(sql: Sql, sequences: readonly bigint[]): Promise<void> {
    await sql.query('DELETE FROM ingress_item WHERE sequence = ANY($1::bigint[])', [sequences]);
  }

  /** Sets an item aside that its session broke over, raw, so that it can be replayed when the fault is mended. */
  async setAside(
    sql: Sql,
    about: { readonly workspace: WorkspaceId; readonly account: AccountId },
    item: JsonObject,
    detail: string,
  ): Promise<void> {
    await sql.query(
      `INSERT INTO quarantine (id, workspace_id, account_id, event, code, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
      [
        newId<'QuarantineId'>(),
        about.workspace,
        about.account,
        Buffer.from(JSON.stringify(item)),
        'ingress',
        detail.slice(0, 500),
      ],
    );
  }

  /** Forgets the ids of what came long ago. */
  async forget(sql: Sql): Promise<void> {
    await sql.query(`DELETE FROM ingress_seen WHERE at < now() - make_interval(days => $1)`, [seenDays]);
  }
}
