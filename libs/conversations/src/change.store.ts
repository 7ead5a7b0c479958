import { Injectable } from '@nestjs/common';
import {
  newId,
  type AccountId,
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
  readonly content?: MessageContent;
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
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
      if (row)
        events.push(changedEvent(row, change.type === 'reaction' ? 'reaction.changed' : 'message.changed'));
    }
    return events;
  }

  private async write(sql: Sql, change: MessageChange): Promise<ChangedRow[]> {
    const { message, identity, at } = change;
    const mine = `id = $1 AND erased_at IS NULL AND retracted_at IS NULL AND author_id IS NOT DISTINCT FROM $2`;
    const returning = 'RETURNING id, account_id, conversation_id';
    switch (change.type) {
      case 'edit': {
        const { text, spans, emote, notice, attachments } = change.content ?? { text: '' };
        const rest = { spans, emote, notice, attachments };
        return await sql.query<ChangedRow>(
          `UPDATE message SET text = $3, content = $4::jsonb, edited_at = $5, version = version + 1,
             words = to_tsvector('simple', left($3, 100000)) WHERE ${mine} ${returning}`,
          [message, identity ?? null, text, asJson(rest), at],
        );
      }
      case 'retraction':
        return await sql.query<ChangedRow>(
          `UPDATE message SET text = '', content = NULL, words = NULL, retracted_at = $3, version = version + 1
           WHERE ${mine} ${returning}`,
          [message, identity ?? null, at],
        );
      case 'reaction': {
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
