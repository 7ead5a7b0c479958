import type { AccountId, ConversationId } from '#model';
import type { Sql } from '#platform';

/**
 * Ids of the conversations of these accounts behind one id, in the order of ids. Pages of a snapshot are cut by id:
 * in an order that changes meanwhile, such as the latest first, a conversation could move past the reader unseen.
 */
export async function conversationsBehind(
  sql: Sql,
  accounts: ReadonlySet<AccountId>,
  behind: string | undefined,
  limit: number,
): Promise<ConversationId[]> {
  const rows = await sql.query<{ id: ConversationId }>(
    `SELECT conversation.id FROM conversation
     WHERE conversation.account_id = ANY ($1::uuid[]) AND ($2::uuid IS NULL OR conversation.id > $2::uuid)
     ORDER BY conversation.id LIMIT $3`,
    [[...accounts], behind ?? null, limit],
  );
  return rows.map((row) => row.id);
}
