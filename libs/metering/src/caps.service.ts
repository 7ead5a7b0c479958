import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import type { Caps as CapsShape, SetCapsBody } from '#api';
import { Audit } from '#audit';
import { brand } from '#model';
import { Clock, Database, Problem, type ProblemError, type Sql } from '#platform';
import { MeterStore, nobody, type CapRow } from './meter.store.js';
import { dayOf, endOf, toAmount, toMicros } from './money.js';

/** How much may be sent in a day. */
@Injectable()
export class Caps {
  constructor(
    private readonly database: Database,
    private readonly store: MeterStore,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  async list({ workspace }: Principal): Promise<CapsShape> {
    const today = dayOf(new Date(this.clock.now()));
    const caps = await this.store.caps(this.database, workspace);
    const use = await this.store.capUse(
      this.database,
      workspace,
      caps.map(({ subject }) => subject),
    );
    const usedOf = (cap: CapRow) => {
      const row = use.find(
        ({ scope, subject, day }) => scope === cap.scope && subject === cap.subject && day === today,
      );
      return { parts: Number(row?.parts ?? 0n), price: toAmount(row?.price ?? 0n) };
    };
    return {
      items: caps.map((cap) => {
        const each = cap.scope !== 'workspace' && cap.subject === nobody;
        return {
          scope: cap.scope,
          id: cap.subject === nobody ? null : brand(cap.subject),
          parts: cap.parts === null ? null : Number(cap.parts),
          price: cap.price === null ? null : toAmount(cap.price),
          used: each ? null : usedOf(cap),
        };
      }),
      resetsAt: endOf(today).toISOString(),
    };
  }

  /** @throws Problem 422 `invalid` for a cap that is said twice, or of nobody here */
  async replace(caller: Principal, { items }: SetCapsBody, address: string): Promise<CapsShape> {
    const { workspace, person } = caller;
    const caps = items.map(({ scope, id, parts, price }): CapRow => {
      return {
        scope,
        subject: id ?? nobody,
        parts: parts === undefined ? null : BigInt(parts),
        price: price === undefined ? null : (toMicros(price) ?? null),
      };
    });
    const today = dayOf(new Date(this.clock.now()));
    await this.database.transaction(async (sql) => {
      await this.mustBeRight(sql, caller, caps);
      await this.store.lock(sql, workspace);
      await this.store.replaceCaps(sql, workspace, caps, today);
      const facts = { caps: caps.length };
      await this.audit.record(sql, { workspace, person, action: 'caps.changed', facts, address });
    });
    return await this.list(caller);
  }

  private async mustBeRight(sql: Sql, { workspace }: Principal, caps: readonly CapRow[]): Promise<void> {
    const here = await this.store.subjects(
      sql,
      workspace,
      caps.map(({ subject }) => subject),
    );
    const seen = new Set<string>();
    const errors = caps.flatMap(({ scope, subject }, index): ProblemError[] => {
      const key = `${scope} ${subject}`;
      const pointer = `/items/${String(index)}`;
      if (seen.has(key)) return [{ pointer, detail: 'is said twice' }];
      seen.add(key);
      if (subject === nobody || here.has(key)) return [];
      return [{ pointer: `${pointer}/id`, detail: `is no ${scope} of this workspace` }];
    });
    if (errors.length > 0) {
      throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', { errors });
    }
  }
}
