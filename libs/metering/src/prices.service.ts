import { Injectable } from '@nestjs/common';
import { Connectors, type Principal } from '#accounts';
import type { PriceList, SetPricesBody } from '#api';
import { Audit } from '#audit';
import { Database, Problem, type ProblemError } from '#platform';
import { csvRecord } from './csv.js';
import { MeterStore } from './meter.store.js';
import { toAmount, toMicros } from './money.js';
import { PriceBooks } from './price-books.js';
import type { PriceRow } from './price-book.js';

/** Mistakes that one answer names; who has made more sees the rest when these are mended. */
const MOST_MISTAKES = 50;
/** Rows between two looks at the event loop. */
const SLICE = 2_000;

/** What admins write into the price book, and what everybody reads there. */
@Injectable()
export class Prices {
  constructor(
    private readonly database: Database,
    private readonly store: MeterStore,
    private readonly books: PriceBooks,
    private readonly connectors: Connectors,
    private readonly audit: Audit,
  ) {}

  async list({ workspace }: Principal): Promise<PriceList> {
    const { pricesVersion } = await this.store.read(this.database, workspace);
    const book = await this.books.exact(this.database, workspace, pricesVersion);
    const items = book.rows.map(({ connector, direction, prefix, unit }) => {
      return { connector, direction, prefix, price: toAmount(unit) };
    });
    return { currency: book.currency, version: book.version, items };
  }

  /** The same as CSV, with a header. */
  async *csv(caller: Principal): AsyncGenerator<string> {
    const { items, currency } = await this.list(caller);
    yield csvRecord(['connector', 'direction', 'prefix', 'price', 'currency']);
    for (let from = 0; from < items.length; from += SLICE) {
      yield items
        .slice(from, from + SLICE)
        .map(({ connector, direction, prefix, price }) =>
          csvRecord([connector, direction, prefix, price, currency]),
        )
        .join('');
      await breath();
    }
  }

  /** @throws Problem 409 `currency-fixed`, 422 `invalid` with the mistakes */
  async replace(
    caller: Principal,
    body: SetPricesBody,
    address: string,
  ): Promise<{ currency: string; version: number }> {
    const { workspace, person } = caller;
    const rows = await this.rowsOf(body);
    const { currency } = body;
    const version = await this.database.transaction(async (sql) => {
      const meter = await this.store.lock(sql, workspace);
      if (
        meter.currency !== null &&
        meter.currency !== currency &&
        (await this.store.hasPriced(sql, workspace))
      ) {
        throw new Problem(
          409,
          'currency-fixed',
          `Prices and balance of this workspace are in ${meter.currency}: what was priced already stays in it.`,
          { members: { currency: meter.currency } },
        );
      }
      const written = await this.store.replacePrices(sql, workspace, currency, rows);
      const facts = { currency, rows: rows.length, version: written };
      await this.audit.record(sql, { workspace, person, action: 'prices.changed', facts, address });
      return written;
    });
    this.books.changed(workspace);
    return { currency, version };
  }

  private async rowsOf({ items }: SetPricesBody): Promise<PriceRow[]> {
    const rows: PriceRow[] = [];
    const mistakes: ProblemError[] = [];
    const seen = new Map<string, number>();
    for (const [index, { connector, direction, prefix, price }] of items.entries()) {
      if (index % SLICE === SLICE - 1) await breath();
      const key = `${connector} ${direction} ${prefix}`;
      const before = seen.get(key);
      const wrong = !this.connectors.has(connector)
        ? { pointer: `/items/${String(index)}/connector`, detail: 'is no connector of this server' }
        : before === undefined
          ? undefined
          : {
              pointer: `/items/${String(index)}`,
              detail: `says again what /items/${String(before)} has said`,
            };
      seen.set(key, index);
      if (wrong) mistakes.push(wrong);
      else rows.push({ connector, direction, prefix, unit: toMicros(price) ?? 0n });
      if (mistakes.length >= MOST_MISTAKES) break;
    }
    if (mistakes.length > 0) {
      throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', { errors: mistakes });
    }
    return rows;
  }
}

/** Others may go on in between. */
function breath(): Promise<void> {
  return new Promise((turn) => setImmediate(turn));
}
