import { Injectable } from '@nestjs/common';
import type { BodyOf, Principal } from '#accounts';
import type { Mark, Routes } from '#api';
import { decodeCursor, EventLog } from '#bus';
import { levelOf, newId, type ConversationId, type EventType, type NewEvent, type PersonId } from '#model';
import { Database } from '#platform';
import { ConversationViews } from './conversation.views.js';
import { LinkRequests } from './link-requests.js';
import { changeMark, changesMark, type MarkChange } from './marks.store.js';
import { notOurs } from './next.js';
import { answerer, markedPlace } from './past.store.js';
import { noConversation, Sight } from './sight.js';

/** What one person did with a conversation: how far they have read, what they began to write, muted or pinned. */
@Injectable()
export class Marks {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly views: ConversationViews,
    private readonly sight: Sight,
    private readonly links: LinkRequests,
  ) {}

  /** Everything up to the cursor is read; the mark never moves back, nor beyond what has happened. */
  async read(principal: Principal, id: ConversationId, body: BodyOf<Routes['setRead']>): Promise<Mark> {
    const sequence = decodeCursor(body.cursor);
    if (sequence === undefined) throw notOurs('/cursor');
    const { mark, changed } = await this.change(principal, id, { sequence }, 'read.changed');
    if (changed) await this.tellNetwork(principal, id, mark);
    return mark;
  }

  /**
   * Tells the network how far the person who answers has read: of several who share an account only whoever sent the
   * last message in the conversation, or the account's holder where nobody did lately. What the others read is theirs.
   */
  private async tellNetwork(principal: Principal, id: ConversationId, mark: Mark): Promise<void> {
    const { account } = await this.sight.account(principal, id);
    const sequence = decodeCursor(mark.readMark ?? '');
    if (account.session.state !== 'online' || sequence === undefined) return;
    if (levelOf(account.capabilities, 'read-marks') !== 'native') return;
    if (((await answerer(this.database, id)) ?? account.holder) !== principal.person) return;
    const place = await markedPlace(this.database, id, sequence);
    if (place === undefined) return;
    const { address: conversation, upTo } = place;
    this.links.tell(account, { act: 'read', account: account.id, conversation, upTo });
  }

  async draft(principal: Principal, id: ConversationId, body: BodyOf<Routes['setDraft']>): Promise<Mark> {
    const draft = body.text === '' ? null : body.text;
    return (await this.change(principal, id, { draft }, 'draft.changed')).mark;
  }

  async set(
    principal: Principal,
    id: ConversationId,
    body: BodyOf<Routes['updateConversation']>,
  ): Promise<Mark> {
    return (await this.change(principal, id, body, 'read.changed')).mark;
  }

  /** @throws Problem 404 `not-found` */
  private async change(
    principal: Principal,
    id: ConversationId,
    change: MarkChange,
    type: EventType,
  ): Promise<{ readonly mark: Mark; readonly changed: boolean }> {
    const { workspace } = await this.sight.conversation(principal, id);
    const changed = await changesMark(this.database, principal.person, id, change);
    if (changed) {
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
    return { mark, changed };
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
