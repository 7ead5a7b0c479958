import { Injectable } from '@nestjs/common';
import type { Admission, DesiredContact, DesiredState, JsonObject } from '#connector';
import { presences, type AccountId, type AdmissionAnswer, type Presence, type Subscription } from '#model';
import { Database, type Sql } from '#platform';

/** Rooms to be in, people on the roster, who may see our person's presence, the presence to show. */
export type DesireKind = 'room' | 'contact' | 'admission' | 'presence';

/** What an account shows when its person never said. */
const usualPresence: DesiredState['presence'] = { presence: 'available' };

/** The presences that a person can want; unknown is not a wish. */
const wanted: ReadonlySet<string> = new Set<Presence>(presences.filter((presence) => presence !== 'unknown'));

/**
 * What must survive a reconnect. A session brings its network in line with it at every connect, and at once when the
 * channel `links` tells of a change: call `LinkBook.changed` after the commit.
 */
@Injectable()
export class Desires {
  constructor(private readonly database: Database) {}

  /** Wants something, or wants it otherwise. `address` is empty for a presence. */
  async set(
    sql: Sql,
    account: AccountId,
    kind: DesireKind,
    address: string,
    options: JsonObject = {},
  ): Promise<void> {
    await this.setAll(sql, kind, [{ account, address, options }]);
  }

  /** Wants any number of one kind, each once, in one statement. */
  async setAll(
    sql: Sql,
    kind: DesireKind,
    wishes: readonly {
      readonly account: AccountId;
      readonly address: string;
      readonly options: JsonObject;
    }[],
  ): Promise<void> {
    if (wishes.length === 0) return;
    await sql.query(
      `INSERT INTO desired (account_id, kind, address, options)
       SELECT account, $1, address, options
       FROM jsonb_to_recordset($2::jsonb) AS wish (account uuid, address text, options jsonb) ORDER BY account, address
       ON CONFLICT (account_id, kind, address) DO UPDATE SET options = excluded.options`,
      [kind, JSON.stringify(wishes)],
    );
  }

  /** Wants it no more. Answers whether it was wanted. */
  async remove(sql: Sql, account: AccountId, kind: DesireKind, address: string): Promise<boolean> {
    return (await this.removeAll(sql, kind, [{ account, address }])) > 0;
  }

  /** Wants any number of one kind no more, in one statement. Answers how many were wanted. */
  async removeAll(
    sql: Sql,
    kind: DesireKind,
    places: readonly { readonly account: AccountId; readonly address: string }[],
  ): Promise<number> {
    if (places.length === 0) return 0;
    const gone = await sql.query(
      `DELETE FROM desired USING unnest($2::uuid[], $3::text[]) AS place (account_id, address)
       WHERE desired.account_id = place.account_id AND desired.kind = $1 AND desired.address = place.address
       RETURNING 1`,
      [kind, places.map(({ account }) => account), places.map(({ address }) => address)],
    );
    return gone.length;
  }

  /** How much of a kind an account wants. */
  async countOf(sql: Sql, account: AccountId, kind: DesireKind): Promise<number> {
    const [row] = await sql.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM desired WHERE account_id = $1 AND kind = $2',
      [account, kind],
    );
    return row?.count ?? 0;
  }

  /**
   * Networks said how their rosters stand: what was wanted and is so is settled, and what was settled and is otherwise was
   * done elsewhere, so it is wanted no longer, or wanted as it is. What the network does not have yet goes on being wanted.
   */
  async settle(sql: Sql, facts: readonly RosterFact[]): Promise<void> {
    await sql.query(
      `WITH fact AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS fact
           (account uuid, address text, listed boolean, name text, groups jsonb, subscription text, asks boolean,
            awaited boolean)
       ), off AS (
         DELETE FROM desired wish USING fact
         WHERE wish.account_id = fact.account AND wish.address = fact.address AND wish.kind = 'contact'
           AND NOT fact.listed AND wish.options ?| ARRAY['removed', 'settled']
       ), answered AS (
         DELETE FROM desired wish USING fact
         WHERE wish.account_id = fact.account AND wish.address = fact.address AND wish.kind = 'admission'
           AND NOT fact.asks
           AND (fact.subscription IN ('from', 'both')) = (wish.options ->> 'answer' = 'approve')
       ), wished AS (
         SELECT wish.account_id, wish.address, (wish.options - 'name')
           || jsonb_build_object('groups', fact.groups, 'settled', true)
           || CASE WHEN fact.name IS NULL THEN '{}' ELSE jsonb_build_object('name', fact.name) END AS options
         FROM desired wish JOIN fact ON wish.account_id = fact.account AND wish.address = fact.address
         WHERE wish.kind = 'contact' AND fact.listed AND NOT wish.options ? 'removed'
           AND (wish.options ? 'settled'
             OR (wish.options ->> 'name' IS NOT DISTINCT FROM fact.name
               AND wish.options -> 'groups' @> fact.groups AND fact.groups @> (wish.options -> 'groups')
               AND (fact.subscription IN ('to', 'both') OR fact.awaited)))
         ORDER BY wish.account_id, wish.address FOR UPDATE OF wish
       )
       UPDATE desired wish SET options = wished.options FROM wished
       WHERE wish.account_id = wished.account_id AND wish.kind = 'contact' AND wish.address = wished.address
         AND wish.options IS DISTINCT FROM wished.options`,
      [JSON.stringify(facts)],
    );
  }

  /** Those of these places that are somebody's contact: one statement for any number. */
  async contactsAmong<P extends { readonly account: AccountId; readonly address: string }>(
    sql: Sql,
    places: readonly P[],
  ): Promise<P[]> {
    if (places.length === 0) return [];
    const rows = await sql.query<{ at: number }>(
      `SELECT (place.at - 1)::int AS at
       FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS place (account_id, address, at)
       JOIN desired ON desired.account_id = place.account_id AND desired.kind = 'contact'
         AND desired.address = place.address`,
      [places.map(({ account }) => account), places.map(({ address }) => address)],
    );
    return rows.flatMap(({ at }) => places[at] ?? []);
  }

  /** What is wanted of each of these accounts; an entry for every one of them. */
  async of(accounts: readonly AccountId[]): Promise<Map<AccountId, DesiredState>> {
    const rows = await this.database.query<DesiredRow & { account: AccountId }>(
      `SELECT account_id AS account, kind, address, options FROM desired
       WHERE account_id = ANY($1::uuid[]) ORDER BY account_id, kind, address`,
      [accounts],
    );
    const grouped = new Map<AccountId, DesiredRow[]>(accounts.map((account) => [account, []]));
    for (const row of rows) grouped.get(row.account)?.push(row);
    return new Map([...grouped].map(([account, wanted]) => [account, desiredState(wanted)]));
  }
}

/** What a network's own roster says of an address. */
export interface RosterFact {
  readonly account: AccountId;
  readonly address: string;
  /** False: they only ask. */
  readonly listed: boolean;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly subscription: Subscription;
  readonly asks: boolean;
  readonly awaited: boolean;
}

export interface DesiredRow {
  readonly kind: string;
  readonly address: string;
  readonly options: JsonObject;
}

/** One account's rows as its session is given them. */
export function desiredState(rows: readonly DesiredRow[]): DesiredState {
  const rooms: DesiredState['rooms'][number][] = [];
  const contacts: DesiredContact[] = [];
  const admissions: Admission[] = [];
  let presence = usualPresence;
  for (const { kind, address, options } of rows) {
    if (kind === 'room') rooms.push({ address, options });
    if (kind === 'contact') contacts.push(contactFrom(address, options));
    if (kind === 'admission') admissions.push({ address, answer: answerFrom(options) });
    if (kind === 'presence') presence = presenceFrom(options) ?? presence;
  }
  return { rooms, contacts, admissions, presence };
}

/** A row of kind `contact` as sessions are given it. */
export function contactFrom(address: string, options: JsonObject): DesiredContact {
  const { name, groups, stableAddress, settled, removed } = options;
  return {
    address,
    ...(typeof stableAddress === 'string' && { stableAddress }),
    ...(typeof name === 'string' && { name }),
    groups: Array.isArray(groups) ? groups.filter((one): one is string => typeof one === 'string') : [],
    ...(settled === true && { settled }),
    ...(removed === true && { removed }),
  };
}

/** The answer in a row of kind `admission`. */
export function answerFrom(options: JsonObject): AdmissionAnswer {
  return options['answer'] === 'approve' ? 'approve' : 'deny';
}

function presenceFrom(options: JsonObject): DesiredState['presence'] | undefined {
  const { presence, note } = options;
  if (typeof presence !== 'string' || !wanted.has(presence)) return undefined;
  return typeof note === 'string' && note !== '' ? { presence, note } : { presence };
}
