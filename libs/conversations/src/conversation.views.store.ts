import type { Conversation } from '#api';
import type {
  AccountId,
  Capabilities,
  ConversationId,
  ConversationKind,
  Failure,
  IdentityId,
  MessageId,
  PersonId,
} from '#model';
import type { Sql } from '#platform';
import { notHidden } from './message.views.store.js';

interface ConversationRow {
  id: ConversationId;
  account_id: AccountId;
  kind: ConversationKind;
  address: string;
  identity_id: IdentityId | null;
  title: string | null;
  topic: string | null;
  joined: boolean;
  failure: Failure | null;
  capabilities: Capabilities;
  version: number;
  created_at: Date;
  left_at: Date | null;
  opted_out: boolean;
}

/** A conversation whose peer is still to be joined. */
export type StoredConversation = Omit<Conversation, 'peer'> & { readonly identity: IdentityId | null };

/** One statement for any number of ids. Capabilities are the conversation's own where its session said some. */
export async function readConversations(sql: Sql, ids: readonly string[]): Promise<StoredConversation[]> {
  const rows = await sql.query<ConversationRow>(
    `SELECT conversation.id, conversation.account_id, conversation.kind, conversation.address,
       conversation.identity_id, conversation.title, conversation.topic, conversation.joined,
       conversation.failure, coalesce(conversation.capabilities, account.capabilities) AS capabilities,
       conversation.version, conversation.created_at, conversation.left_at, opt_out.address IS NOT NULL AS opted_out
     FROM conversation JOIN account ON account.id = conversation.account_id
       LEFT JOIN opt_out ON opt_out.account_id = conversation.account_id
         AND opt_out.address = conversation.address AND opt_out.opted_out
     WHERE conversation.id = ANY ($1::uuid[])`,
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    account: row.account_id,
    kind: row.kind,
    address: row.address,
    identity: row.identity_id,
    title: row.title,
    topic: row.topic,
    joined: row.joined,
    failure: row.failure,
    capabilities: row.capabilities,
    createdAt: row.created_at.toISOString(),
    leftAt: row.left_at?.toISOString() ?? null,
    ...(row.opted_out ? { optedOut: true as const } : {}),
    version: row.version,
  }));
}

/** The last message by position of each conversation that has one for this person: one statement for any number. */
export async function readLastMessages(
  sql: Sql,
  ids: readonly string[],
  person: PersonId,
): Promise<Map<string, MessageId>> {
  const rows = await sql.query<{ conversation_id: ConversationId; id: MessageId }>(
    `SELECT asked.id AS conversation_id, last.id
     FROM unnest($1::uuid[]) AS asked (id)
     CROSS JOIN LATERAL (
       SELECT message.id FROM message
       WHERE message.conversation_id = asked.id AND ${notHidden(2)}
       ORDER BY message.position DESC, message.sequence DESC LIMIT 1
     ) AS last`,
    [ids, person],
  );
  return new Map(rows.map((row) => [row.conversation_id, row.id]));
}
