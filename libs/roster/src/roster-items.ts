import { Injectable } from '@nestjs/common';
import { Desires, type RosterFact } from '#accounts';
import type { InboundContact } from '#connector';
import { cleanText, type NewEvent } from '#model';
import type { Sql } from '#platform';
import { placeKey } from './holdings.js';
import { Identities } from './identities.js';
import { writeItems } from './roster-items.store.js';

/** Names and groups that networks make longer than this are cut. */
const longest = 1_000;
const mostGroups = 100;

/** What the networks that keep rosters say of them. What was wanted is settled by it. */
@Injectable()
export class RosterItems {
  constructor(
    private readonly desires: Desires,
    private readonly identities: Identities,
  ) {}

  /**
   * Takes in what was told, whose identities are resolved already: a fixed number of statements, whatever the number.
   * @returns `identity.changed` of those of whom it says something new, for the caller's append.
   */
  async take(sql: Sql, told: readonly InboundContact[]): Promise<NewEvent[]> {
    if (told.length === 0) return [];
    const items = [...new Map(told.map((contact) => [keyOf(contact), itemOf(contact)])).values()];
    const events = await this.identities.touchAt(sql, await writeItems(sql, items));
    await this.desires.settle(sql, items);
    return events;
  }
}

function keyOf({ account, party }: InboundContact): string {
  return placeKey({ account, address: party.address });
}

function itemOf({ account, party, name, groups, ...contact }: InboundContact): RosterFact {
  return {
    account,
    address: party.address,
    listed: contact.listed,
    name: name === undefined ? null : cleanText(name).slice(0, longest),
    groups: [...new Set(groups.slice(0, mostGroups).map((group) => cleanText(group).slice(0, longest)))],
    subscription: contact.subscription,
    asks: contact.asks,
    awaited: contact.awaited,
  };
}
