import { Injectable } from '@nestjs/common';
import { Access, Connectors, type Principal, type QueryOf } from '#accounts';
import type { Message, Routes } from '#api';
import type { ReaderScope } from '#bus';
import { AddressError, type JsonObject } from '#connector';
import { isUuid, type AccountId, type IdentityId } from '#model';
import { Clock, Database } from '#platform';
import { end, type Standing } from './history.store.js';
import { MessageViews } from './message.views.js';
import { decodeBelow, encodeBelow } from './next.js';
import { termsOf } from './search.query.js';
import {
  findAuthors,
  parseTerms,
  readProtocols,
  searchRare,
  searchWindow,
  type Authors,
  type Found,
  type Hunt,
} from './search.store.js';
import { Sight } from './sight.js';
import { walk } from './walk.js';

/** What a window should take, in milliseconds: well below the 50 that nobody notices (DESIGN.md §3). */
const windowMs = 25;
/** Rows of a window: the first guess, and the bounds within which it follows what windows took. */
const firstRows = 1_000;
const fewestRows = 100;
const mostRows = 20_000;
/** Windows that must have left a page wanting before a word may be rare; and how many messages have a rare one at most. */
const windowsBeforeRare = 3;
const mostRare = 500;
/** How long one request goes on; then it answers with what it has, and where to go on. */
const patienceMs = 1_500;

/** Finds messages by their words. */
@Injectable()
export class Search {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly access: Access,
    private readonly connectors: Connectors,
    private readonly views: MessageViews,
    private readonly sight: Sight,
  ) {}

  /**
   * A page of matches among what the caller may see, the latest first. It may be short, even empty, and still have a
   * `next`: the archive is walked window by window, so that no search holds up the database, and patience is limited.
   * @throws Problem 404 `not-found` for an account or conversation that the caller may not see
   */
  async page(
    principal: Principal,
    query: QueryOf<Routes['search']>,
  ): Promise<{ items: Message[]; next?: string }> {
    const who = await this.sight.of(principal);
    const hunt = await this.huntOf(principal, who, query);
    if (hunt === undefined) return { items: [] };
    const { found, below } = await this.goBack(hunt, startOf(query), query.limit);
    const items = await this.views.inOrder(
      found.map(({ id }) => id),
      who,
    );
    return below === undefined ? { items } : { items, next: encodeBelow(below) };
  }

  /** @returns nothing where nothing can be found. */
  private async huntOf(
    principal: Principal,
    who: ReaderScope,
    asked: QueryOf<Routes['search']>,
  ): Promise<Hunt | undefined> {
    if (asked.account !== undefined) await this.access.mustSee(principal, asked.account);
    const place = asked.in === undefined ? undefined : await this.sight.conversation(principal, asked.in);
    if (place !== undefined && asked.account !== undefined && place.account !== asked.account)
      return undefined;
    const accounts = asked.account === undefined ? [...who.accounts] : [asked.account];
    if (accounts.length === 0) return undefined;
    const from = asked.from === undefined ? undefined : await this.authorsOf(asked.from, accounts);
    if (from?.identities.length === 0 && from.own.length === 0) return undefined;
    const query = await parseTerms(this.database, termsOf(asked.q));
    if (query === '') return undefined;
    return {
      query,
      person: principal.person,
      within: place === undefined ? { accounts } : { conversation: place.id },
      from,
      floor: asked.after === undefined ? -end.position : positionOf(asked.after),
    };
  }

  /** An identity by its id, or whoever is or was at an address, as each account's network writes it. */
  private async authorsOf(from: string, accounts: readonly AccountId[]): Promise<Authors> {
    if (isUuid(from)) return { identities: [from as IdentityId], own: [] };
    const protocols = await readProtocols(this.database, accounts);
    const places = protocols.flatMap(({ account, connector, settings }) =>
      this.parse(connector, from, settings).map((address) => ({ account, address })),
    );
    return await findAuthors(this.database, places);
  }

  private parse(connector: string, raw: string, settings: JsonObject): readonly string[] {
    if (!this.connectors.has(connector)) return [];
    const { addresses } = this.connectors.get(connector);
    try {
      const address = addresses.parse(raw, settings);
      return (addresses.membersOf?.(address.value) ?? [address]).map(({ value }) => value);
    } catch (error) {
      if (error instanceof AddressError) return [];
      throw error;
    }
  }

  /**
   * Goes back window by window until the page is full, everything was seen, or patience ends. What is common fills a
   * page at once; what the first windows hardly have may be rare altogether, and is then found by the index of words.
   */
  private async goBack(
    hunt: Hunt,
    from: Standing,
    limit: number,
  ): Promise<{ found: Found[]; below: Standing | undefined }> {
    const sources = 'accounts' in hunt.within ? hunt.within.accounts.length : 1;
    const patience = this.clock.monotonic() + patienceMs;
    const found: Found[] = [];
    let rows = firstRows;
    let below = from;
    for (let windows = 0; ; windows++) {
      const missing = limit + 1 - found.length;
      const place = below;
      if (windows === windowsBeforeRare) {
        const rest = await searchRare(this.database, hunt, place, mostRare, missing);
        if (rest !== undefined) return pageOf([...found, ...rest], limit, undefined);
      }
      const began = this.clock.monotonic();
      const perSource = Math.max(1, Math.ceil(rows / sources));
      const window = await walk(
        this.database,
        async (sql) => await searchWindow(sql, hunt, place, perSource, missing),
      );
      found.push(...window.found);
      const now = this.clock.monotonic();
      if (found.length > limit || window.edge === undefined || now >= patience) {
        return pageOf(found, limit, window.edge);
      }
      below = window.edge;
      const fitting = (rows * windowMs) / Math.max(now - began, 1);
      rows = Math.round(Math.min(Math.max(fitting, rows / 4, fewestRows), rows * 2, mostRows));
    }
  }
}

/** A full page goes on behind its last message, any other where the looking ended. */
function pageOf(found: Found[], limit: number, edge: Standing | undefined) {
  if (found.length <= limit) return { found, below: edge };
  return { found: found.slice(0, limit), below: found[limit - 1] };
}

function startOf(query: QueryOf<Routes['search']>): Standing {
  if (query.next !== undefined) return decodeBelow(query.next);
  return query.before === undefined ? end : { position: positionOf(query.before), sequence: 0n };
}

/** Microseconds since 1970 of an RFC 3339 time. */
function positionOf(time: string): bigint {
  return BigInt(Date.parse(time)) * 1_000n;
}
