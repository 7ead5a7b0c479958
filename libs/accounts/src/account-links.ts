import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Connector, JsonObject } from '#connector';
import type { AccountId, LinkId } from '#model';
import { Clock, Database } from '#platform';
import { Connectors } from './connectors.js';
import { LinkBook } from './link-book.js';
import { ShortCache } from './short-cache.js';

/** What speaks for an account, and how it is set. */
export interface AccountLink {
  readonly link: LinkId;
  readonly connector: Connector;
  /** The connector's word for itself. */
  readonly protocol: string;
  /** The link's own, shared with all of its accounts; an admin's business where it is shared. */
  readonly settings: JsonObject;
}

/** A lost signal costs this much. */
const ttlMs = 3_000;

/** By which connector and under which settings accounts speak: remembered, for each send needs to know. */
@Injectable()
export class AccountLinks implements OnModuleInit, OnModuleDestroy {
  readonly #known: ShortCache<AccountLink>;
  #unsubscribe: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly connectors: Connectors,
    private readonly links: LinkBook,
    clock: Clock,
  ) {
    this.#known = new ShortCache(clock, ttlMs, 10_000);
  }

  onModuleInit(): void {
    this.#unsubscribe = this.links.onChanged((changed) => {
      this.#known.forget(({ link }) => changed === undefined || link === changed);
    });
  }

  onModuleDestroy(): void {
    this.#unsubscribe?.();
  }

  /**
   * As it is now, or was a few seconds ago where another process has changed it; undefined for an account that is gone.
   * @throws Problem 422 `unknown-connector` for a protocol that is not built in any more
   */
  async of(account: AccountId): Promise<AccountLink | undefined> {
    return await this.#known.get(account, async () => {
      const [row] = await this.database.query<{ link: LinkId; connector: string; settings: JsonObject }>(
        `SELECT l.id AS link, l.connector, l.settings FROM account a JOIN link l ON l.id = a.link_id WHERE a.id = $1`,
        [account],
      );
      return row && { ...row, protocol: row.connector, connector: this.connectors.get(row.connector) };
    });
  }
}
