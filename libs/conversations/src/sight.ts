import { Injectable } from '@nestjs/common';
import { Access, type AccountRow, type Principal } from '#accounts';
import type { ReaderScope } from '#bus';
import type { ConversationId } from '#model';
import { Problem } from '#platform';
import { Places, type Place } from './places.js';

/** What a caller may see (DESIGN.md, law 11); whatever they may not see is not there. */
@Injectable()
export class Sight {
  constructor(
    private readonly access: Access,
    private readonly places: Places,
  ) {}

  /** The caller as a reader. */
  async of(principal: Principal): Promise<ReaderScope> {
    const accounts = await this.access.accountsOf(principal.workspace, principal.person);
    return { person: principal.person, accounts };
  }

  /** @throws Problem 404 `not-found`, the same for somebody else's conversation as for one that never was */
  async conversation(principal: Principal, id: ConversationId): Promise<Place> {
    const place = await this.places.of(id);
    if (place?.workspace !== principal.workspace) throw noConversation();
    const { accounts } = await this.of(principal);
    if (!accounts.has(place.account)) throw noConversation();
    return place;
  }

  /** @throws Problem 404 `not-found` */
  async account(principal: Principal, id: ConversationId): Promise<{ place: Place; account: AccountRow }> {
    const place = await this.conversation(principal, id);
    return { place, account: await this.access.mustSee(principal, place.account) };
  }
}

export function noConversation(): Problem {
  return new Problem(404, 'not-found', 'There is no such conversation.');
}

export function noMessage(): Problem {
  return new Problem(404, 'not-found', 'There is no such message.');
}
