import { Injectable } from '@nestjs/common';
import { decodeAfter, encodeAfter, type Principal } from '#accounts';
import type { EnterBody, LedgerEntry, LedgerPage, Meter as MeterShape } from '#api';
import { Audit } from '#audit';
import { Database, Problem } from '#platform';
import { LedgerStore, type EntryRow } from './ledger.store.js';
import { Meter } from './meter.js';
import { MeterStore } from './meter.store.js';
import { toAmount, toMicros } from './money.js';

/** More than this nobody has: what a balance may come to, in micro-units. */
const MOST_BALANCE = 10n ** 18n;

/** The prepaid balance and its ledger, as admins see and fill them. */
@Injectable()
export class Ledger {
  constructor(
    private readonly database: Database,
    private readonly meter: Meter,
    private readonly meters: MeterStore,
    private readonly store: LedgerStore,
    private readonly audit: Audit,
  ) {}

  async state({ workspace }: Principal): Promise<MeterShape> {
    const { prepaid, balance, currency } = await this.meters.read(this.database, workspace);
    return { prepaid, balance: toAmount(balance), currency };
  }

  async setPrepaid(caller: Principal, prepaid: boolean, address: string): Promise<MeterShape> {
    const { workspace, person } = caller;
    await this.database.transaction(async (sql) => {
      await this.meters.lock(sql, workspace);
      await this.meters.setPrepaid(sql, workspace, prepaid);
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'meter.changed',
        facts: { prepaid },
        address,
      });
    });
    return await this.state(caller);
  }

  async page(
    { workspace }: Principal,
    query: { readonly limit: number; readonly next?: string },
  ): Promise<LedgerPage> {
    const after = decodeAfter('ledger', query.next);
    if (after !== undefined && !/^\d{1,18}$/.test(after)) {
      throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
        errors: [{ pointer: 'next', detail: 'is none that this server has given' }],
      });
    }
    const { balance, currency } = await this.meters.read(this.database, workspace);
    const before = after === undefined ? undefined : BigInt(after);
    const rows = await this.store.page(this.database, workspace, before, query.limit + 1);
    const items = rows.slice(0, query.limit).map(entryOf);
    const last = items.at(-1);
    return {
      items,
      ...(last && rows.length > query.limit ? { next: encodeAfter('ledger', String(last.sequence)) } : {}),
      balance: toAmount(balance),
      currency,
    };
  }

  /**
   * Enters a top-up or an adjustment. The same key enters once, for ever.
   * @throws Problem 409 `insufficient-credit`, `balance-too-large`, `no-currency`, 422 `idempotency-key-reused`
   */
  async enter(
    caller: Principal,
    body: EnterBody,
    key: string | undefined,
    address: string,
  ): Promise<LedgerEntry> {
    const { workspace, person, id: principal } = caller;
    const { kind, note } = body;
    const amount = toMicros(body.amount) ?? 0n;
    const row = await this.database.transaction(async (sql) => {
      const { balance, currency } = await this.meters.lock(sql, workspace);
      const known = key === undefined ? undefined : await this.store.byKey(sql, workspace, principal, key);
      if (known) {
        if (known.kind === kind && known.amount === amount && known.note === (note ?? null)) return known;
        throw new Problem(
          422,
          'idempotency-key-reused',
          'This Idempotency-Key was used for another request.',
        );
      }
      if (currency === null) {
        throw new Problem(409, 'no-currency', 'The price book says in which currency: set it before.');
      }
      if (balance + amount > MOST_BALANCE) {
        throw new Problem(409, 'balance-too-large', 'The balance would be larger than any that can be kept.');
      }
      const till = await this.meter.enter(sql, workspace);
      const entry = till.enter(kind, amount, {
        person,
        ...(note === undefined ? {} : { note }),
        ...(key === undefined ? {} : { principal, key }),
      });
      if (!entry) {
        throw new Problem(409, 'insufficient-credit', 'A balance is never less than nothing.', {
          members: { balance: toAmount(balance) },
        });
      }
      await this.store.write(sql, till.alongside());
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'ledger.entered',
        subject: String(entry.sequence),
        facts: { kind, amount: toAmount(amount), balance: toAmount(entry.balance) },
        address,
      });
      return await this.store.bySequence(sql, workspace, entry.sequence);
    });
    return entryOf(row);
  }
}

function entryOf(row: EntryRow): LedgerEntry {
  return {
    sequence: Number(row.sequence),
    kind: row.kind,
    amount: toAmount(row.amount),
    balance: toAmount(row.balance),
    envelope: row.envelope_id,
    message: row.message_id,
    person: row.person_id,
    note: row.note,
    at: row.at.toISOString(),
  };
}
