import type { AccountId, ConversationId, ConversationKind, IdentityId, WorkspaceId } from '#model';
import type { Alongside } from '#bus';
import type { Sql } from '#platform';
import type { PageEdge } from './next.js';

export interface ListFilter {
  readonly accounts: Iterable<AccountId>;
  readonly kind: ConversationKind | undefined;
}

/**
 * Ids of conversations, the one with the latest activity first. Each account is read from its own index, so that a page
 * costs the same in a workspace of millions.
 */
export async function pageOfConversations(
  sql: Sql,
  filter: ListFilter,
  below: PageEdge,
  limit: number,
): Promise<PageEdge[]> {
  return await sql.query<PageEdge>(
    `SELECT found.number, found.id
     FROM unnest($1::uuid[]) AS mine (account_id)
     CROSS JOIN LATERAL (
       SELECT conversation.last_sequence AS number, conversation.id
       FROM conversation
       WHERE conversation.account_id = mine.account_id
         AND (conversation.last_sequence, conversation.id) < ($3::bigint, $4::uuid)
         AND ($2::text IS NULL OR conversation.kind = $2)
       ORDER BY conversation.last_sequence DESC, conversation.id DESC LIMIT $5
     ) AS found
     ORDER BY found.number DESC, found.id DESC LIMIT $5`,
    [[...filter.accounts], filter.kind ?? null, below.number, below.id, limit],
  );
}

/** A conversation to be opened, or entered where it is a room. */
export interface Opening {
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  readonly kind: ConversationKind;
  readonly address: string;
  readonly identity: IdentityId | null;
  /** A room that nobody joins. */
  readonly standing: boolean;
}

/**
 * Lets go of the address where another identity now holds it: a reused nick never continues somebody's conversation.
 * @returns the conversations that the address no longer leads to.
 */
export async function releaseAddress(sql: Sql, opening: Opening): Promise<ConversationId[]> {
  const rows = await sql.query<{ id: ConversationId }>(
    `UPDATE conversation SET held = NULL, version = version + 1
     WHERE account_id = $1 AND address = $2 AND held AND kind = 'direct' AND identity_id <> $3::uuid
     RETURNING id`,
    [opening.account, opening.address, opening.identity],
  );
  return rows.map((row) => row.id);
}

export interface Opened {
  readonly id: ConversationId;
  readonly outcome: 'made' | 'changed' | 'as it was';
}

/** Opens the conversation that the address leads to, making it where there is none; the row stays locked. */
export async function openConversation(sql: Sql, id: ConversationId, opening: Opening): Promise<Opened> {
  const made = await sql.query(
    `INSERT INTO conversation (id, workspace_id, account_id, kind, address, held, identity_id, joined, standing)
     VALUES ($1, $2, $3, $4, $5, true, $6, $7, $7)
     ON CONFLICT (account_id, address, held) DO NOTHING RETURNING id`,
    [
      id,
      opening.workspace,
      opening.account,
      opening.kind,
      opening.address,
      opening.identity,
      opening.standing,
    ],
  );
  if (made.length > 0) return { id, outcome: 'made' };
  const [row] = await sql.query<{ id: ConversationId; changed: boolean }>(
    `WITH known AS (
       SELECT id, left_at IS NOT NULL OR (identity_id IS NULL AND $3::uuid IS NOT NULL) AS changed
       FROM conversation WHERE account_id = $1 AND address = $2 AND held FOR NO KEY UPDATE
     ), opened AS (
       UPDATE conversation SET left_at = NULL, identity_id = coalesce(identity_id, $3::uuid), version = version + 1
       FROM known WHERE conversation.id = known.id AND known.changed
     )
     SELECT id, changed FROM known`,
    [opening.account, opening.address, opening.identity],
  );
  // Its address was let go between the two statements, by a rename: whoever asks again makes a new one.
  if (row === undefined) return await openConversation(sql, id, opening);
  return { id: row.id, outcome: row.changed ? 'changed' : 'as it was' };
}

/** A conversation that is opened now stands first in the list, alongside the append of its `conversation.changed`. */
export function bringUp(conversation: ConversationId): Alongside {
  return {
    params: [conversation],
    ctes: (from) => `brought_up AS (
      UPDATE conversation SET last_sequence = greatest(last_sequence, (SELECT max(sequence) FROM numbered))
      WHERE id = $${String(from)}::uuid
    )`,
  };
}

/** Leaves a room or closes a direct conversation; undefined where that was done already. */
export async function leaveConversation(
  sql: Sql,
  id: ConversationId,
): Promise<{ readonly address: string; readonly kind: ConversationKind } | undefined> {
  const [row] = await sql.query<{ address: string; kind: ConversationKind }>(
    `UPDATE conversation SET left_at = now(), version = version + 1
     WHERE id = $1 AND left_at IS NULL RETURNING address, kind`,
    [id],
  );
  return row;
}

/** Where a conversation is on its network, and whether the address still leads there. */
export async function readAddress(
  sql: Sql,
  id: ConversationId,
): Promise<
  { readonly address: string; readonly held: boolean; readonly identity: IdentityId | null } | undefined
> {
  const [row] = await sql.query<{ address: string; held: boolean | null; identity_id: IdentityId | null }>(
    `SELECT address, held, identity_id FROM conversation WHERE id = $1`,
    [id],
  );
  return row && { address: row.address, held: row.held === true, identity: row.identity_id };
}
