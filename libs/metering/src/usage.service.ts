import { Injectable } from '@nestjs/common';
import { Access, decodeAfter, encodeAfter, type Principal } from '#accounts';
import type { UsageGroup, UsagePage, UsageSum } from '#api';
import { brand, type AccountId, type PersonId } from '#model';
import { Database, Problem } from '#platform';
import { csvRecord } from './csv.js';
import { MeterStore, nobody } from './meter.store.js';
import { toAmount } from './money.js';
import { UsageStore, type SumRow, type UsageQuestion } from './usage.store.js';

/** Sums per statement of a CSV. */
const SLICE = 1_000;

export interface UsageAsk {
  readonly from?: string;
  readonly until?: string;
  readonly account?: AccountId;
  readonly person?: PersonId;
  readonly group: readonly string[];
}

/** What was sent and received, summed up. */
@Injectable()
export class Usage {
  constructor(
    private readonly database: Database,
    private readonly store: UsageStore,
    private readonly meters: MeterStore,
    private readonly access: Access,
  ) {}

  async page(
    caller: Principal,
    { limit, next, ...ask }: UsageAsk & { readonly limit: number; readonly next?: string },
  ): Promise<UsagePage> {
    const question = await this.questionOf(caller, ask);
    const after = afterOf(next, question.group);
    const { currency } = await this.meters.read(this.database, caller.workspace);
    const rows = await this.store.sums(this.database, question, after, limit + 1);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map((row) => sumOf(row, question.group)),
      ...(last && rows.length > limit ? { next: nextOf(last, question.group) } : {}),
      currency,
    };
  }

  /** All of it as CSV, with a header, slice by slice. */
  async *csv(caller: Principal, ask: UsageAsk): AsyncGenerator<string> {
    const question = await this.questionOf(caller, ask);
    const { group } = question;
    const { currency } = await this.meters.read(this.database, caller.workspace);
    yield csvRecord([
      ...group.flatMap((word) =>
        word === 'account' ? [word, 'accountLabel'] : word === 'person' ? [word, 'personName'] : [word],
      ),
      ...['messages', 'parts', 'price', 'currency'],
    ]);
    for (let after: readonly string[] | undefined; ;) {
      const rows = await this.store.sums(this.database, question, after, SLICE);
      yield rows.map((row) => recordOf(sumOf(row, group), group, currency)).join('');
      const last = rows.at(-1);
      if (!last || rows.length < SLICE) return;
      after = group.map((word) => last[word] ?? '');
    }
  }

  private async questionOf(caller: Principal, { group, ...ask }: UsageAsk): Promise<UsageQuestion> {
    const { workspace, person, role } = caller;
    return {
      ...ask,
      workspace,
      group: group as readonly UsageGroup[],
      ...(role === 'admin'
        ? {}
        : { own: { person, accounts: [...(await this.access.accountsOf(workspace, person))] } }),
    };
  }
}

function sumOf(row: SumRow, group: readonly UsageGroup[]): UsageSum {
  const { day, account, person, connector, direction, destination, label = null, name = null } = row;
  const has = (word: UsageGroup) => group.includes(word);
  return {
    ...(has('day') ? { day: day ?? '' } : {}),
    ...(has('account') ? { account: brand<'AccountId'>(account ?? ''), accountLabel: label } : {}),
    ...(has('person')
      ? { person: person === nobody ? null : brand<'PersonId'>(person ?? ''), personName: name }
      : {}),
    ...(has('connector') ? { connector: connector ?? '' } : {}),
    ...(has('direction') ? { direction: direction === 'in' ? 'in' : 'out' } : {}),
    ...(has('destination') ? { destination: destination ?? '' } : {}),
    messages: Number(row.messages),
    parts: Number(row.parts),
    price: toAmount(row.price),
  };
}

function recordOf(sum: UsageSum, group: readonly UsageGroup[], currency: string | null): string {
  return csvRecord([
    ...group.flatMap((word) =>
      word === 'account'
        ? [sum.account, sum.accountLabel]
        : word === 'person'
          ? [sum.person, sum.personName]
          : [sum[word]],
    ),
    ...[sum.messages, sum.parts, sum.price, currency],
  ]);
}

/** A page of one grouping is nothing to another. */
function listOf(group: readonly UsageGroup[]): string {
  return `usage:${group.join(':')}`;
}

function nextOf(row: SumRow, group: readonly UsageGroup[]): string {
  return encodeAfter(listOf(group), JSON.stringify(group.map((word) => row[word] ?? '')));
}

function afterOf(next: string | undefined, group: readonly UsageGroup[]): readonly string[] | undefined {
  const text = decodeAfter(listOf(group), next);
  if (text === undefined) return undefined;
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    keys = undefined;
  }
  if (Array.isArray(keys) && keys.length === group.length && keys.every((key) => typeof key === 'string'))
    return keys;
  throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
    errors: [{ pointer: 'next', detail: 'is none that this server has given' }],
  });
}
