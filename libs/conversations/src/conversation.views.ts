import { Injectable } from '@nestjs/common';
import type { Conversation, Mark, MyConversation } from '#api';
import type { ReaderScope } from '#bus';
import type { PersonId } from '#model';
import { Database } from '#platform';
import { IdentityViews } from '#roster';
import { readConversations, readLastMessages } from './conversation.views.store.js';
import { readMarks } from './marks.store.js';
import { MessageViews } from './message.views.js';

/** Conversations as REST and the stream show them. Whether the reader may see them is the caller's to know. */
@Injectable()
export class ConversationViews {
  constructor(
    private readonly database: Database,
    private readonly identities: IdentityViews,
    private readonly messages: MessageViews,
  ) {}

  /** As everybody sees them: two statements for any number. */
  async byIds(ids: readonly string[]): Promise<Map<string, Conversation>> {
    if (ids.length === 0) return new Map();
    const stored = await readConversations(this.database, ids);
    const peers = await this.identities.byIds(stored.flatMap(({ identity }) => identity ?? []));
    return new Map(
      stored.map(({ identity, ...conversation }) => [
        conversation.id,
        { ...conversation, peer: identity === null ? null : (peers.get(identity) ?? null) },
      ]),
    );
  }

  /** What one person did with them and has not read: one statement for any number. */
  async marks(ids: readonly string[], person: PersonId): Promise<Map<string, Mark>> {
    return ids.length === 0 ? new Map() : await readMarks(this.database, ids, person);
  }

  /** As one person has them in the inbox, in the order of the ids: six statements for any number. */
  async mine(ids: readonly string[], who: ReaderScope): Promise<MyConversation[]> {
    if (ids.length === 0) return [];
    const conversations = await this.byIds(ids);
    const marks = await this.marks(ids, who.person);
    const last = await readLastMessages(this.database, ids, who.person);
    const messages = await this.messages.byIds([...last.values()], who);
    return ids.flatMap((id) => {
      const conversation = conversations.get(id);
      const mine = marks.get(id);
      if (conversation === undefined || mine === undefined) return [];
      return { ...conversation, mine, lastMessage: messages.get(last.get(id) ?? '') ?? null };
    });
  }
}
