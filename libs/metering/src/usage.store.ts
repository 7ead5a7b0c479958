import { Injectable } from '@nestjs/common';
import type { UsageGroup } from '#api';
import type { AccountId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import { nobody } from './meter.store.js';

export interface UsageQuestion {
  readonly workspace: WorkspaceId;
  /** The first day, and the day before which it ends. */
  readonly from?: string;
  readonly until?: string;
  readonly account?: AccountId;
  readonly person?: PersonId;
  /** What one who is no admin sees: what they sent, and what came to their accounts. */
  readonly own?: { readonly person: PersonId; readonly accounts: readonly AccountId[] };
  readonly group: readonly UsageGroup[];
}

/** Each key as text, so that pages go by it. */
export type SumRow = { readonly [group in UsageGroup]?: string } & {
  readonly messages: bigint;
  readonly parts: bigint;
  /** Micro-units. */
  readonly price: bigint;
  readonly label?: string | null;
  readonly name?: string | null;
};

const columns: Record<UsageGroup, string> = {
  day: 'u.day::text',
  account: 'u.account_id::text',
  person: 'u.person_id::text',
  connector: 'u.connector',
  direction: 'u.direction',
  destination: 'u.prefix',
};

/** Sums of `usage`. */
@Injectable()
export class UsageStore {
  /** The next sums in the order of their groups, behind one of them. */
  async sums(
    sql: Sql,
    question: UsageQuestion,
    after: readonly string[] | undefined,
    limit: number,
  ): Promise<SumRow[]> {
    const { workspace, from, until, account, person, own, group } = question;
    const keys = group.map((word) => `${columns[word]} COLLATE "C"`);
    const named = group.map((word) => `${columns[word]} AS ${word}`);
    const rows = `(${keys.join(', ')})`;
    return await sql.query<SumRow>(
      `SELECT s.*${group.includes('account') ? ', a.label' : ''}${group.includes('person') ? ', p.name' : ''} FROM (
         SELECT ${named.join(', ')}, sum(u.messages)::bigint AS messages, sum(u.parts)::bigint AS parts,
           sum(u.price)::bigint AS price
         FROM usage u
         WHERE u.workspace_id = $1 AND ($2::date IS NULL OR u.day >= $2::date) AND ($3::date IS NULL OR u.day < $3::date)
           AND ($4::uuid IS NULL OR u.account_id = $4::uuid) AND ($5::uuid IS NULL OR u.person_id = $5::uuid)
           AND ($6::uuid IS NULL OR u.person_id = $6::uuid
             OR u.person_id = '${nobody}' AND u.account_id = ANY($7::uuid[]))
           AND ($8::text[] IS NULL OR ${rows} > (${group.map((_, index) => `($8::text[])[${String(index + 1)}]`).join(', ')}))
         GROUP BY ${keys.map((_, index) => String(index + 1)).join(', ')} ORDER BY ${keys.join(', ')} LIMIT $9
       ) s
       ${group.includes('account') ? 'LEFT JOIN account a ON a.id = s.account::uuid' : ''}
       ${group.includes('person') ? 'LEFT JOIN person p ON p.id = s.person::uuid' : ''}
       ORDER BY ${group.map((word) => `s.${word} COLLATE "C"`).join(', ')}`,
      [
        workspace,
        from ?? null,
        until ?? null,
        account ?? null,
        person ?? null,
        own?.person ?? null,
        own?.accounts ?? null,
        after ?? null,
        limit,
      ],
    );
  }
}
