import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import { ConversationViews, Sight } from '#conversations';
import type { ConversationId } from '#model';
import { Problem } from '#platform';
import type { Watched } from './watches.js';

/** Where a conversation is that somebody wants to look at, if they may. */
@Injectable()
export class WatchedPlaces {
  constructor(
    private readonly sight: Sight,
    private readonly views: ConversationViews,
  ) {}

  /** @throws Problem 404 `not-found` */
  async find(principal: Principal, id: ConversationId): Promise<Watched> {
    await this.sight.conversation(principal, id);
    const conversation = (await this.views.byIds([id])).get(id);
    if (!conversation) throw new Problem(404, 'not-found', 'There is no such conversation.');
    return { conversation: id, account: conversation.account, address: conversation.address };
  }
}
