import { Injectable } from '@nestjs/common';
import { idsOf, parseWireId, type InboundReceipt, type RemoteId, type SentPart } from '#connector';
import {
  newId,
  type AccountId,
  type EnvelopeId,
  type MessageId,
  type NewEvent,
  type WorkspaceId,
} from '#model';
import { asJson, type Sql } from '#platform';
import type { EnvelopeNews } from './settle.js';
import { Settler, type Settled } from './settler.js';

/** An own message that came back from the network, bearing the wire id that it left with. */
export interface Echo extends SentPart {
  readonly account: AccountId;
  readonly wireId: string;
}

/** How long a receipt waits for the id that it names, in days. */
const PARKED_DAYS = 7;

/** Parked receipts (`p`) with whatever is known (`r`) by one of the ids that they may mean (`n`). */
const parkedNames = `parked_receipt p
  CROSS JOIN LATERAL (
    SELECT 0 AS rank, p.scope, p.remote_id AS id
    UNION ALL
    SELECT o.rank, o.other ->> 'scope', o.other ->> 'id'
    FROM jsonb_array_elements(coalesce(p.receipt #> '{about,otherIds}', '[]')) WITH ORDINALITY AS o(other, rank)
  ) AS n
  JOIN remote_id r ON r.account_id = p.account_id AND r.scope = n.scope AND r.id = n.id`;

interface BearerRow {
  ord: number;
  envelope_id: EnvelopeId;
  part: number;
}

/**
 * Takes in what networks say of envelopes. A receipt names its part by our wire id or by the network's id; one that comes
 * before the answer to its submit is parked, durably, until that id is known.
 */
@Injectable()
export class Receipts {
  /**
   * Accounts for which this process has parked receipts: theirs are looked for with every id that is learnt. The sweep
   * finds the others, and those that were parked while their id was being written.
   */
  private readonly parkedHere = new Set<AccountId>();

  constructor(private readonly settler: Settler) {}

  /** Finds the message that an echo completes; undefined for wire ids that are none of this account's. */
  async messagesOf(sql: Sql, echoes: readonly Echo[]): Promise<Map<string, MessageId>> {
    const asked = echoes.flatMap(({ account, wireId }) => {
      const parsed = parseWireId(wireId);
      return parsed ? [{ account, wireId, envelope: parsed.envelope }] : [];
    });
    if (asked.length === 0) return new Map();
    const rows = await sql.query<{ wireId: string; message_id: MessageId }>(
      `SELECT g."wireId", e.message_id FROM json_to_recordset($1::json) AS g(account uuid, "wireId" text, envelope uuid)
       JOIN envelope e ON e.id = g.envelope AND e.account_id = g.account`,
      [asJson(asked)],
    );
    return new Map(rows.map((row) => [row.wireId, row.message_id]));
  }

  /** Which of these envelopes told in words of a change: what they said is no message. */
  async toldInWords(sql: Sql, envelopes: readonly EnvelopeId[]): Promise<ReadonlySet<EnvelopeId>> {
    if (envelopes.length === 0) return new Set();
    const rows = await sql.query<{ id: EnvelopeId }>(
      `SELECT id FROM envelope WHERE id = ANY($1::uuid[]) AND kind <> 'message'`,
      [envelopes],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Applies echoes and receipts of accounts; what nobody can place yet is parked.
   * @param more what else is known of envelopes by now, for one round of locks
   */
  async take(
    sql: Sql,
    echoes: readonly Echo[],
    receipts: readonly InboundReceipt[],
    more: readonly EnvelopeNews[] = [],
  ): Promise<{ events: NewEvent[]; settled: Map<EnvelopeId, Settled> }> {
    const heard: EnvelopeNews[] = echoes.flatMap(({ wireId, ...ids }) => {
      const parsed = parseWireId(wireId);
      if (!parsed) return [];
      return [
        {
          envelope: parsed.envelope,
          parts: [{ part: parsed.part, state: 'sent', remoteIds: idsOf(ids) }],
        },
      ];
    });
    const news = [...more, ...heard];
    const byRemoteId: InboundReceipt[] = [];
    for (const receipt of receipts) {
      if ('remoteId' in receipt.about) {
        byRemoteId.push(receipt);
        continue;
      }
      const parsed = parseWireId(receipt.about.wireId);
      if (parsed) news.push(newsOf(receipt, parsed.envelope, parsed.part));
    }
    news.push(...(await this.placeOrPark(sql, byRemoteId)));
    return await this.settle(sql, news);
  }

  /**
   * Applies news of envelopes, and behind it the receipts that were parked for ids which are learnt with it. Answers as
   * `Settler.apply` does.
   */
  async settle(
    sql: Sql,
    news: readonly EnvelopeNews[],
  ): Promise<{ events: NewEvent[]; settled: Map<EnvelopeId, Settled> }> {
    const first = await this.settler.apply(sql, news);
    const learnt = news.flatMap(({ envelope, parts = [] }) => {
      const account = first.settled.get(envelope)?.account;
      return account &&
        this.parkedHere.has(account) &&
        parts.some(({ remoteIds = [] }) => remoteIds.length > 0)
        ? [account]
        : [];
    });
    if (learnt.length === 0) return first;
    const second = await this.unpark(sql, [...new Set(learnt)]);
    return {
      events: [...first.events, ...second.events],
      settled: new Map([...first.settled, ...second.settled]),
    };
  }

  /** Applies the receipts that were parked for ids which accounts have learnt since. */
  async unpark(
    sql: Sql,
    accounts: readonly AccountId[],
  ): Promise<{ events: NewEvent[]; settled: Map<EnvelopeId, Settled> }> {
    const rows = await sql.query<{ envelope_id: EnvelopeId; part: number; receipt: InboundReceipt }>(
      `WITH known AS (
         SELECT DISTINCT ON (p.id) p.id, r.envelope_id, r.part FROM ${parkedNames}
         WHERE p.account_id = ANY($1::uuid[]) AND r.envelope_id IS NOT NULL ORDER BY p.id, n.rank)
       DELETE FROM parked_receipt p USING known k WHERE p.id = k.id
       RETURNING k.envelope_id, k.part, p.receipt`,
      [accounts],
    );
    return await this.settler.apply(
      sql,
      rows.map((row) => newsOf(row.receipt, row.envelope_id, row.part)),
    );
  }

  /** Accounts with parked receipts whose ids are known by now, by workspace. */
  async overdue(sql: Sql): Promise<Map<WorkspaceId, AccountId[]>> {
    const rows = await sql.query<{ workspace_id: WorkspaceId; accounts: AccountId[] }>(
      `SELECT a.workspace_id, array_agg(a.id) AS accounts FROM account a
       WHERE a.id IN (SELECT p.account_id FROM ${parkedNames} WHERE r.envelope_id IS NOT NULL)
       GROUP BY a.workspace_id`,
    );
    return new Map(rows.map((row) => [row.workspace_id, row.accounts]));
  }

  /** Forgets parked receipts whose ids have not become known within a week: they are about nothing of ours. */
  async forget(sql: Sql): Promise<number> {
    const rows = await sql.query(
      `DELETE FROM parked_receipt WHERE id IN (
         SELECT id FROM parked_receipt WHERE at < now() - make_interval(days => $1) ORDER BY at LIMIT 5000) RETURNING id`,
      [PARKED_DAYS],
    );
    return rows.length;
  }

  private async placeOrPark(sql: Sql, receipts: readonly InboundReceipt[]): Promise<EnvelopeNews[]> {
    if (receipts.length === 0) return [];
    const asked = receipts.flatMap((receipt, ord) =>
      namesOf(receipt).map(({ scope, id }, rank) => ({ ord, rank, account: receipt.account, scope, id })),
    );
    const rows = await sql.query<BearerRow>(
      `SELECT DISTINCT ON (g.ord) g.ord, r.envelope_id, r.part
       FROM json_to_recordset($1::json) AS g(ord int, rank int, account uuid, scope text, id text)
       JOIN remote_id r ON r.account_id = g.account AND r.scope = g.scope AND r.id = g.id
       WHERE r.envelope_id IS NOT NULL ORDER BY g.ord, g.rank`,
      [asJson(asked)],
    );
    const placed = new Map(rows.map((row) => [row.ord, row]));
    const parked = receipts.filter((_, ord) => !placed.has(ord));
    if (parked.length > 0) {
      for (const { account } of parked) this.parkedHere.add(account);
      await sql.query(
        `INSERT INTO parked_receipt (id, account_id, scope, remote_id, receipt)
         SELECT id, account, scope, remote, receipt
         FROM json_to_recordset($1::json) AS g(id uuid, account uuid, scope text, remote text, receipt jsonb)`,
        [
          asJson(
            parked.flatMap((receipt) => {
              const [first] = namesOf(receipt);
              return first
                ? [{ id: newId(), account: receipt.account, scope: first.scope, remote: first.id, receipt }]
                : [];
            }),
          ),
        ],
      );
    }
    return receipts.flatMap((receipt, ord) => {
      const row = placed.get(ord);
      return row ? [newsOf(receipt, row.envelope_id, row.part)] : [];
    });
  }
}

/** The ids that a receipt may mean, the likeliest first. */
function namesOf({ about }: InboundReceipt): readonly RemoteId[] {
  return 'remoteId' in about ? idsOf(about) : [];
}

function newsOf(receipt: InboundReceipt, envelope: EnvelopeId, part: number): EnvelopeNews {
  const { state, failure } = receipt;
  return {
    envelope,
    parts: [{ part, state, remoteIds: idsOf(receipt), ...(failure ? { failure } : {}) }],
  };
}
