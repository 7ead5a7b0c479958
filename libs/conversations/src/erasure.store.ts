import type { AccountId, ConversationId, MessageId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { Standing } from './history.store.js';

/** A conversation whose content up to a number of the log is to go. */
export interface Erasing {
  readonly conversation: ConversationId;
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  readonly upTo: bigint;
}

/** Writes down that all that is stored of a conversation now has to go: from here on it will, whatever happens. */
export async function markForErasing(sql: Sql, conversation: ConversationId): Promise<Erasing | undefined> {
  const rows = await sql.query<Erasing>(
    `UPDATE conversation SET erase_up_to = head.sequence
     FROM log_head head WHERE conversation.id = $1 AND head.workspace_id = conversation.workspace_id
     RETURNING conversation.id AS conversation, conversation.workspace_id AS workspace,
       conversation.account_id AS account, erase_up_to AS "upTo"`,
    [conversation],
  );
  return rows[0];
}

/** Conversations that are being erased, or were when a process died. */
export async function findErasing(sql: Sql, limit: number): Promise<Erasing[]> {
  return await sql.query<Erasing>(
    `SELECT id AS conversation, workspace_id AS workspace, account_id AS account, erase_up_to AS "upTo"
     FROM conversation WHERE erase_up_to IS NOT NULL ORDER BY erase_up_to LIMIT $1`,
    [limit],
  );
}

/** Empties the next messages behind a place, in order. What two erase at once is erased once. */
export async function eraseSlice(
  sql: Sql,
  erasing: Erasing,
  behind: Standing,
  limit: number,
): Promise<(Standing & { readonly id: MessageId })[]> {
  return await sql.query(
    `WITH slice AS (
       SELECT message.id FROM message
       WHERE message.conversation_id = $1 AND (message.position, message.sequence) > ($2::bigint, $3::bigint)
         AND message.sequence <= $4 AND message.erased_at IS NULL
       ORDER BY message.position, message.sequence LIMIT $5 FOR UPDATE
     ), emptied AS (
       UPDATE message SET text = '', content = NULL, words = NULL, reactions = NULL, erased_at = now(),
         version = message.version + 1
       FROM slice WHERE message.id = slice.id
       RETURNING message.id, message.position, message.sequence
     )
     SELECT id, position, sequence FROM emptied ORDER BY position, sequence`,
    [erasing.conversation, behind.position, behind.sequence, erasing.upTo, limit],
  );
}

/** All is gone; unless somebody asked again meanwhile, and for more. */
export async function finishErasing(sql: Sql, erasing: Erasing): Promise<void> {
  await sql.query(`UPDATE conversation SET erase_up_to = NULL WHERE id = $1 AND erase_up_to = $2`, [
    erasing.conversation,
    erasing.upTo,
  ]);
}
