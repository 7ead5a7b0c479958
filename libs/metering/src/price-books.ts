import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Signals } from '#bus';
import type { WorkspaceId } from '#model';
import { Clock, Database, type Sql } from '#platform';
import { MeterStore } from './meter.store.js';
import { PriceBook } from './price-book.js';

/** The channel on which it is told that a workspace has other prices: `{workspace}`. */
export const PRICES_CHANNEL = 'prices';

/** A lost signal costs this much, where nobody holds the meter. */
const TTL_MS = 3_000;
/** Rows of all books in memory: some 100 bytes each. */
const MOST_ROWS = 500_000;

interface Kept {
  readonly book: PriceBook;
  readonly until: number;
}

/**
 * Price books in memory. Under the meter's lock a book is of the version that the meter names; otherwise it may be some
 * seconds old, which only decides whether anybody looks at the meter at all.
 */
@Injectable()
export class PriceBooks implements OnApplicationBootstrap {
  readonly #kept = new Map<WorkspaceId, Kept>();
  #rows = 0;

  constructor(
    private readonly database: Database,
    private readonly store: MeterStore,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.signals.subscribe(PRICES_CHANNEL, (hint) => {
      const workspace = (hint as { workspace?: WorkspaceId } | undefined)?.workspace;
      if (workspace) this.#forget(workspace);
      else for (const known of [...this.#kept.keys()]) this.#forget(known);
    });
  }

  /** Somebody has written another book: everybody forgets the last, here before this answers. */
  changed(workspace: WorkspaceId): void {
    this.#forget(workspace);
    this.signals.publish(PRICES_CHANNEL, { workspace });
  }

  /** The book as it was at most a few seconds ago. Inside a transaction with its `sql`. */
  async recent(workspace: WorkspaceId, sql: Sql = this.database): Promise<PriceBook> {
    const kept = this.#kept.get(workspace);
    if (kept && kept.until > this.clock.monotonic()) return kept.book;
    if (kept && kept.book.version === (await this.store.pricesVersion(sql, workspace))) {
      return this.#keep(workspace, kept.book);
    }
    return this.#keep(workspace, await this.store.prices(sql, workspace));
  }

  /** The book of a version that the locked meter names. */
  async exact(sql: Sql, workspace: WorkspaceId, version: number): Promise<PriceBook> {
    const kept = this.#kept.get(workspace);
    if (kept?.book.version === version) return kept.book;
    return this.#keep(workspace, await this.store.prices(sql, workspace));
  }

  #keep(workspace: WorkspaceId, book: PriceBook): PriceBook {
    this.#forget(workspace);
    this.#kept.set(workspace, { book, until: this.clock.monotonic() + TTL_MS });
    this.#rows += book.rows.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#rows <= MOST_ROWS || oldest === workspace) break;
      this.#forget(oldest);
    }
    return book;
  }

  #forget(workspace: WorkspaceId): void {
    this.#rows -= this.#kept.get(workspace)?.book.rows.length ?? 0;
    this.#kept.delete(workspace);
  }
}
