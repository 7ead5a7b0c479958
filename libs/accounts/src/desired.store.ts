import { Injectable } from '@nestjs/common';
import type { DesiredState, JsonObject } from '#connector';
import { presences, type AccountId, type Presence } from '#model';
import { Database, type Sql } from '#platform';

/** Rooms to be in, the presence to show, who is blocked. */
export type DesireKind = 'room' | 'presence' | 'block';

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
  let presence = usualPresence;
  for (const { kind, address, options } of rows) {
    if (kind === 'room') rooms.push({ address, options });
    if (kind === 'presence') presence = presenceFrom(options) ?? presence;
  }
  return { rooms, presence };
}

function presenceFrom(options: JsonObject): DesiredState['presence'] | undefined {
  const { presence, note } = options;
  if (typeof presence !== 'string' || !wanted.has(presence)) return undefined;
  return typeof note === 'string' && note !== '' ? { presence, note } : { presence };
}
