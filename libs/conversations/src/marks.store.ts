import { maxUnread, type Mark } from '#api';
import { encodeCursor, type Alongside } from '#bus';
import type { AccountId, ConversationId, PersonId } from '#model';
import { asJson, type Sql } from '#platform';
import { notHidden } from './message.views.store.js';

interface MarkRow {
  id: ConversationId;
  sequence: bigint | null;
  draft: string | null;
  muted: boolean | null;
  pinned: boolean | null;
  version: number | null;
  unread: bigint;
  counted_to: bigint | null;
}

/**
 * What counts as unread once it is new: said by others, as it happened or while catching up. It rests on what never
 * changes of a message, so that a reader who applies events counts the same; a retracted one still shows that it was.
 */
const countable = `message.origin = 'remote' AND message.kind = 'message'`;

/** Along the index for each mode; as one condition the planner may rather read the whole table for a few. */
const unreadOf = (mode: string): string =>
  `(SELECT FROM message
    WHERE message.conversation_id = asked.id AND message.mode = '${mode}' AND ${countable}
      AND message.sequence > coalesce(mark.sequence, 0) AND ${notHidden(2)}
    ORDER BY message.sequence LIMIT ${String(maxUnread)})`;

const lastOf = (mode: string): string =>
  `(SELECT message.sequence FROM message
    WHERE message.conversation_id = asked.id AND message.mode = '${mode}'
    ORDER BY message.sequence DESC LIMIT 1)`;

/** What a person did with these conversations, and what they have not read: one statement for any number. */
export async function readMarks(
  sql: Sql,
  ids: readonly string[],
  person: PersonId,
): Promise<Map<string, Mark>> {
  const rows = await sql.query<MarkRow>(
    `SELECT asked.id, mark.sequence, mark.draft, mark.muted, mark.pinned, mark.version,
       (SELECT count(*) FROM (${unreadOf('live')} UNION ALL ${unreadOf('catch-up')}) AS unread) AS unread,
       greatest(${lastOf('live')}, ${lastOf('catch-up')}) AS counted_to
     FROM unnest($1::uuid[]) AS asked (id)
     LEFT JOIN read_mark mark ON mark.conversation_id = asked.id AND mark.person_id = $2::uuid`,
    [ids, person],
  );
  return new Map(rows.map((row) => [row.id, markOf(row)]));
}

function markOf(row: MarkRow): Mark {
  return {
    conversation: row.id,
    readMark: cursorOf(row.sequence),
    unread: Math.min(Number(row.unread), maxUnread),
    countedTo: cursorOf(row.counted_to),
    draft: row.draft,
    muted: row.muted ?? false,
    pinned: row.pinned ?? false,
    version: row.version ?? 0,
  };
}

function cursorOf(sequence: bigint | null): string | null {
  return sequence === null || sequence === 0n ? null : encodeCursor(sequence);
}

/** What a person changes about a conversation; what is left out stays. */
export interface MarkChange {
  readonly draft?: string | null;
  readonly muted?: boolean;
  readonly pinned?: boolean;
  /** Never beyond the log's head and never backwards. */
  readonly sequence?: bigint;
}

/** Whether the change would change anything. */
export async function changesMark(
  sql: Sql,
  person: PersonId,
  conversation: ConversationId,
  change: MarkChange,
): Promise<boolean> {
  const [row] = await sql.query<{ draft: string | null; muted: boolean; pinned: boolean; sequence: bigint }>(
    `SELECT draft, muted, pinned, sequence FROM read_mark WHERE person_id = $1 AND conversation_id = $2`,
    [person, conversation],
  );
  const now = row ?? { draft: null, muted: false, pinned: false, sequence: 0n };
  return (
    (change.draft !== undefined && change.draft !== now.draft) ||
    (change.muted !== undefined && change.muted !== now.muted) ||
    (change.pinned !== undefined && change.pinned !== now.pinned) ||
    (change.sequence !== undefined && change.sequence > now.sequence)
  );
}

/**
 * The change, alongside the append of its event: whoever writes marks takes the log's head first and the mark after it,
 * as the sends do that move their person's mark, so that none waits for another in a circle.
 */
export function changeMark(person: PersonId, conversation: ConversationId, change: MarkChange): Alongside {
  return {
    ctes: (from) => {
      const param = (index: number) => `$${String(from + index)}`;
      return `marked AS (
        INSERT INTO read_mark AS mark (person_id, conversation_id, draft, muted, pinned, sequence)
        SELECT ${param(0)}::uuid, ${param(1)}::uuid, ${param(2)}::text, coalesce(${param(4)}::boolean, false),
          coalesce(${param(5)}::boolean, false),
          least(coalesce(${param(6)}::bigint, 0), (SELECT max(sequence) FROM numbered))
        ON CONFLICT (person_id, conversation_id) DO UPDATE SET
          draft = CASE WHEN ${param(3)}::boolean THEN excluded.draft ELSE mark.draft END,
          muted = coalesce(${param(4)}::boolean, mark.muted),
          pinned = coalesce(${param(5)}::boolean, mark.pinned),
          sequence = greatest(mark.sequence, excluded.sequence),
          version = mark.version + 1, changed_at = now()
      )`;
    },
    params: [
      person,
      conversation,
      change.draft ?? null,
      change.draft !== undefined,
      change.muted ?? null,
      change.pinned ?? null,
      change.sequence ?? null,
    ],
  };
}

/** Our person has read a conversation up to a moment of the network's time. */
export interface ReadElsewhere {
  readonly account: AccountId;
  readonly address: string;
  readonly upTo: Date;
}

interface Reached {
  readonly person: PersonId;
  readonly conversation: ConversationId;
  readonly sequence: bigint;
}

/**
 * Where the marks of the accounts' holders would stand, of those that would move. A mark is a number and what was read
 * is told by its time, and the two orders may differ: the mark stops before the first message that is later than that.
 */
export async function reachedElsewhere(sql: Sql, reads: readonly ReadElsewhere[]): Promise<Reached[]> {
  if (reads.length === 0) return [];
  const laterOf = (mode: string): string =>
    `(SELECT message.sequence FROM message
      WHERE message.conversation_id = c.id AND message.mode = '${mode}' AND ${countable}
        AND message.sequence > coalesce(mark.sequence, 0) AND message.at > g.up_to
      ORDER BY message.sequence LIMIT 1)`;
  return await sql.query<Reached & { sequence: bigint }>(
    `SELECT c.id AS conversation, a.holder_id AS person, reached.sequence
     FROM (SELECT account, address, max("upTo") AS up_to
       FROM json_to_recordset($1::json) AS r(account uuid, address text, "upTo" timestamptz)
       GROUP BY account, address) AS g
     JOIN conversation c ON c.account_id = g.account AND c.address = g.address AND c.held
     JOIN account a ON a.id = g.account
     LEFT JOIN read_mark mark ON mark.conversation_id = c.id AND mark.person_id = a.holder_id
     CROSS JOIN LATERAL (SELECT coalesce(
       least(${laterOf('live')}, ${laterOf('catch-up')}) - 1,
       greatest((SELECT message.sequence FROM message WHERE message.conversation_id = c.id
           AND message.mode = 'live' ORDER BY message.sequence DESC LIMIT 1),
         (SELECT message.sequence FROM message WHERE message.conversation_id = c.id
           AND message.mode = 'catch-up' ORDER BY message.sequence DESC LIMIT 1))) AS sequence) AS reached
     WHERE reached.sequence > coalesce(mark.sequence, 0)
     ORDER BY a.holder_id, c.id`,
    [asJson(reads.map(({ upTo, ...read }) => ({ ...read, upTo: upTo.toISOString() })))],
  );
}

/** Marks moved forward, alongside the append of their events (see `changeMark`). */
export function moveMarks(moves: readonly Reached[]): Alongside {
  return {
    params: [asJson(moves.map((move) => ({ ...move, sequence: String(move.sequence) })))],
    ctes: (from) => `moved AS (
      INSERT INTO read_mark AS mark (person_id, conversation_id, sequence)
      SELECT g.person, g.conversation, g.sequence
      FROM json_to_recordset($${String(from)}::json) AS g(person uuid, conversation uuid, sequence bigint)
      ON CONFLICT (person_id, conversation_id) DO UPDATE SET sequence = greatest(mark.sequence, excluded.sequence),
        version = mark.version + 1, changed_at = now()
    )`,
  };
}
