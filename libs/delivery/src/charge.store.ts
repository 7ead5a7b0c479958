import { Injectable } from '@nestjs/common';
import type { Alongside } from '#bus';
import type { Charge } from '#metering';
import type { AccountId, EnvelopeId, MessageId, PersonId } from '#model';
import { asJson, type Sql } from '#platform';

/** A charged envelope, and how many of its parts count by what is known of it now. */
export interface DueRow {
  readonly envelope: EnvelopeId;
  readonly message: MessageId;
  readonly account: AccountId;
  readonly person?: PersonId;
  readonly charge: Charge;
  readonly counts: number;
}

/** What envelopes are metered at, in their own rows. */
@Injectable()
export class ChargeStore {
  /**
   * Of envelopes that the transaction has locked. What will not arrive counts by the parts that the network has and did not
   * fail; what may yet arrive counts whole: as many parts as the network says, or as were planned.
   */
  async due(sql: Sql, ids: readonly EnvelopeId[]): Promise<DueRow[]> {
    const rows = await sql.query<Omit<DueRow, 'person'> & { person: PersonId | null }>(
      `SELECT e.id AS envelope, e.message_id AS message, e.account_id AS account, e.person_id AS person, e.charge,
         CASE WHEN e.state IN ('failed', 'expired', 'withdrawn') THEN
           (SELECT count(*)::int FROM envelope_part p
            WHERE p.envelope_id = e.id AND p.state IN ('sent', 'delivered', 'read', 'unknown'))
         ELSE coalesce(e.parts, (e.charge->>'parts')::int) END AS counts
       FROM envelope e WHERE e.id = ANY($1::uuid[]) AND e.charge IS NOT NULL ORDER BY e.id`,
      [ids],
    );
    return rows.map(({ person, ...row }) => ({ ...row, ...(person ? { person } : {}) }));
  }

  /** What envelopes are metered at from now on, for the statement that numbers the events. */
  rewritten(rows: readonly { readonly id: EnvelopeId; readonly charge: Charge }[]): Alongside {
    return {
      params: [asJson(rows)],
      ctes: (from) => `recharged AS (
          UPDATE envelope e SET charge = g.charge, version = e.version + 1
          FROM json_to_recordset($${String(from)}::json) AS g(id uuid, charge jsonb) WHERE e.id = g.id
        )`,
    };
  }
}
