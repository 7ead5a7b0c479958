import { failure, type Failure, type WorkspaceId } from '#model';
import type { Alongside } from '#bus';
import { Allowances } from './allowances.js';
import {
  partsOf,
  priceOf,
  type Charge,
  type Heard,
  type Line,
  type Metered,
  type MeteredEnvelope,
} from './charge.js';
import { dayOf, toAmount } from './money.js';
import {
  nobody,
  type CapRow,
  type CapUseRow,
  type EntryKind,
  type MeterRow,
  type MeterStore,
  type NewEntry,
  type UsageRow,
} from './meter.store.js';
import type { Direction, PriceBook } from './price-book.js';

/** What may be sent, and at what; nothing is metered of what costs and counts nothing. */
export type Taken = { readonly charge?: Charge } | { readonly failure: Failure };

export interface TillState {
  readonly workspace: WorkspaceId;
  readonly book: PriceBook;
  /** Absent where nothing costs or counts anything: then the meter is not locked. */
  readonly meter?: MeterRow;
  readonly caps: readonly CapRow[];
  readonly capUse: readonly CapUseRow[];
  readonly now: Date;
}

/**
 * One transaction's view of a workspace's meter, under its lock: judges send by send against caps and balance as they stand
 * with those before it, and writes all of it in the end in the statement that numbers the events.
 */
export class Till {
  readonly #workspace: WorkspaceId;
  readonly #book: PriceBook;
  readonly #prepaid: boolean;
  readonly #today: string;
  readonly #allowances: Allowances;
  readonly #entries: NewEntry[] = [];
  readonly #usage = new Map<string, UsageRow>();
  #balance: bigint;
  #sequence: bigint;

  constructor(
    private readonly store: MeterStore,
    { workspace, book, meter, caps, capUse, now }: TillState,
  ) {
    this.#workspace = workspace;
    this.#book = book;
    this.#prepaid = meter?.prepaid ?? false;
    this.#balance = meter?.balance ?? 0n;
    this.#sequence = meter?.sequence ?? 0n;
    this.#today = dayOf(now);
    this.#allowances = new Allowances(caps, capUse, this.#today);
  }

  get currency(): string | null {
    return this.#book.currency;
  }

  /**
   * What a send would be metered at.
   * @returns what its charge would be, and why it would be refused, if it would
   */
  weigh(asked: Metered): { readonly charge?: Charge; readonly failure?: Failure } {
    const { connector, parts } = asked;
    const destinations = asked.destinations?.length ? asked.destinations : [''];
    if (parts === undefined && !this.#book.knows(connector, 'out')) return {};
    const lines = this.#linesOf(connector, 'out', destinations);
    const count = parts ?? 1;
    const price = priceOf(lines, count);
    const charge: Charge = {
      connector,
      day: this.#today,
      parts: count,
      lines,
      ...(price === undefined ? {} : { price: price.toString() }),
      ...(this.#book.currency === null || price === undefined ? {} : { currency: this.#book.currency }),
    };
    const why =
      this.#allowances.whyNot(asked, partsOf(lines, count), price, this.#book.currency) ??
      this.#unaffordable(connector, price);
    return why ? { charge, failure: why } : { charge };
  }

  /** Takes what a send costs, or refuses it. */
  take(asked: MeteredEnvelope): Taken {
    const { charge, failure: refused } = this.weigh(asked);
    return refused ? { failure: refused } : this.#record(asked, charge);
  }

  /** Takes what there is for a send that nobody may refuse: what a law wants answered is answered. */
  takeAnyhow(asked: MeteredEnvelope): { readonly charge?: Charge } {
    return this.#record(asked, this.weigh(asked).charge);
  }

  /** Counts a message that came in. It is never refused: of a balance it takes what is there. */
  hear(heard: Heard): void {
    const { account, connector, parts = 0, from, message } = heard;
    const known = this.#book.knows(connector, 'in');
    const [line] = this.#linesOf(connector, 'in', [from ?? '']);
    const price = known && line ? (priceOf([line], Math.max(1, parts)) ?? 0n) : 0n;
    this.#count({
      day: this.#today,
      account,
      person: nobody,
      direction: 'in',
      prefix: line?.prefix ?? '',
      connector,
      messages: 1,
      parts,
      price,
    });
    const affordable = price < this.#balance ? price : this.#balance;
    if (this.#prepaid && affordable > 0n) this.#enter('charge', -affordable, { message, once: message });
  }

  /** As `recount`, for what a person asks for: more than they may send or spend is refused. */
  change(
    envelope: Omit<MeteredEnvelope, 'connector'>,
    charge: Charge,
    parts: number,
  ): { readonly charge: Charge } | { readonly failure: Failure } {
    const more = parts - charge.parts;
    const price = priceOf(charge.lines, more);
    const why =
      more <= 0
        ? undefined
        : (this.#allowances.whyNot(envelope, partsOf(charge.lines, more), price, this.#book.currency) ??
          (charge.taken === undefined ? undefined : this.#unaffordable(charge.connector, price)));
    return why ? { failure: why } : { charge: this.recount(envelope, charge, parts) };
  }

  /**
   * Makes a charge that of another number of parts: less of it left than was taken for, or more.
   * @param parts per recipient
   */
  recount(envelope: Omit<MeteredEnvelope, 'connector'>, charge: Charge, parts: number): Charge {
    if (parts === charge.parts) return charge;
    const { day, lines } = charge;
    const price = priceOf(lines, parts);
    const before = priceOf(lines, charge.parts) ?? 0n;
    this.#spend({ ...envelope, connector: charge.connector }, charge, parts - charge.parts, 0);
    this.#allowances.use(
      envelope,
      day,
      partsOf(lines, parts - charge.parts),
      price === undefined ? 0n : price - before,
    );
    const moved: Charge = { ...charge, parts, ...(price === undefined ? {} : { price: price.toString() }) };
    if (charge.taken === undefined || price === undefined) return moved;
    const taken = BigInt(charge.taken);
    const wanted = taken - price;
    const amount = wanted < -this.#balance ? -this.#balance : wanted;
    if (amount === 0n) return moved;
    const { envelope: id, message, person } = envelope;
    const refunds = amount > 0n && charge.refunded !== true;
    this.#enter(refunds ? 'refund' : 'correction', amount, {
      envelope: id,
      message,
      ...(person ? { person } : {}),
      ...(refunds ? { once: id } : {}),
    });
    return { ...moved, taken: (taken - amount).toString(), ...(refunds ? { refunded: true } : {}) };
  }

  /** Enters what an admin pays in or sets right; undefined where it would take more than there is. */
  enter(
    kind: 'top-up' | 'adjustment',
    amount: bigint,
    more: Pick<NewEntry, 'person' | 'note' | 'principal' | 'key'>,
  ): NewEntry | undefined {
    return this.#balance + amount < 0n ? undefined : this.#enter(kind, amount, more);
  }

  /** What is to be written, if anything is. */
  alongside(): Alongside | undefined {
    const usage = [...this.#usage.values()].filter(
      ({ messages, parts, price }) => messages !== 0 || parts !== 0 || price !== 0n,
    );
    const used = this.#allowances.moved();
    if (usage.length + used.length + this.#entries.length === 0) return undefined;
    return this.store.alongside(this.#workspace, {
      balance: this.#balance,
      sequence: this.#sequence,
      entries: this.#entries,
      usage,
      used,
    });
  }

  #record(asked: MeteredEnvelope, charge: Charge | undefined): { readonly charge?: Charge } {
    const { account, person = nobody, connector, envelope, message } = asked;
    if (!charge) {
      const nothing = { prefix: '', parts: 0, price: 0n, messages: 1 };
      this.#count({ day: this.#today, account, person, direction: 'out', connector, ...nothing });
      return {};
    }
    const price = charge.price === undefined ? undefined : BigInt(charge.price);
    this.#spend(asked, charge, charge.parts, 1);
    this.#allowances.use(asked, charge.day, partsOf(charge.lines, charge.parts), price ?? 0n);
    if (!this.#prepaid || price === undefined) return { charge };
    const amount = price < this.#balance ? price : this.#balance;
    if (amount > 0n) {
      const by = asked.person ? { person: asked.person } : {};
      this.#enter('charge', -amount, { envelope, message, once: envelope, ...by });
    }
    return { charge: { ...charge, taken: amount.toString() } };
  }

  /** Adds so many parts per recipient to the usage of the charge's day. */
  #spend(who: Metered, charge: Charge, parts: number, messages: number): void {
    const priced = charge.price !== undefined;
    for (const [index, { prefix, recipients, unit }] of charge.lines.entries()) {
      this.#count({
        day: charge.day,
        account: who.account,
        person: who.person ?? nobody,
        direction: 'out',
        prefix,
        connector: charge.connector,
        // One message, to however many.
        messages: index === 0 ? messages : 0,
        parts: parts * recipients,
        price: priced && unit !== undefined ? BigInt(unit) * BigInt(parts * recipients) : 0n,
      });
    }
  }

  #linesOf(connector: string, direction: Direction, destinations: readonly string[]): Line[] {
    const lines = new Map<string, Line>();
    for (const destination of destinations) {
      const found = this.#book.priceOf(connector, direction, destination);
      const key = found ? `=${found.prefix}` : '';
      const line = lines.get(key) ?? {
        prefix: found?.prefix ?? '',
        recipients: 0,
        ...(found ? { unit: found.unit.toString() } : {}),
      };
      lines.set(key, { ...line, recipients: line.recipients + 1 });
    }
    return [...lines.values()];
  }

  #unaffordable(connector: string, price: bigint | undefined): Failure | undefined {
    if (!this.#prepaid) return undefined;
    if (price === undefined) {
      // Where others have a price, one that has none is not free.
      if (!this.#book.knows(connector, 'out')) return undefined;
      return failure(
        'not-allowed',
        'No price is known for this destination, and what is sent here is paid before: an admin can add one.',
      );
    }
    if (price <= this.#balance) return undefined;
    const currency = this.#book.currency ?? '';
    const [cost, balance] = [toAmount(price), toAmount(this.#balance)];
    return {
      ...failure(
        'insufficient-credit',
        `This costs ${cost} ${currency} and the balance is ${balance} ${currency}: an admin can top it up.`,
      ),
      facts: { price: cost, balance, currency },
    };
  }

  #count(row: UsageRow): void {
    const key = `${row.day} ${row.account} ${row.person} ${row.direction} ${row.prefix}`;
    const known = this.#usage.get(key);
    this.#usage.set(
      key,
      known
        ? {
            ...known,
            messages: known.messages + row.messages,
            parts: known.parts + row.parts,
            price: known.price + row.price,
          }
        : row,
    );
  }

  #enter(kind: EntryKind, amount: bigint, more: Partial<NewEntry>): NewEntry {
    this.#balance += amount;
    const entry = { ...more, kind, amount, balance: this.#balance, sequence: ++this.#sequence };
    this.#entries.push(entry);
    return entry;
  }
}
