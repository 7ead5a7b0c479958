import { Injectable } from '@nestjs/common';
import type { Alongside } from '#bus';
import type { AccountId, EnvelopeId, MessageId, PersonId, WorkspaceId } from '#model';
import { asJson, type Sql } from '#platform';
import { PriceBook, type Direction, type PriceRow } from './price-book.js';

/** A workspace's meter, locked until the transaction ends. */
export interface MeterRow {
  readonly prepaid: boolean;
  readonly capped: boolean;
  readonly balance: bigint;
  /** Of the ledger's last entry. */
  readonly sequence: bigint;
  readonly currency: string | null;
  readonly pricesVersion: number;
}

export const capScopes = ['workspace', 'account', 'person'] as const;
export type CapScope = (typeof capScopes)[number];

/** Stands where nobody in particular is meant. */
export const nobody = '00000000-0000-0000-0000-000000000000';

export interface CapRow {
  readonly scope: CapScope;
  /** `nobody`: of each who has none of their own. */
  readonly subject: string;
  readonly parts: bigint | null;
  /** Micro-units. */
  readonly price: bigint | null;
}

/** What has been sent against caps. */
export interface CapUseRow {
  readonly scope: CapScope;
  readonly subject: string;
  readonly day: string;
  readonly parts: bigint;
  readonly price: bigint;
}

export const entryKinds = ['top-up', 'charge', 'refund', 'correction', 'adjustment'] as const;
export type EntryKind = (typeof entryKinds)[number];

export interface NewEntry {
  readonly sequence: bigint;
  readonly kind: EntryKind;
  readonly amount: bigint;
  readonly balance: bigint;
  readonly once?: EnvelopeId | MessageId;
  readonly envelope?: EnvelopeId;
  readonly message?: MessageId;
  readonly person?: PersonId;
  readonly note?: string;
  readonly principal?: string;
  readonly key?: string;
}

/** What is added to a day's usage. */
export interface UsageRow {
  readonly day: string;
  readonly account: AccountId;
  readonly person: string;
  readonly direction: Direction;
  readonly prefix: string;
  readonly connector: string;
  readonly messages: number;
  readonly parts: number;
  readonly price: bigint;
}

/** Everything that one transaction writes of metering. */
export interface Written {
  readonly balance: bigint;
  readonly sequence: bigint;
  readonly entries: readonly NewEntry[];
  readonly usage: readonly UsageRow[];
  /** How the use of caps stands with it. */
  readonly used: readonly CapUseRow[];
}

type PriceTuple = readonly [connector: string, direction: Direction, prefix: string, unit: string];

const METER =
  'prepaid, capped, balance, sequence, currency, prices_version AS "pricesVersion" FROM meter WHERE workspace_id = $1';

/** The meters' tables: `meter`, `price_book`, `ledger`, `cap`, `cap_use`, and what is added to `usage`. */
@Injectable()
export class MeterStore {
  /** Locks the meter. What is read of other tables belongs behind it: read together with a wait it may be from before. */
  async lock(sql: Sql, workspace: WorkspaceId): Promise<MeterRow> {
    const locked = `SELECT ${METER} FOR NO KEY UPDATE`;
    const [row] = await sql.query<MeterRow>(locked, [workspace], { keepPlan: true });
    if (row) return row;
    await sql.query('INSERT INTO meter (workspace_id) VALUES ($1) ON CONFLICT (workspace_id) DO NOTHING', [
      workspace,
    ]);
    const [made] = await sql.query<MeterRow>(locked, [workspace]);
    if (!made) throw new Error(`workspace ${workspace} has no meter`);
    return made;
  }

  /** The meter as it was a moment ago. */
  async read(sql: Sql, workspace: WorkspaceId): Promise<MeterRow> {
    const [row] = await sql.query<MeterRow>(`SELECT ${METER}`, [workspace]);
    return (
      row ?? { prepaid: false, capped: false, balance: 0n, sequence: 0n, currency: null, pricesVersion: 0 }
    );
  }

  async setPrepaid(sql: Sql, workspace: WorkspaceId, prepaid: boolean): Promise<void> {
    await sql.query('UPDATE meter SET prepaid = $2 WHERE workspace_id = $1', [workspace, prepaid]);
  }

  /** The book as it stands; the empty one where none was written. */
  async prices(sql: Sql, workspace: WorkspaceId): Promise<PriceBook> {
    const [row] = await sql.query<{ version: number; currency: string; rows: PriceTuple[] }>(
      'SELECT version, currency, rows FROM price_book WHERE workspace_id = $1',
      [workspace],
    );
    if (!row) return PriceBook.empty;
    return new PriceBook(
      row.version,
      row.currency,
      row.rows.map(([connector, direction, prefix, unit]) => {
        return { connector, direction, prefix, unit: BigInt(unit) };
      }),
    );
  }

  /** The book's version alone. */
  async pricesVersion(sql: Sql, workspace: WorkspaceId): Promise<number> {
    const [row] = await sql.query<{ version: number }>(
      'SELECT version FROM price_book WHERE workspace_id = $1',
      [workspace],
    );
    return row?.version ?? 0;
  }

  /** Writes a book in the place of the last, under the meter's lock; answers its version. */
  async replacePrices(
    sql: Sql,
    workspace: WorkspaceId,
    currency: string,
    rows: readonly PriceRow[],
  ): Promise<number> {
    const tuples = rows.map(({ connector, direction, prefix, unit }): PriceTuple => [
      connector,
      direction,
      prefix,
      unit.toString(),
    ]);
    const [written] = await sql.query<{ version: number }>(
      `INSERT INTO price_book AS b (workspace_id, currency, version, rows) VALUES ($1, $2, 1, $3::jsonb)
       ON CONFLICT (workspace_id) DO UPDATE SET currency = excluded.currency, version = b.version + 1,
         rows = excluded.rows, changed_at = now()
       RETURNING version`,
      [workspace, currency, JSON.stringify(tuples)],
    );
    const version = written?.version ?? 1;
    await sql.query('UPDATE meter SET currency = $2, prices_version = $3 WHERE workspace_id = $1', [
      workspace,
      currency,
      version,
    ]);
    return version;
  }

  /** Whether anything was ever priced here: from then on the currency stays. */
  async hasPriced(sql: Sql, workspace: WorkspaceId): Promise<boolean> {
    const [row] = await sql.query<{ priced: boolean }>(
      `SELECT EXISTS (SELECT FROM ledger WHERE workspace_id = $1)
         OR EXISTS (SELECT FROM usage WHERE workspace_id = $1 AND price <> 0) AS priced`,
      [workspace],
    );
    return row?.priced ?? false;
  }

  /** The caps of a workspace: all of them, or those that concern the subjects. */
  async caps(sql: Sql, workspace: WorkspaceId, subjects?: readonly string[]): Promise<CapRow[]> {
    return await sql.query<CapRow>(
      `SELECT scope, subject, parts, price FROM cap
       WHERE workspace_id = $1 AND ($2::uuid[] IS NULL OR subject = ANY($2::uuid[]))
       ORDER BY scope DESC, subject`,
      [workspace, subjects ?? null],
    );
  }

  /** Which of these are accounts or people of the workspace, as `scope id`. */
  async subjects(sql: Sql, workspace: WorkspaceId, ids: readonly string[]): Promise<Set<string>> {
    const rows = await sql.query<{ found: string }>(
      `SELECT 'account ' || id AS found FROM account WHERE workspace_id = $1 AND id = ANY($2::uuid[])
       UNION ALL
       SELECT 'person ' || person_id FROM membership WHERE workspace_id = $1 AND person_id = ANY($2::uuid[])`,
      [workspace, ids],
    );
    return new Set(rows.map(({ found }) => found));
  }

  /** What has been used on the days that the rows name. */
  async capUse(sql: Sql, workspace: WorkspaceId, subjects: readonly string[]): Promise<CapUseRow[]> {
    return await sql.query<CapUseRow>(
      `SELECT scope, subject, day::text AS day, parts, price FROM cap_use
       WHERE workspace_id = $1 AND subject = ANY($2::uuid[])`,
      [workspace, subjects],
    );
  }

  /** Writes caps in the place of the last, under the meter's lock, and reckons what the day has used of them so far. */
  async replaceCaps(sql: Sql, workspace: WorkspaceId, caps: readonly CapRow[], day: string): Promise<void> {
    await sql.query('DELETE FROM cap WHERE workspace_id = $1', [workspace]);
    await sql.query('DELETE FROM cap_use WHERE workspace_id = $1', [workspace]);
    await sql.query('UPDATE meter SET capped = $2 WHERE workspace_id = $1', [workspace, caps.length > 0]);
    if (caps.length === 0) return;
    await sql.query(
      `INSERT INTO cap (workspace_id, scope, subject, parts, price)
       SELECT $1, scope, subject, parts, price
       FROM json_to_recordset($2::json) AS g(scope text, subject uuid, parts bigint, price bigint)`,
      [workspace, asJson(caps)],
    );
    await sql.query(
      `INSERT INTO cap_use (workspace_id, scope, subject, day, parts, price)
       SELECT $1, CASE WHEN grouping(account_id) = 0 THEN 'account' WHEN grouping(person_id) = 0 THEN 'person' ELSE 'workspace' END,
         coalesce(account_id, person_id, $3::uuid), $2::date, sum(parts), sum(price)
       FROM usage WHERE workspace_id = $1 AND day = $2::date AND direction = 'out'
       GROUP BY GROUPING SETS ((account_id), (person_id), ())
       HAVING count(*) > 0`,
      [workspace, day, nobody],
    );
  }

  /**
   * What one transaction writes, for the statement that numbers its events: entries and balance (the meter is locked), use
   * of caps, and usage, whose rows are changed by holders of the log's head only.
   */
  alongside(workspace: WorkspaceId, { entries, usage, used, balance, sequence }: Written): Alongside {
    const ctes = [
      ...(entries.length > 0 ? [ENTER] : []),
      ...(used.length > 0 ? [USE_CAPS] : []),
      ...(usage.length > 0 ? [COUNT] : []),
    ];
    return {
      params: [workspace, balance, sequence, asJson(entries), asJson(used), asJson(usage)],
      ctes: (from) => {
        const at = (index: number): string => `$${String(from + index)}`;
        const given = `metered AS (
          SELECT ${at(0)}::uuid AS workspace, ${at(1)}::bigint AS balance, ${at(2)}::bigint AS sequence,
            ${at(3)}::json AS entries, ${at(4)}::json AS used, ${at(5)}::json AS usage
        )`;
        return [given, ...ctes].join(', ');
      },
    };
  }
}

const ENTER = `made_entry AS (
    INSERT INTO ledger (workspace_id, sequence, kind, amount, balance, once, envelope_id, message_id, person_id, note,
      principal, key)
    SELECT m.workspace, g.sequence, g.kind, g.amount, g.balance, g.once, g.envelope, g.message, g.person, g.note,
      g.principal, g.key
    FROM metered m, json_to_recordset(m.entries) AS g(sequence bigint, kind text, amount bigint, balance bigint,
      once uuid, envelope uuid, message uuid, person uuid, note text, principal uuid, key text)
  ), moved_balance AS (
    UPDATE meter SET balance = m.balance, sequence = m.sequence FROM metered m WHERE workspace_id = m.workspace
  )`;

const USE_CAPS = `used_cap AS (
    INSERT INTO cap_use AS c (workspace_id, scope, subject, day, parts, price)
    SELECT m.workspace, g.scope, g.subject, g.day, g.parts, g.price
    FROM metered m, json_to_recordset(m.used) AS g(scope text, subject uuid, day date, parts bigint, price bigint)
    ON CONFLICT (workspace_id, scope, subject)
      DO UPDATE SET day = excluded.day, parts = excluded.parts, price = excluded.price
  )`;

/** Asks for a number first, and so for the log's head: only who holds that changes usage. */
const COUNT = `counted AS (
    INSERT INTO usage AS u (workspace_id, day, account_id, person_id, direction, prefix, connector, messages, parts, price)
    SELECT m.workspace, g.day, g.account, g.person, g.direction, g.prefix, g.connector, g.messages, g.parts, g.price
    FROM metered m, json_to_recordset(m.usage) AS g(day date, account uuid, person uuid, direction text, prefix text,
      connector text, messages bigint, parts bigint, price bigint)
    WHERE EXISTS (SELECT FROM numbered)
    ON CONFLICT (workspace_id, day, account_id, person_id, direction, prefix) DO UPDATE SET
      messages = u.messages + excluded.messages, parts = u.parts + excluded.parts, price = u.price + excluded.price
  )`;
