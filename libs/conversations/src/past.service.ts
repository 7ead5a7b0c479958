import { Injectable } from '@nestjs/common';
import type { AccountRow } from '#accounts';
import { decodePosition } from '#api';
import type { JsonObject, JsonValue } from '#connector';
import type { ConversationId } from '#model';
import { Database, Problem } from '#platform';
import { LinkRequests } from './link-requests.js';
import { notOurs } from './next.js';
import { oldestPlace, placeAt, type Landmark } from './past.store.js';

const usualLimit = 50;
const mostLimit = 500;
/** A network may take a while to look into its archive. */
const historyMs = 25_000;

/** What a network holds that is older than what is stored here: fetched when somebody asks. */
@Injectable()
export class Past {
  constructor(
    private readonly database: Database,
    private readonly links: LinkRequests,
  ) {}

  /**
   * Fetches what came before a position (before the oldest message here, where none is given) and stores it, as history.
   * @param options `before`: a position, as `GET messages` takes it; `limit`: at most so many messages, 50 if left out
   * @returns `stored`: how many were new; `complete`: whether the network has nothing older
   * @throws Problem 422 `invalid`; 409 `unsupported` where the network keeps no history; 503 or 504 where nobody can tell
   */
  async fetch(
    account: AccountRow,
    conversation: ConversationId,
    address: string,
    options: JsonObject,
  ): Promise<JsonValue> {
    const before = await this.placeOf(conversation, options['before']);
    const answer = await this.links.history(
      account,
      {
        act: 'history',
        account: account.id,
        conversation: address,
        limit: limitOf(options['limit']),
        ...(before && { before: before.place, below: String(before.position) }),
      },
      historyMs,
    );
    return { ...answer };
  }

  private async placeOf(
    conversation: ConversationId,
    before: JsonValue | undefined,
  ): Promise<Landmark | undefined> {
    if (before === undefined) return await oldestPlace(this.database, conversation);
    const standing = typeof before === 'string' ? decodePosition(before) : undefined;
    if (standing === undefined) throw notOurs('/options/before');
    return await placeAt(this.database, conversation, standing);
  }
}

/** @throws Problem 422 `invalid` */
function limitOf(limit: JsonValue | undefined): number {
  if (limit === undefined) return usualLimit;
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= mostLimit) return limit;
  throw new Problem(422, 'invalid', `The limit is a whole number from 1 to ${String(mostLimit)}.`);
}
