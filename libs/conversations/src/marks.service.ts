import { Injectable } from '@nestjs/common';
import type { BodyOf, Principal } from '#accounts';
import type { Mark, Routes } from '#api';
import { decodeCursor, EventLog } from '#bus';
import { newId, type ConversationId, type EventType, type NewEvent, type PersonId } from '#model';
import { Database } from '#platform';
import { ConversationViews } from './conversation.views.js';
import { changeMark, changesMark, type MarkChange } from './marks.store.js';
import { notOurs } from './next.js';
import { noConversation, Sight } from './sight.js';

/** What one person did with a conversation: how far they have read, what they began to write, muted or pinned. */
@Injectable()
export class Marks {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly views: ConversationViews,
    private readonly sight: Sight,
  ) {}

  /** Everything up to the cursor is read; the mark never moves back, nor beyond what has happened. */
  async read(principal: Principal, id: ConversationId, body: BodyOf<Routes['setRead']>): Promise<Mark> {
    const sequence = decodeCursor(body.cursor);
    if (sequence === undefined) throw notOurs('/cursor');
    return await this.change(principal, id, { sequence }, 'read.changed');
  }

  async draft(principal: Principal, id: ConversationId, body: BodyOf<Routes['setDraft']>): Promise<Mark> {
    return await this.change(principal, id, { draft: body.text === '' ? null : body.text }, 'draft.changed');
  }

  async set(
    principal: Principal,
    id: ConversationId,
    body: BodyOf<Routes['updateConversation']>,
  ): Promise<Mark> {
    return await this.change(principal, id, body, 'read.changed');
  }

  /** @throws Problem 404 `not-found` */
  private async change(
    principal: Principal,
    id: ConversationId,
    change: MarkChange,
    type: EventType,
  ): Promise<Mark> {
    const { workspace } = await this.sight.conversation(principal, id);
    if (await changesMark(this.database, principal.person, id, change)) {
      const { last } = await this.database.transaction(
        async (sql) =>
          await this.log.append(
            sql,
            workspace,
            [markChanged(type, principal.person, id)],
            changeMark(principal.person, id, change),
          ),
      );
      this.log.committed(workspace, last);
    }
    const mark = (await this.views.marks([id], principal.person)).get(id);
    if (mark === undefined) throw noConversation();
    return mark;
  }
}

/** The event that tells a person's other clients of their mark. */
export function markChanged(type: EventType, person: PersonId, conversation: ConversationId): NewEvent {
  return {
    id: newId(),
    type,
    audience: { kind: 'person', person },
    subject: conversation,
    data: { conversation },
  };
}
