import { Injectable } from '@nestjs/common';
import type { DesiredContact, DesiredState, JsonObject } from '#connector';
import { presences, type AccountId, type Presence } from '#model';
import { Database, type Sql } from '#platform';

/** Rooms to be in, people on the roster, the presence to show, who is blocked. */
export type DesireKind = 'room' | 'contact' | 'presence' | 'block';

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
    await this.setAll(sql, [account], kind, address, options);
  }

  /** Wants the same of many accounts, in one statement. */
  async setAll(
    sql: Sql,
    accounts: readonly AccountId[],
    kind: DesireKind,
    address: string,
    options: JsonObject = {},
  ): Promise<void> {
    await sql.query(
      `INSERT INTO desired (account_id, kind, address, options)
       SELECT account, $2, $3, $4::jsonb FROM unnest($1::uuid[]) AS account ORDER BY account
       ON CONFLICT (account_id, kind, address) DO UPDATE SET options = excluded.options`,
      [accounts, kind, address, JSON.stringify(options)],
    );
  }

  /** Wants it no more. Answers whether it was wanted. */
  async remove(sql: Sql, account: AccountId, kind: DesireKind, address: string): Promise<boolean> {
    const gone = await sql.query(
      'DELETE FROM desired WHERE account_id = $1 AND kind = $2 AND address = $3 RETURNING 1',
      [account, kind, address],
    );
    return gone.length > 0;
  }

  /** An account's contacts in the order of their addresses, those behind `after`, at most so many. */
  async contacts(account: AccountId, after: string, limit: number): Promise<DesiredContact[]> {
    const rows = await this.database.query<DesiredRow>(
      `SELECT kind, address, options FROM desired
       WHERE account_id = $1 AND kind = 'contact' AND address COLLATE "C" > $2 COLLATE "C"
       ORDER BY address COLLATE "C" LIMIT $3`,
      [account, after, limit],
    );
    return rows.map((row) => contactFrom(row.address, row.options));
  }

  /** One of an account's contacts, if it is one. */
  async contact(sql: Sql, account: AccountId, address: string): Promise<DesiredContact | undefined> {
    const [row] = await sql.query<DesiredRow>(
      `SELECT kind, address, options FROM desired WHERE account_id = $1 AND kind = 'contact' AND address = $2`,
      [account, address],
    );
    return row && contactFrom(row.address, row.options);
  }

  /** How many contacts an account has. */
  async countContacts(sql: Sql, account: AccountId): Promise<number> {
    const [row] = await sql.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM desired WHERE account_id = $1 AND kind = 'contact'`,
      [account],
    );
    return row?.count ?? 0;
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

export interface DesiredRow {
  readonly kind: string;
  readonly address: string;
  readonly options: JsonObject;
}

/** One account's rows as its session is given them. */
export function desiredState(rows: readonly DesiredRow[]): DesiredState {
  const rooms: DesiredState['rooms'][number][] = [];
  const contacts: DesiredContact[] = [];
  let presence = usualPresence;
  for (const { kind, address, options } of rows) {
    if (kind === 'room') rooms.push({ address, options });
    if (kind === 'contact') contacts.push(contactFrom(address, options));
    if (kind === 'presence') presence = presenceFrom(options) ?? presence;
  }
  return { rooms, contacts, presence };
}

/** A row of kind `contact` as sessions are given it. */
export function contactFrom(address: string, options: JsonObject): DesiredContact {
  const { name, groups, stableAddress } = options;
  return {
    address,
    ...(typeof stableAddress === 'string' && { stableAddress }),
    ...(typeof name === 'string' && { name }),
    groups: Array.isArray(groups) ? groups.filter((one): one is string => typeof one === 'string') : [],
  };
}

function presenceFrom(options: JsonObject): DesiredState['presence'] | undefined {
  const { presence, note } = options;
  if (typeof presence !== 'string' || !wanted.has(presence)) return undefined;
  return typeof note === 'string' && note !== '' ? { presence, note } : { presence };
}
