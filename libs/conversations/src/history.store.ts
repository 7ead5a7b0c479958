import type { Gap } from '#api';
import type { AccountId, ConversationId, MessageId, PersonId } from '#model';
import type { Sql } from '#platform';
import { notHidden } from './message.views.store.js';

/** Where a message stands in its conversation. */
export interface Standing {
  /** Microseconds since 1970. */
  readonly position: bigint;
  readonly sequence: bigint;
}

export interface Stretch {
  readonly after: Standing | undefined;
  readonly before: Standing | undefined;
  /** From which end the page is filled. */
  readonly from: 'oldest' | 'newest';
}

const infinity = 2n ** 63n - 1n;
/** Before whatever could be stored. */
export const start: Standing = { position: -infinity, sequence: 0n };
/** Behind whatever could be stored. */
export const end: Standing = { position: infinity, sequence: infinity };

/** Messages of a stretch that this person has not hidden, from its newest or its oldest end. */
export async function readStretch(
  sql: Sql,
  conversation: ConversationId,
  person: PersonId,
  stretch: Stretch,
  limit: number,
): Promise<(Standing & { readonly id: MessageId })[]> {
  const { after = start, before = end } = stretch;
  const order = stretch.from === 'newest' ? 'DESC' : 'ASC';
  return await sql.query(
    `SELECT message.id, message.position, message.sequence FROM message
     WHERE message.conversation_id = $1
       AND (message.position, message.sequence) > ($3::bigint, $4::bigint)
       AND (message.position, message.sequence) < ($5::bigint, $6::bigint)
       AND ${notHidden(2)}
     ORDER BY message.position ${order}, message.sequence ${order} LIMIT $7`,
    [conversation, person, after.position, after.sequence, before.position, before.sequence, limit],
  );
}

/** The latest gaps between two moments, oldest first: of the conversation, or of its account as a whole. */
export async function readGaps(
  sql: Sql,
  account: AccountId,
  conversation: ConversationId,
  from: Date | undefined,
  until: Date | undefined,
  limit: number,
): Promise<Gap[]> {
  const rows = await sql.query<{ from_at: Date; until_at: Date; reason: string }>(
    `SELECT from_at, until_at, reason FROM gap
     WHERE account_id = $1 AND (conversation_id IS NULL OR conversation_id = $2)
       AND from_at <= coalesce($4::timestamptz, 'infinity') AND until_at >= coalesce($3::timestamptz, '-infinity')
     ORDER BY from_at DESC, id DESC LIMIT $5`,
    [account, conversation, from ?? null, until ?? null, limit],
  );
  return rows.toReversed().map((row) => ({
    from: row.from_at.toISOString(),
    until: row.until_at.toISOString(),
    reason: row.reason,
  }));
}

/** Hides a message from one person; false where it was hidden already. */
export async function hideMessage(sql: Sql, person: PersonId, message: MessageId): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO hidden_message (person_id, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING message_id`,
    [person, message],
  );
  return rows.length > 0;
}
