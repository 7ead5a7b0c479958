import { Injectable } from '@nestjs/common';
import type { WorkspaceId } from '#model';
import { Clock, Database, type Sql } from '#platform';
import type { Heard, Metered } from './charge.js';
import { MeterStore, nobody, type MeterRow } from './meter.store.js';
import type { PriceBook } from './price-book.js';
import { PriceBooks } from './price-books.js';
import { Till } from './till.js';

/** Whose caps a transaction may touch. */
type Who = Pick<Metered, 'account' | 'person'>;

/**
 * What is sent and received, by number and price. A transaction that sends, settles or takes in opens a till behind its
 * locks on conversations and envelopes, and writes it with the events, under the log's head.
 */
@Injectable()
export class Meter {
  constructor(
    private readonly database: Database,
    private readonly store: MeterStore,
    private readonly books: PriceBooks,
    private readonly clock: Clock,
  ) {}

  /** For what is about to be sent. Locks the meter where any of it counts or costs something. */
  async open(sql: Sql, workspace: WorkspaceId, asked: readonly Metered[]): Promise<Till> {
    const recent = await this.books.recent(workspace, sql);
    const counts = asked.some(
      ({ parts, connector }) => parts !== undefined || recent.knows(connector, 'out'),
    );
    return counts ? await this.#locked(sql, workspace, asked) : this.#counting(workspace, recent);
  }

  /** For charges that are to be made right, for what came in, and for answers to it. */
  async settle(
    sql: Sql,
    workspace: WorkspaceId,
    {
      charged = [],
      asked = [],
      heard = [],
    }: {
      readonly charged?: readonly Who[];
      readonly asked?: readonly Metered[];
      readonly heard?: readonly Heard[];
    },
  ): Promise<Till> {
    const recent = await this.books.recent(workspace, sql);
    const costs = heard.some(({ connector }) => recent.knows(connector, 'in'));
    // No cap counts what comes in.
    if (charged.length > 0 || costs) return await this.#locked(sql, workspace, [...charged, ...asked]);
    return await this.open(sql, workspace, asked);
  }

  /** For entries that an admin makes. */
  async enter(sql: Sql, workspace: WorkspaceId): Promise<Till> {
    return await this.#locked(sql, workspace, []);
  }

  /** As a send would find it now, to look and not to write. */
  async peek(workspace: WorkspaceId, who: readonly Who[]): Promise<Till> {
    const meter = await this.store.read(this.database, workspace);
    const book = await this.books.exact(this.database, workspace, meter.pricesVersion);
    return await this.#till(this.database, workspace, meter, book, who);
  }

  async #locked(sql: Sql, workspace: WorkspaceId, who: readonly Who[]): Promise<Till> {
    const meter = await this.store.lock(sql, workspace);
    const book = await this.books.exact(sql, workspace, meter.pricesVersion);
    return await this.#till(sql, workspace, meter, book, who);
  }

  async #till(
    sql: Sql,
    workspace: WorkspaceId,
    meter: MeterRow,
    book: PriceBook,
    who: readonly Who[],
  ): Promise<Till> {
    const subjects = new Set<string>([nobody]);
    for (const { account, person } of who) subjects.add(account).add(person ?? nobody);
    const given = meter.capped ? [...subjects] : [];
    const capped = given.length > 0;
    return new Till(this.store, {
      workspace,
      book,
      meter,
      caps: capped ? await this.store.caps(sql, workspace, given) : [],
      capUse: capped ? await this.store.capUse(sql, workspace, given) : [],
      now: new Date(this.clock.now()),
    });
  }

  #counting(workspace: WorkspaceId, book: PriceBook): Till {
    return new Till(this.store, { workspace, book, caps: [], capUse: [], now: new Date(this.clock.now()) });
  }
}
