import { Injectable } from '@nestjs/common';
import { filesIn, releaseFiles } from '#files';
import {
  newId,
  type AccountId,
  type Capabilities,
  type ConversationId,
  type IdentityId,
  type MessageContent,
  type MessageId,
  type NewEvent,
  type PersonId,
} from '#model';
import { asJson, type Sql } from '#platform';

/** A correction, a retraction or a reaction, of ours or of somebody else's. */
export interface MessageChange {
  readonly message: MessageId;
  readonly type: 'edit' | 'retraction' | 'reaction';
  /** Who acts: an identity, or a person of ours. An edit or retraction counts only for the message's own author. */
  readonly identity?: IdentityId;
  readonly person?: PersonId;
  /** The network stands for it: it counts whoever the author is. */
  readonly vouched?: boolean;
  readonly content?: MessageContent;
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
  /** All reactions of whoever acts, in place of one. */
  readonly reactions?: readonly string[];
  readonly at: Date;
}

interface ChangedRow {
  id: MessageId;
  account_id: AccountId;
  conversation_id: string;
}

/** Writes what is done to stored messages. */
@Injectable()
export class ChangeStore {
  /** Applies changes in their order; those by somebody who is not the author change nothing. Answers the events. */
  async apply(sql: Sql, changes: readonly MessageChange[]): Promise<NewEvent[]> {
    const events: NewEvent[] = [];
    // Several changes of one message must follow each other, and they are rare beside messages.
    for (const change of changes) {
      const [row] = await this.write(sql, change);
      if (row && change.type !== 'reaction') {
        await releaseFiles(sql, [row.id], filesIn(change.content ?? { text: '' }));
      }
      if (row)
        events.push(changedEvent(row, change.type === 'reaction' ? 'reaction.changed' : 'message.changed'));
    }
    return events;
  }

  /** What can be done in a conversation, where it differs from its account. */
  async capabilitiesIn(sql: Sql, conversation: ConversationId): Promise<Capabilities | undefined> {
    const [row] = await sql.query<{ capabilities: Capabilities | null }>(
      'SELECT capabilities FROM conversation WHERE id = $1',
      [conversation],
    );
    return row?.capabilities ?? undefined;
  }

  private async write(sql: Sql, change: MessageChange): Promise<ChangedRow[]> {
    const { message, identity, at } = change;
    const mine = `id = $1 AND erased_at IS NULL AND retracted_at IS NULL
      AND ($2::boolean OR author_id IS NOT DISTINCT FROM $3::uuid)`;
    const whose = [message, change.vouched === true, identity ?? null];
    const returning = 'RETURNING id, account_id, conversation_id';
    switch (change.type) {
      case 'edit': {
        const { text, spans, emote, notice, attachments, audience } = change.content ?? { text: '' };
        const rest = { spans, emote, notice, attachments, audience };
        return await sql.query<ChangedRow>(
          `UPDATE message SET text = $4, content = $5::jsonb, edited_at = $6, version = version + 1,
             words = to_tsvector('simple', left($4, 100000)) WHERE ${mine} ${returning}`,
          [...whose, text, asJson(rest), at],
        );
      }
      case 'retraction':
        return await sql.query<ChangedRow>(
          `UPDATE message SET text = '', content = NULL, words = NULL, retracted_at = $4, version = version + 1
           WHERE ${mine} ${returning}`,
          [...whose, at],
        );
      case 'reaction': {
        if (change.reactions !== undefined) return await this.reactWithAll(sql, change, change.reactions);
        const { emoji, removed } = change.reaction ?? { emoji: '', removed: true };
        const entry = { emoji, identity: identity ?? null, person: change.person ?? null };
        return await sql.query<ChangedRow>(
          `UPDATE message SET version = version + 1, reactions = (
             SELECT jsonb_agg(r) FROM (
               SELECT r FROM jsonb_array_elements(coalesce(reactions, '[]')) r WHERE r <> $2::jsonb
               UNION ALL SELECT $2::jsonb WHERE NOT $3) all_reactions(r))
           WHERE id = $1 AND erased_at IS NULL AND jsonb_array_length(coalesce(reactions, '[]')) < 500 ${returning}`,
          [message, asJson(entry), removed],
        );
      }
    }
  }

  /** Those that stay keep who of ours gave them. What is as it was changes nothing. */
  private async reactWithAll(
    sql: Sql,
    { message, identity, person }: MessageChange,
    emojis: readonly string[],
  ): Promise<ChangedRow[]> {
    const who = { identity: identity ?? null, person: person ?? null };
    return await sql.query<ChangedRow>(
      `UPDATE message m SET version = version + 1, reactions = now.reactions FROM (
         SELECT o.id, (SELECT jsonb_agg(r) FROM (
           SELECT r FROM jsonb_array_elements(coalesce(o.reactions, '[]')) r
           WHERE r->'identity' <> $2::jsonb->'identity' OR r->>'emoji' = ANY($3::text[])
           UNION ALL SELECT $2::jsonb || jsonb_build_object('emoji', emoji)
           FROM unnest($3::text[]) WITH ORDINALITY AS given(emoji, at)
           WHERE NOT EXISTS (SELECT 1 FROM jsonb_array_elements(coalesce(o.reactions, '[]')) r
             WHERE r->'identity' = $2::jsonb->'identity' AND r->>'emoji' = emoji)) all_reactions(r)) AS reactions
         FROM message o WHERE o.id = $1) now
       WHERE m.id = now.id AND m.erased_at IS NULL AND jsonb_array_length(coalesce(now.reactions, '[]')) <= 500
         AND m.reactions IS DISTINCT FROM now.reactions
       RETURNING m.id, m.account_id, m.conversation_id`,
      [message, asJson(who), [...new Set(emojis)]],
    );
  }
}

function changedEvent(row: ChangedRow, type: 'message.changed' | 'reaction.changed'): NewEvent {
  return {
    id: newId<'EventId'>(),
    type,
    audience: { kind: 'account', account: row.account_id },
    subject: row.id,
    data: { message: row.id, conversation: row.conversation_id },
  };
}
