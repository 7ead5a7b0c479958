import { Injectable } from '@nestjs/common';
import { conversationChanged, conversationKey } from '#conversations';
import {
  failure,
  type AccountId,
  type ConversationId,
  type EnvelopeId,
  type MessageId,
  type NewEvent,
  type PersonId,
} from '#model';
import { asJson, type Sql } from '#platform';

/** Why nothing goes to somebody who has asked for no more. */
export const optedOut = failure('opted-out', 'They have asked not to be written to any more.');

/** Answers that the law demands, to one conversation within an hour: machines on both sides may answer each other. */
const MOST_ANSWERS = 5;

/** Whether somebody may be written to, as was said last. */
export interface OptOutRow {
  readonly account: AccountId;
  /** The conversation's. */
  readonly address: string;
  readonly optedOut: boolean;
  /** Of ours, who has put it down; absent where they have said it themselves, in `message`. */
  readonly person?: PersonId | null;
  readonly message?: MessageId | null;
  readonly reason?: string | null;
  readonly at: Date;
}

const COLUMNS = `o.account_id AS account, o.address, o.opted_out AS "optedOut", o.person_id AS person,
  o.message_id AS message, o.reason, o.at`;

/** Who may not be written to. Rows are written and read for decisions under the lock of their conversation. */
@Injectable()
export class OptOutStore {
  /** Which of these conversations, locked before, may not be written to. */
  async among(sql: Sql, locked: Iterable<ConversationId>): Promise<ReadonlySet<ConversationId>> {
    const ids = [...locked];
    if (ids.length === 0) return new Set();
    // A statement of its own: what is read together with waiting for a lock may be from before the wait.
    const rows = await sql.query<{ id: ConversationId }>(
      `SELECT c.id FROM conversation c JOIN opt_out o ON o.account_id = c.account_id AND o.address = c.address
       WHERE c.id = ANY($1::uuid[]) AND o.opted_out`,
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** What was said of these places, by `conversationKey`. */
  async said(
    sql: Sql,
    places: readonly { readonly account: AccountId; readonly address: string }[],
  ): Promise<Map<string, OptOutRow>> {
    const rows = await sql.query<OptOutRow>(
      `SELECT ${COLUMNS} FROM json_to_recordset($1::json) AS g(account uuid, address text)
       JOIN opt_out o ON o.account_id = g.account AND o.address = g.address`,
      [asJson(places)],
    );
    return new Map(rows.map((row) => [conversationKey(row.account, row.address), row]));
  }

  /** Writes what is said last; answers the events of the conversations that it is said of. */
  async save(sql: Sql, rows: readonly OptOutRow[]): Promise<NewEvent[]> {
    if (rows.length === 0) return [];
    const changed = await sql.query<{ id: ConversationId; account_id: AccountId }>(
      `WITH given AS (
         SELECT * FROM json_to_recordset($1::json) AS g(account uuid, address text, "optedOut" boolean, person uuid,
           message uuid, reason text, at timestamptz)
       ), saved AS (
         INSERT INTO opt_out (account_id, address, opted_out, person_id, message_id, reason, at)
         SELECT account, address, "optedOut", person, message, reason, at FROM given ORDER BY account, address
         ON CONFLICT (account_id, address) DO UPDATE SET opted_out = excluded.opted_out, at = excluded.at,
           person_id = excluded.person_id, message_id = excluded.message_id, reason = excluded.reason
       )
       UPDATE conversation c SET version = c.version + 1 FROM given g
       WHERE c.account_id = g.account AND c.address = g.address AND c.held
       RETURNING c.id, c.account_id`,
      [asJson(rows)],
    );
    return changed.map((row) => conversationChanged(row.account_id, row.id));
  }

  /** What still waits to leave to these conversations. */
  async waiting(sql: Sql, conversations: readonly ConversationId[]): Promise<EnvelopeId[]> {
    if (conversations.length === 0) return [];
    const rows = await sql.query<{ id: EnvelopeId }>(
      `SELECT e.id FROM message m JOIN envelope e ON e.message_id = m.id
       WHERE m.conversation_id = ANY($1::uuid[]) AND e.state IN ('accepted', 'waiting')`,
      [conversations],
    );
    return rows.map(({ id }) => id);
  }

  /** How many of the answers that are wanted may go to each conversation by now; they are counted. */
  async grantAnswers(
    sql: Sql,
    wanted: ReadonlyMap<ConversationId, number>,
  ): Promise<Map<ConversationId, number>> {
    if (wanted.size === 0) return new Map();
    const rows = await sql.query<{ id: ConversationId; granted: number }>(
      `WITH given AS (
         SELECT c.id, c.fresh, CASE WHEN c.fresh THEN 0 ELSE c.answers END AS before, g.wanted
         FROM json_to_recordset($1::json) AS g(id uuid, wanted int)
         JOIN (SELECT id, answers, coalesce(answers_since <= now() - interval '1 hour', true) AS fresh
           FROM conversation) c ON c.id = g.id
       )
       UPDATE conversation c SET answers = least(g.before + g.wanted, ${String(MOST_ANSWERS)}),
         answers_since = CASE WHEN g.fresh THEN now() ELSE c.answers_since END
       FROM given g WHERE c.id = g.id
       RETURNING c.id, least(g.wanted, ${String(MOST_ANSWERS)} - g.before) AS granted`,
      [asJson([...wanted].map(([id, count]) => ({ id, wanted: count })))],
    );
    return new Map(rows.map(({ id, granted }) => [id, granted]));
  }

  /** A page of what was said, in the order of accounts and addresses. */
  async page(
    sql: Sql,
    filter: {
      readonly accounts: readonly AccountId[];
      readonly address?: string | undefined;
      readonly optedOut?: boolean | undefined;
    },
    after: { readonly account: string; readonly address: string } | undefined,
    limit: number,
  ): Promise<OptOutRow[]> {
    return await sql.query<OptOutRow>(
      `SELECT ${COLUMNS} FROM opt_out o
       WHERE o.account_id = ANY($1::uuid[]) AND ($2::text IS NULL OR o.address = $2)
         AND ($3::boolean IS NULL OR o.opted_out = $3)
         AND ($4::uuid IS NULL OR (o.account_id, o.address) > ($4::uuid, $5::text))
       ORDER BY o.account_id, o.address LIMIT $6`,
      [
        filter.accounts,
        filter.address ?? null,
        filter.optedOut ?? null,
        after?.account ?? null,
        after?.address ?? null,
        limit,
      ],
    );
  }

  /** The conversation that an address leads to. */
  async conversationAt(sql: Sql, account: AccountId, address: string): Promise<ConversationId | undefined> {
    const [row] = await sql.query<{ id: ConversationId }>(
      'SELECT id FROM conversation WHERE account_id = $1 AND address = $2 AND held',
      [account, address],
    );
    return row?.id;
  }
}
