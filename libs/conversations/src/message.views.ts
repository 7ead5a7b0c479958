import { Injectable } from '@nestjs/common';
import type { Message } from '#api';
import type { ReaderScope } from '#bus';
import type { MessageId, PersonId } from '#model';
import { Database } from '#platform';
import { Fates } from './fates.js';
import { readHiding, readMessages } from './message.views.store.js';

/** Messages as REST and the stream show them. */
@Injectable()
export class MessageViews {
  constructor(
    private readonly database: Database,
    private readonly fates: Fates,
  ) {}

  /** Two statements for any number of ids. What the reader may not see, or has hidden, is left out. */
  async byIds(ids: readonly string[], who: ReaderScope): Promise<Map<string, Message>> {
    if (ids.length === 0 || who.accounts.size === 0) return new Map();
    const messages = await readMessages(this.database, ids, who);
    const ours = messages.filter((message) => message.origin === 'own').map((message) => message.id);
    const fates = ours.length === 0 ? new Map<MessageId, never>() : await this.fates.of(ours);
    return new Map(
      messages.map((message) => [message.id, { ...message, envelopes: fates.get(message.id) ?? [] }]),
    );
  }

  /** Who has hidden which of these messages: one statement for any number. Most are hidden by nobody and left out. */
  async hiddenFrom(ids: readonly string[]): Promise<Map<string, ReadonlySet<PersonId>>> {
    return ids.length === 0 ? new Map() : await readHiding(this.database, ids);
  }

  /** As `byIds`, in the order of the ids. */
  async inOrder(ids: readonly string[], who: ReaderScope): Promise<Message[]> {
    const found = await this.byIds(ids, who);
    return ids.flatMap((id) => found.get(id) ?? []);
  }
}
