import { failure, type Failure } from '#model';
import type { Metered } from './charge.js';
import { nobody, type CapRow, type CapScope, type CapUseRow } from './meter.store.js';
import { endOf, toAmount } from './money.js';

interface Use {
  readonly scope: CapScope;
  readonly subject: string;
  readonly day: string;
  parts: bigint;
  price: bigint;
  moved: boolean;
}

type Who = Pick<Metered, 'account' | 'person'>;

const whose: Record<CapScope, string> = {
  workspace: 'of the workspace',
  account: 'of this account',
  person: 'of this person',
};

/** What may still be sent today, and what has been, under the meter's lock. */
export class Allowances {
  readonly #caps: ReadonlyMap<string, CapRow>;
  readonly #use = new Map<string, Use>();

  /** @param today UTC; where another process has begun a later day, that one counts */
  constructor(
    caps: readonly CapRow[],
    use: readonly CapUseRow[],
    private readonly today: string,
  ) {
    this.#caps = new Map(caps.map((cap) => [keyOf(cap.scope, cap.subject), cap]));
    for (const row of use) {
      if (row.day >= today) this.#use.set(keyOf(row.scope, row.subject), { ...row, moved: false });
    }
  }

  /** Why so many parts at such a price would be too much; undefined where they are not. */
  whyNot(who: Who, parts: number, price: bigint | undefined, currency: string | null): Failure | undefined {
    for (const { scope, subject } of subjectsOf(who)) {
      const cap = this.#caps.get(keyOf(scope, subject)) ?? this.#caps.get(keyOf(scope, nobody));
      if (!cap) continue;
      const used = this.#useOf(scope, subject);
      if (cap.parts !== null && used.parts + BigInt(parts) > cap.parts) {
        return this.#over(scope, used.day, 'parts', String(used.parts), String(cap.parts), String(parts));
      }
      if (cap.price !== null && price !== undefined && used.price + price > cap.price) {
        const [spent, limit, wanted] = [used.price, cap.price, price].map(toAmount);
        return this.#over(scope, used.day, currency ?? 'price', spent ?? '', limit ?? '', wanted ?? '');
      }
    }
    return undefined;
  }

  /** Counts what is sent, or no longer is. What belongs to an earlier day is nothing to today's caps. */
  use(who: Who, day: string, parts: number, price: bigint): void {
    if (this.#caps.size === 0) return;
    for (const { scope, subject } of subjectsOf(who)) {
      const used = this.#useOf(scope, subject);
      if (day < used.day) continue;
      used.parts = atLeastZero(used.parts + BigInt(parts));
      used.price = atLeastZero(used.price + price);
      used.moved = true;
    }
  }

  /** What stands otherwise than it did. */
  moved(): CapUseRow[] {
    return [...this.#use.values()]
      .filter(({ moved }) => moved)
      .map(({ scope, subject, day, parts, price }) => ({ scope, subject, day, parts, price }));
  }

  #useOf(scope: CapScope, subject: string): Use {
    const key = keyOf(scope, subject);
    let use = this.#use.get(key);
    if (!use) {
      use = { scope, subject, day: this.today, parts: 0n, price: 0n, moved: false };
      this.#use.set(key, use);
    }
    return use;
  }

  #over(scope: CapScope, day: string, unit: string, used: string, limit: string, wanted: string): Failure {
    const resetsAt = endOf(day).toISOString();
    return {
      ...failure(
        'rate-limited',
        `The day’s cap ${whose[scope]} is ${limit} ${unit}: ${used} are used and this takes ${wanted}. ` +
          `It begins anew at ${resetsAt}.`,
        'ask-person',
      ),
      facts: { cap: scope, unit, used, limit, wanted, resetsAt },
    };
  }
}

/** Whose caps a send counts against. */
function subjectsOf({ account, person }: Who): { scope: CapScope; subject: string }[] {
  return [
    { scope: 'workspace', subject: nobody },
    { scope: 'account', subject: account },
    ...(person ? [{ scope: 'person' as const, subject: person }] : []),
  ];
}

function keyOf(scope: CapScope, subject: string): string {
  return `${scope} ${subject}`;
}

function atLeastZero(value: bigint): bigint {
  return value < 0n ? 0n : value;
}
