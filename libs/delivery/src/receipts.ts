import { Injectable } from '@nestjs/common';
import {
  idsOf,
  mostIdBytes,
  mostOtherIds,
  parseWireId,
  type InboundReceipt,
  type RemoteId,
  type SentPart,
} from '#connector';
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

/** Parked receipts whose ids became known while nobody looked, that one round of the sweep applies. */
const MOST_OVERDUE = 5_000;

/** An id that an account has learnt. */
interface LearntId {
  readonly account: AccountId;
  readonly scope: string;
  readonly id: string;
}

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
  /** Whether the sweep has been through all that others had parked before. */
  private lookedAtAll = false;

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
      return account && this.parkedHere.has(account)
        ? parts.flatMap(({ remoteIds = [] }) => remoteIds.map(({ scope, id }) => ({ account, scope, id })))
        : [];
    });
    if (learnt.length === 0) return first;
    const second = await this.unpark(sql, learnt);
    return {
      events: [...first.events, ...second.events],
      settled: new Map([...first.settled, ...second.settled]),
    };
  }

  /** Applies the receipts that were parked for ids which are known by now, in the order in which they came. */
  async unpark(
    sql: Sql,
    learnt: readonly LearntId[],
  ): Promise<{ events: NewEvent[]; settled: Map<EnvelopeId, Settled> }> {
    const rows = await sql.query<{ envelope_id: EnvelopeId; part: number; receipt: InboundReceipt }>(
      `WITH known AS (
         SELECT DISTINCT ON (p.receipt_id) p.receipt_id, r.envelope_id, r.part, p.receipt
         FROM (SELECT DISTINCT * FROM json_to_recordset($1::json) AS l(account uuid, scope text, id text)) g
         JOIN parked_receipt p ON p.account_id = g.account AND p.scope = g.scope AND p.remote_id = g.id
         JOIN remote_id r ON r.account_id = g.account AND r.scope = g.scope AND r.id = g.id
         WHERE r.envelope_id IS NOT NULL ORDER BY p.receipt_id, p.rank
       ), taken AS (
         DELETE FROM parked_receipt p USING known k WHERE p.receipt_id = k.receipt_id RETURNING p.receipt_id
       )
       SELECT k.envelope_id, k.part, k.receipt FROM known k
       WHERE k.receipt_id IN (SELECT receipt_id FROM taken) ORDER BY k.receipt_id`,
      [asJson(learnt)],
    );
    return await this.settler.apply(
      sql,
      rows.map((row) => newsOf(row.receipt, row.envelope_id, row.part)),
    );
  }

  /**
   * Ids for which receipts are parked and which are known by now, by workspace: of those that were parked lately, while
   * their id was being written; the first time of all, for they may be another process's.
   */
  async overdue(sql: Sql): Promise<Map<WorkspaceId, LearntId[]>> {
    const rows = await sql.query<LearntId & { workspace: WorkspaceId }>(
      `SELECT a.workspace_id AS workspace, p.account_id AS account, p.scope, p.remote_id AS id
       FROM parked_receipt p JOIN account a ON a.id = p.account_id
       WHERE ($1 OR p.at > now() - interval '2 minutes') AND EXISTS (SELECT FROM remote_id r
         WHERE r.account_id = p.account_id AND r.scope = p.scope AND r.id = p.remote_id AND r.envelope_id IS NOT NULL)
       ORDER BY p.receipt_id LIMIT ${String(MOST_OVERDUE)}`,
      [!this.lookedAtAll],
    );
    if (rows.length < MOST_OVERDUE) this.lookedAtAll = true;
    const found = new Map<WorkspaceId, LearntId[]>();
    for (const { workspace, ...learnt } of rows) {
      const others = found.get(workspace);
      if (others) others.push(learnt);
      else found.set(workspace, [learnt]);
    }
    return found;
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
        `INSERT INTO parked_receipt (id, receipt_id, rank, account_id, scope, remote_id, receipt)
         SELECT id, "receiptId", rank, account, scope, remote, receipt FROM json_to_recordset($1::json)
           AS g(id uuid, "receiptId" uuid, rank int, account uuid, scope text, remote text, receipt jsonb)`,
        [
          asJson(
            parked.flatMap((receipt) => {
              const { account } = receipt;
              const receiptId = newId<'ReceiptId'>();
              return namesOf(receipt).map(({ scope, id }, rank) => {
                return { id: newId(), receiptId, rank, account, scope, remote: id, receipt };
              });
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

/** The ids that a receipt may mean, the likeliest first; those that no index can hold are nobody's. */
function namesOf({ about }: InboundReceipt): readonly RemoteId[] {
  if (!('remoteId' in about)) return [];
  return idsOf(about)
    .filter(({ scope, id }) => Buffer.byteLength(scope) + Buffer.byteLength(id) <= mostIdBytes)
    .slice(0, 1 + mostOtherIds);
}

function newsOf(receipt: InboundReceipt, envelope: EnvelopeId, part: number): EnvelopeNews {
  const { account, state, failure } = receipt;
  return {
    envelope,
    account,
    parts: [{ part, state, remoteIds: idsOf(receipt), ...(failure ? { failure } : {}) }],
  };
}
