import { Injectable } from '@nestjs/common';
import { Access, AccountViews, type Principal } from '#accounts';
import type { Snapshot } from '#api';
import { decodeCursor, encodeCursor, EventLog, type ReaderScope } from '#bus';
import { CallViews } from '#calls';
import { ConversationViews } from '#conversations';
import { isUuid } from '#model';
import { Database, Problem } from '#platform';
import { conversationsBehind } from './snapshot.store.js';

/** Where the next page begins: first come the accounts, then the conversations, each by id. */
interface Place {
  readonly cursor: string;
  readonly part: 'accounts' | 'conversations';
  /** The last id of that part that was given. */
  readonly behind?: string;
}

/**
 * Everything as it is now. The cursor is read first and the entities afterwards, page by page: they may be newer than
 * the cursor, and what a client then hears a second time changes nothing, since entities carry versions.
 */
@Injectable()
export class Snapshots {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly access: Access,
    private readonly accountViews: AccountViews,
    private readonly conversationViews: ConversationViews,
    private readonly callViews: CallViews,
  ) {}

  /** @throws Problem 422 `invalid` for a `next` that is none of ours */
  async page(principal: Principal, limit: number, next: string | undefined): Promise<Snapshot> {
    const { workspace, person } = principal;
    const place = next === undefined ? await this.#begin(principal) : decodePlace(next);
    const accounts = await this.access.accountsNow(workspace, person);
    const page = await this.#part(place, { person, accounts }, limit);
    const { following, ...parts } = page;
    const calls = next === undefined ? await this.callViews.open([...accounts]) : [];
    const begun = { cursor: place.cursor, person, accounts: [], conversations: [], calls, ...parts };
    return following ? { ...begun, next: encodePlace(following) } : begun;
  }

  async #begin({ workspace }: Principal): Promise<Place> {
    const { sequence } = await this.log.head(workspace);
    return { cursor: encodeCursor(sequence), part: 'accounts' };
  }

  async #part(
    { cursor, part, behind }: Place,
    who: ReaderScope,
    limit: number,
  ): Promise<Partial<Pick<Snapshot, 'accounts' | 'conversations'>> & { readonly following?: Place }> {
    if (part === 'accounts') {
      const left = [...who.accounts].filter((id) => behind === undefined || id > behind).sort();
      const ids = left.slice(0, limit);
      const views = await this.accountViews.byIds(ids);
      const accounts = ids.flatMap((id) => views.get(id) ?? []);
      const last = ids.at(-1);
      return left.length > ids.length && last !== undefined
        ? { accounts, following: { cursor, part, behind: last } }
        : { accounts, following: { cursor, part: 'conversations' } };
    }
    const ids = await conversationsBehind(this.database, who.accounts, behind, limit);
    const conversations = await this.conversationViews.mine(ids, who);
    const last = ids.at(-1);
    return ids.length === limit && last !== undefined
      ? { conversations, following: { cursor, part, behind: last } }
      : { conversations };
  }
}

function encodePlace({ cursor, part, behind }: Place): string {
  return Buffer.from([cursor, part, behind ?? ''].join(' ')).toString('base64url');
}

/** @throws Problem 422 `invalid` */
function decodePlace(next: string): Place {
  const [cursor = '', part, behind = '', ...more] = Buffer.from(next, 'base64url').toString().split(' ');
  const known = part === 'accounts' || part === 'conversations';
  if (!known || decodeCursor(cursor) === undefined || !(behind === '' || isUuid(behind)) || more.length > 0) {
    throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
      errors: [{ pointer: 'next', detail: 'is none that this server has given' }],
    });
  }
  return behind === '' ? { cursor, part } : { cursor, part, behind };
}
