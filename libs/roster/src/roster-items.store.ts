import type { RosterFact } from '#accounts';
import type { JsonObject } from '#connector';
import type { AccountId, Subscription } from '#model';
import type { Database, Sql } from '#platform';
import type { Place } from './holdings.js';

/** All that is known of one address on one account's roster; null where it is not there. */
export interface RosterRow {
  readonly address: string;
  /** The options of the wish of kind `contact`. */
  readonly wish: JsonObject | null;
  /** The options of the wish of kind `admission`. */
  readonly admission: JsonObject | null;
  readonly listed: boolean | null;
  readonly name: string | null;
  readonly groups: readonly string[] | null;
  readonly subscription: Subscription | null;
  readonly asks: boolean | null;
  readonly awaited: boolean | null;
}

/**
 * What is wanted of a roster and what its network says of it, side by side, in the order of the addresses: those behind
 * `after`, or one. A wish that somebody be taken off hides what the network still says.
 */
export async function readRoster(
  database: Database | Sql,
  account: AccountId,
  which: { readonly after: string; readonly limit: number } | { readonly address: string },
): Promise<RosterRow[]> {
  const one = 'address' in which;
  // In each table, by its key: what is joined knows its address only after the join.
  const where = `account_id = $1 AND ${one ? 'address = $2' : 'address COLLATE "C" > $2 COLLATE "C"'}`;
  return await database.query<RosterRow>(
    `SELECT address, wish.options AS wish, admission.options AS admission,
       item.listed, item.name, item.groups, item.subscription, item.asks, item.awaited
     FROM (SELECT address, options FROM desired WHERE ${where} AND kind = 'contact') wish
     FULL JOIN (SELECT address, options FROM desired WHERE ${where} AND kind = 'admission') admission
       USING (address)
     FULL JOIN (SELECT * FROM roster_item WHERE ${where}) item USING (address)
     WHERE coalesce(wish.options ->> 'removed', '') <> 'true' OR admission.options IS NOT NULL OR item.asks
     ORDER BY address COLLATE "C" LIMIT $3`,
    one ? [account, which.address, 1] : [account, which.after, which.limit],
  );
}

/** Keeps what networks say of their rosters. Answers those that are not as they were; the last word on a place counts. */
export async function writeItems(sql: Sql, items: readonly RosterFact[]): Promise<Place[]> {
  if (items.length === 0) return [];
  return await sql.query<Place>(
    `WITH said AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS said
         (account_id uuid, address text, listed boolean, name text, groups text[], subscription text, asks boolean,
          awaited boolean)
     ), gone AS (
       DELETE FROM roster_item item USING said
       WHERE item.account_id = said.account_id AND item.address = said.address AND NOT said.listed AND NOT said.asks
       RETURNING item.account_id, item.address
     ), kept AS (
       INSERT INTO roster_item AS item (account_id, address, listed, name, groups, subscription, asks, awaited)
       SELECT account_id, address, listed, name, groups, subscription, asks, awaited
       FROM said WHERE listed OR asks ORDER BY account_id, address
       ON CONFLICT (account_id, address) DO UPDATE
       SET listed = excluded.listed, name = excluded.name, groups = excluded.groups, changed_at = now(),
         subscription = excluded.subscription, asks = excluded.asks, awaited = excluded.awaited
       WHERE (item.listed, item.name, item.groups, item.subscription, item.asks, item.awaited) IS DISTINCT FROM
         (excluded.listed, excluded.name, excluded.groups, excluded.subscription, excluded.asks, excluded.awaited)
       RETURNING item.account_id, item.address
     )
     SELECT account_id AS account, address FROM gone UNION ALL SELECT account_id, address FROM kept`,
    [JSON.stringify(items.map(({ account, ...item }) => ({ account_id: account, ...item })))],
  );
}
