import { Injectable } from '@nestjs/common';
import type { OutboundEnvelope, RemoteId } from '#connector';
import {
  failure,
  newId,
  type AccountId,
  type ConversationId,
  type ConversationKind,
  type EnvelopeId,
  type EnvelopeKind,
  type EnvelopeState,
  type ErrorCode,
  type LinkId,
  type MessageContent,
  type MessageId,
  type NewEvent,
  type WorkspaceId,
} from '#model';
import { asJson, type Sql } from '#platform';
import type { Ready } from './lanes.js';
import type { EnvelopeTold } from './charges.js';
import { optedOut } from './opt-out.store.js';
import { unsettles, type KnownEnvelope, type PartState, type Settlement } from './settle.js';

interface ReadyRow {
  id: EnvelopeId;
  account_id: AccountId;
  conversation_id: ConversationId;
  message_id: MessageId;
  kind: EnvelopeKind;
  attempts: number;
  lane_order: bigint;
  priority: number;
  retry_at: Date | null;
  change: EnvelopeChange | null;
  text: string;
  content: Omit<MessageContent, 'text'> | null;
  reply_to: MessageId | null;
  seen: number;
  address: string;
  conversation_kind: ConversationKind;
  created_at: Date;
  urgent: boolean | null;
}

/** What an edit, retraction or reaction carries besides its target. */
export interface EnvelopeChange {
  readonly content?: MessageContent;
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
  /** The network cannot carry the act: the content tells of it as a plain message. */
  readonly fallback?: boolean;
}

/** Whose a sender-chosen id is that we chose ourselves: no peer's, for theirs are known by a digest. */
const OURS = 'own';

/** An envelope that may leave now. */
export interface Begun {
  readonly attempt: number;
  /** What it says now, where its message was changed after it was read. */
  readonly content?: MessageContent;
}

/** How an earlier message stands, for what is to be done to it. */
export type Target =
  | { readonly fate: 'waits'; readonly envelope: EnvelopeId; readonly state: EnvelopeState }
  | { readonly fate: 'left' | 'none'; readonly state: EnvelopeState };

const READY = `SELECT e.id, e.account_id, e.conversation_id, e.message_id, e.kind, e.attempts, e.lane_order, e.priority,
    e.retry_at, e.change, m.text, m.content, m.reply_to, m.version AS seen, c.address, c.kind AS conversation_kind, e.created_at,
    (e.route->'urgent')::boolean AS urgent
  FROM envelope e JOIN message m ON m.id = e.message_id JOIN conversation c ON c.id = e.conversation_id`;

/** The first in one state of what an ask `a` asks for, in the order of the index: the rest of a backlog is not read. */
const firstIn = (state: 'accepted' | 'waiting'): string => `(SELECT e.id, e.lane_order FROM envelope e
  WHERE e.account_id = a.account AND e.state = '${state}' AND e.lane_order IS NOT NULL
    AND e.id NOT IN (SELECT value::uuid FROM json_array_elements_text(a.known))
    AND e.conversation_id NOT IN (SELECT value::uuid FROM json_array_elements_text(a.crowded))
  ORDER BY e.lane_order LIMIT a.most)`;

/** Why nothing goes to a conversation any more: whoever it was with has left the address. */
export const movedOn = failure(
  'not-allowed',
  'Who held this address has left it: begin a new conversation to write to whoever holds it now.',
);

/** Why an envelope `e` to a conversation `c` does not leave after all, `o` being that its peer has asked for no more. */
const STOPPED = `CASE WHEN c.held IS NOT TRUE THEN 'moved'
  WHEN o.address IS NOT NULL AND (e.kind = 'message' OR e.change ? 'fallback') AND NOT coalesce(e.route ? 'consent', false) THEN 'silenced'
  ELSE '' END`;

/** The envelopes' tables, as workers use them: any number of rows per statement. */
@Injectable()
export class EnvelopeStore {
  /**
   * The next envelopes of each account that are due, oldest first, without those already in memory and without crowded
   * lanes.
   */
  async due(
    sql: Sql,
    asks: readonly {
      readonly account: AccountId;
      readonly known: readonly EnvelopeId[];
      readonly crowded: readonly ConversationId[];
      readonly most: number;
    }[],
  ): Promise<Ready[]> {
    const rows = await sql.query<ReadyRow>(
      `SELECT r.* FROM json_to_recordset($1::json) AS a(account uuid, known json, crowded json, most int)
       CROSS JOIN LATERAL (SELECT id FROM (${firstIn('accepted')} UNION ALL ${firstIn('waiting')}) f
         ORDER BY f.lane_order LIMIT a.most) next
       CROSS JOIN LATERAL (${READY} WHERE e.id = next.id) r`,
      [asJson(asks)],
    );
    return rows.map(readyOf);
  }

  /** Envelopes as they would leave, by id. */
  async byIds(sql: Sql, ids: readonly EnvelopeId[]): Promise<Map<EnvelopeId, Ready>> {
    const rows = await sql.query<ReadyRow>(`${READY} WHERE e.id = ANY($1::uuid[])`, [ids]);
    return new Map(rows.map((row) => [row.id, readyOf(row)]));
  }

  /** What still waits is to leave later: it is scheduled, and its lane goes on without it. */
  async postpone(
    sql: Sql,
    rows: readonly { readonly id: EnvelopeId; readonly at: Date; readonly why: string }[],
  ): Promise<NewEvent[]> {
    if (rows.length === 0) return [];
    const changed = await sql.query<ChangedRow>(
      `UPDATE envelope e SET state = 'waiting', waits_for = 'schedule', detail = g.why, lane_order = NULL,
         due_at = g.at, expires_at = g.at + (e.expires_at - e.due_at), version = e.version + 1, changed_at = now()
       FROM json_to_recordset($1::json) AS g(id uuid, at timestamptz, why text)
       WHERE e.id = g.id AND e.state IN ('accepted', 'waiting')
       RETURNING e.id, e.account_id, e.conversation_id, e.message_id, e.state`,
      [asJson(rows)],
    );
    return changed.map(envelopeChanged);
  }

  /** The envelopes of unknown fate of some accounts, oldest first. */
  async unknown(sql: Sql, accounts: readonly AccountId[], most: number): Promise<Ready[]> {
    const rows = await sql.query<ReadyRow>(
      `${READY} WHERE e.account_id = ANY($1::uuid[]) AND e.state = 'unknown' AND NOT e.resent ORDER BY e.lane_order LIMIT $2`,
      [accounts, most],
    );
    return rows.map(readyOf);
  }

  /**
   * What envelopes that speak of earlier messages speak of: the ids those bear on the network, their text, and what we react with to them. First the
   * message's own, in the order of its parts, then those of what was told of it in words later.
   */
  async targets(
    sql: Sql,
    envelopes: readonly EnvelopeId[],
  ): Promise<Map<EnvelopeId, { remoteIds: RemoteId[]; text: string; reactions: string[] }>> {
    const rows = await sql.query<{
      id: EnvelopeId;
      text: string;
      remote_ids: RemoteId[] | null;
      reactions: string[];
    }>(
      `SELECT e.id, t.text,
         (SELECT json_agg(json_build_object('scope', r.scope, 'id', r.id,
            'by', CASE WHEN r.author = '' THEN 'network' ELSE 'sender' END) ORDER BY r.at, r.part)
          FROM remote_id r WHERE r.message_id = t.id) AS remote_ids,
         ARRAY(SELECT DISTINCT r->>'emoji' FROM jsonb_array_elements(coalesce(t.reactions, '[]')) r
           WHERE r->>'identity' IS NULL) AS reactions
       FROM envelope e JOIN message m ON m.id = e.message_id
       JOIN message t ON t.id = CASE WHEN e.kind = 'message' THEN m.reply_to ELSE m.id END
       WHERE e.id = ANY($1::uuid[])`,
      [envelopes],
    );
    return new Map(
      rows.map(({ id, text, remote_ids, reactions }) => [
        id,
        { remoteIds: remote_ids ?? [], text, reactions },
      ]),
    );
  }

  /**
   * Marks envelopes as being sent, before the first byte; answers those that were still waiting. One that this epoch has
   * marked before, in a commit whose answer was lost, has not left: its caller still has it in hand. What was meant for
   * somebody whose address is another's by now fails instead of reaching the wrong one; so does what is said to somebody
   * who has asked for no more, and came back to wait after that (asked to come later, or never seen by the network).
   */
  async begin(
    sql: Sql,
    rows: readonly { readonly id: EnvelopeId; readonly epoch: bigint; readonly seen: number }[],
  ): Promise<{ begun: Map<EnvelopeId, Begun>; events: NewEvent[] }> {
    const changed = await sql.query<
      ChangedRow & { attempts: number; fresh: { text: string; content: ReadyRow['content'] } | null }
    >(
      `UPDATE envelope e SET state = CASE ${STOPPED} WHEN '' THEN 'sending' ELSE 'failed' END, waits_for = NULL,
         code = ($2::json)->${STOPPED}->>'code', remedy = ($2::json)->${STOPPED}->>'remedy',
         detail = ($2::json)->${STOPPED}->>'detail',
         retry_at = NULL, epoch = g.epoch, attempts = e.attempts + 1, version = e.version + 1, changed_at = now()
       FROM json_to_recordset($1::json) AS g(id uuid, epoch bigint, seen int), message m,
         conversation c LEFT JOIN opt_out o ON o.account_id = c.account_id AND o.address = c.address AND o.opted_out
       WHERE e.id = g.id AND m.id = e.message_id AND c.id = e.conversation_id AND e.expires_at > now()
         AND (e.state IN ('accepted', 'waiting') OR e.state = 'sending' AND e.epoch = g.epoch)
       RETURNING e.id, e.account_id, e.conversation_id, e.message_id, e.state, e.attempts,
         e.state = 'failed' AND e.charge IS NOT NULL AS recount,
         CASE WHEN m.version <> g.seen AND e.change IS NULL
           THEN json_build_object('text', m.text, 'content', m.content) END AS fresh`,
      [asJson(rows), asJson({ moved: movedOn, silenced: optedOut })],
    );
    return {
      begun: new Map(
        changed
          .filter(({ state }) => state === 'sending')
          .map(({ id, attempts, fresh }) => [
            id,
            { attempt: attempts, ...(fresh ? { content: { ...fresh.content, text: fresh.text } } : {}) },
          ]),
      ),
      events: changed.map(envelopeChanged),
    };
  }

  /** Locks envelopes, in the order of their ids, and says what is known of them. */
  async lock(sql: Sql, ids: Iterable<EnvelopeId>): Promise<Map<EnvelopeId, KnownEnvelope>> {
    const rows = await sql.query<
      Omit<ChangedRow, 'state'> & {
        state: EnvelopeState;
        parts: number | null;
        charged: number | null;
        known_parts: { part: number; state: PartState; code: ErrorCode | null }[] | null;
      }
    >(
      `SELECT e.id, e.account_id, e.conversation_id, e.message_id, e.state, e.parts, (e.charge->>'parts')::int AS charged,
         (SELECT json_agg(json_build_object('part', p.part, 'state', p.state, 'code', p.code))
          FROM envelope_part p WHERE p.envelope_id = e.id) AS known_parts
       FROM envelope e WHERE e.id = ANY($1::uuid[]) ORDER BY e.id FOR NO KEY UPDATE OF e`,
      [[...new Set(ids)]],
    );
    return new Map(
      rows.map((row) => [
        row.id,
        {
          id: row.id,
          account: row.account_id,
          conversation: row.conversation_id,
          message: row.message_id,
          state: row.state,
          total: row.parts ?? undefined,
          ...(row.charged === null ? {} : { charged: row.charged }),
          parts: new Map((row.known_parts ?? []).map(({ part, state }) => [part, state])),
          codes: new Map(
            (row.known_parts ?? []).flatMap(({ part, code }) => (code === null ? [] : [[part, code]])),
          ),
        },
      ]),
    );
  }

  /**
   * Writes settlements: envelopes, parts and the parts' ids on the network, in one statement. How many parts an envelope
   * has is nobody's news unless it is charged for others: where nothing else is learnt it is written without an event and
   * a new version.
   */
  async save(sql: Sql, settlements: readonly Settlement[]): Promise<NewEvent[]> {
    const news = settlements.filter(
      (settlement) => settlement.state !== undefined || settlement.parts.length > 0 || unsettles(settlement),
    );
    if (news.length < settlements.length) {
      await sql.query(
        `UPDATE envelope e SET parts = g.total FROM json_to_recordset($1::json) AS g(id uuid, total int) WHERE e.id = g.id`,
        [
          asJson(
            settlements
              .filter((settlement) => !news.includes(settlement))
              .map(({ known, total }) => ({ id: known.id, total })),
          ),
        ],
      );
    }
    return news.length > 0 ? await this.saveNews(sql, news) : [];
  }

  private async saveNews(sql: Sql, settlements: readonly Settlement[]): Promise<NewEvent[]> {
    const parts = settlements.flatMap(({ known, parts }) =>
      parts.map((part) => ({
        envelope: known.id,
        message: known.message,
        account: known.account,
        part: part.part,
        state: part.state,
        code: part.failure?.code,
        remote: part.remoteIds?.[0]?.id,
        ids: part.remoteIds ?? [],
      })),
    );
    const ids = parts.flatMap(({ ids, envelope, message, account, part }) =>
      ids.map(({ scope, id, by }) => {
        return { account, scope, id, author: by === 'network' ? '' : OURS, message, envelope, part };
      }),
    );
    const rows = await sql.query<ChangedRow>(
      `WITH part AS (
         SELECT DISTINCT ON (envelope, part) * FROM json_to_recordset($2::json)
           AS p(envelope uuid, message uuid, account uuid, part int, state text, code text, remote text)
         ORDER BY envelope, part
       ), saved AS (
         INSERT INTO envelope_part AS p (envelope_id, part, state, code, remote_id)
         SELECT envelope, part, state, code, remote FROM part
         ON CONFLICT (envelope_id, part) DO UPDATE SET state = excluded.state,
           code = CASE WHEN p.state = excluded.state THEN coalesce(excluded.code, p.code) ELSE excluded.code END,
           remote_id = coalesce(excluded.remote_id, p.remote_id), changed_at = now()
       ), named AS (
         INSERT INTO remote_id (account_id, scope, id, author, message_id, envelope_id, part)
         SELECT DISTINCT ON (account, scope, id, author) account, scope, id, author, message, envelope, part
         FROM json_to_recordset($3::json)
           AS i(account uuid, scope text, id text, author text, message uuid, envelope uuid, part int)
         ORDER BY account, scope, id, author
         ON CONFLICT (account_id, scope, id, author)
           DO UPDATE SET envelope_id = excluded.envelope_id, part = excluded.part
           WHERE remote_id.message_id = excluded.message_id
       )
       UPDATE envelope e SET state = coalesce(g.state, e.state), parts = coalesce(g.total, e.parts),
         waits_for = CASE WHEN g.state IS NULL THEN e.waits_for ELSE g.reason END,
         retry_at = CASE WHEN g.state IS NULL THEN e.retry_at ELSE g.retry_at END,
         code = CASE WHEN g.state IS NULL THEN e.code ELSE g.code END,
         remedy = CASE WHEN g.state IS NULL THEN e.remedy ELSE g.remedy END,
         detail = CASE WHEN g.state IS NULL THEN e.detail ELSE g.detail END,
         version = e.version + 1, changed_at = now()
       FROM json_to_recordset($1::json)
         AS g(id uuid, state text, total int, reason text, retry_at timestamptz, code text, remedy text, detail text)
       WHERE e.id = g.id
       RETURNING e.id, e.account_id, e.conversation_id, e.message_id, e.state`,
      [
        asJson(
          settlements.map(({ known, state, total, reason, retryAt, failure }) => ({
            id: known.id,
            state,
            total,
            reason,
            retry_at: retryAt,
            code: failure?.code,
            remedy: failure?.remedy,
            detail: failure?.detail,
          })),
        ),
        asJson(parts.map((part) => ({ ...part, ids: undefined }))),
        asJson(ids),
      ],
    );
    const unsettled = new Set(settlements.filter(unsettles).map(({ known }) => known.id));
    return rows.map((row) => envelopeChanged({ ...row, recount: unsettled.has(row.id) }));
  }

  /**
   * After the death of a worker: whatever it was sending has an unknown fate. The third death during one envelope
   * quarantines it.
   */
  async abandon(sql: Sql, link: LinkId, epoch: bigint): Promise<NewEvent[]> {
    const rows = await sql.query<ChangedRow>(
      `UPDATE envelope e SET deaths = e.deaths + 1, version = e.version + 1, changed_at = now(),
         state = CASE WHEN e.deaths >= 2 THEN 'failed' ELSE 'unknown' END,
         code = CASE WHEN e.deaths >= 2 THEN 'internal' ELSE 'unknown' END,
         remedy = CASE WHEN e.deaths >= 2 THEN 'give-up' ELSE 'ask-person' END,
         detail = CASE WHEN e.deaths >= 2 THEN 'Three times the sender stopped while sending this, so it is set aside.'
           ELSE 'The sender stopped while sending this: nobody knows whether it arrived.' END
       FROM account a WHERE a.link_id = $1 AND e.account_id = a.id AND e.state = 'sending' AND e.epoch < $2
       RETURNING e.id, e.account_id, e.conversation_id, e.message_id, e.state,
         e.state = 'failed' AND e.charge IS NOT NULL AS recount`,
      [link, epoch],
    );
    return rows.map(envelopeChanged);
  }

  /** Marks envelopes of unknown fate as sent again, so that none is sent again twice; answers those that were not yet. */
  async markResent(sql: Sql, ids: readonly EnvelopeId[]): Promise<Set<EnvelopeId>> {
    const rows = await sql.query<{ id: EnvelopeId }>(
      `UPDATE envelope SET resent = true, version = version + 1
       WHERE id = ANY($1::uuid[]) AND NOT resent RETURNING id`,
      [ids],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Takes the mark away again from what was not sent again after all. */
  async unmarkResent(sql: Sql, ids: readonly EnvelopeId[]): Promise<void> {
    await sql.query('UPDATE envelope SET resent = false WHERE id = ANY($1::uuid[])', [ids]);
  }

  /**
   * How a message stands, its envelopes locked: it still waits, it left (or is leaving), or it never will. Undefined for
   * one that did not go out through Parley.
   */
  async targetOf(sql: Sql, message: MessageId): Promise<Target | undefined> {
    const rows = await sql.query<{ id: EnvelopeId; state: EnvelopeState }>(
      `SELECT id, state FROM envelope WHERE message_id = $1 AND kind = 'message' ORDER BY id FOR NO KEY UPDATE`,
      [message],
    );
    const left = rows.find(({ state }) =>
      ['sending', 'unknown', 'sent', 'delivered', 'read'].includes(state),
    );
    if (left) return { fate: 'left', state: left.state };
    const waits = rows.find(({ state }) => state === 'accepted' || state === 'waiting');
    if (waits) return { fate: 'waits', envelope: waits.id, state: waits.state };
    const last = rows.at(-1);
    return last ? { fate: 'none', state: last.state } : undefined;
  }

  /** What an envelope carries besides its message. */
  async changeOf(sql: Sql, id: EnvelopeId): Promise<EnvelopeChange | undefined> {
    const [row] = await sql.query<{ change: EnvelopeChange | null }>(
      'SELECT change FROM envelope WHERE id = $1',
      [id],
    );
    return row?.change ?? undefined;
  }

  /** Whether the gate holds an envelope of a workspace; undefined where there is none. */
  async heldIn(sql: Sql, workspace: WorkspaceId, id: EnvelopeId): Promise<boolean | undefined> {
    const [row] = await sql.query<{ held: boolean }>(
      `SELECT state = 'waiting' AND waits_for = 'gate' AS held FROM envelope WHERE id = $1 AND workspace_id = $2`,
      [id, workspace],
    );
    return row?.held;
  }

  /** What the gate held waits for its time or for a session from now on. */
  async release(sql: Sql, id: EnvelopeId): Promise<(ChangedRow & { waits_for: string }) | undefined> {
    const [row] = await sql.query<ChangedRow & { waits_for: string }>(
      `UPDATE envelope SET waits_for = CASE WHEN due_at > now() THEN 'schedule' ELSE 'session' END, detail = NULL,
         expires_at = greatest(due_at, now()) + (expires_at - due_at), version = version + 1, changed_at = now()
       WHERE id = $1 AND state = 'waiting' AND waits_for = 'gate'
       RETURNING id, account_id, conversation_id, message_id, state, waits_for`,
      [id],
    );
    return row;
  }

  /** While an account has no session its due envelopes wait for one, and say so. At most 500 at a time. */
  async awaitSession(sql: Sql, account: AccountId): Promise<NewEvent[]> {
    const rows = await sql.query<ChangedRow>(
      `UPDATE envelope SET state = 'waiting', waits_for = 'session', version = version + 1, changed_at = now()
       WHERE id IN (SELECT id FROM envelope WHERE account_id = $1 AND state = 'accepted' AND lane_order IS NOT NULL
         ORDER BY lane_order LIMIT 500 FOR UPDATE SKIP LOCKED)
       RETURNING id, account_id, conversation_id, message_id, state`,
      [account],
    );
    return rows.map(envelopeChanged);
  }
}

export interface ChangedRow {
  id: EnvelopeId;
  account_id: AccountId;
  conversation_id: ConversationId;
  message_id: MessageId;
  state: string;
  /** What it is metered at may not stand any more. */
  recount?: boolean;
}

/** The event that tells of an envelope's new state. */
export function envelopeChanged(row: ChangedRow): EnvelopeTold {
  return {
    id: newId<'EventId'>(),
    type: 'envelope.changed',
    audience: { kind: 'account', account: row.account_id },
    subject: row.id,
    data: { envelope: row.id, message: row.message_id, conversation: row.conversation_id, state: row.state },
    ...(row.recount === true ? { recount: true } : {}),
  };
}

function readyOf(row: ReadyRow): Ready {
  const stored: MessageContent = {
    ...row.content,
    text: row.text,
    ...(row.reply_to ? { replyTo: row.reply_to } : {}),
  };
  const envelope: OutboundEnvelope = {
    id: row.id,
    account: row.account_id,
    kind: row.change?.fallback === true ? 'message' : row.kind,
    to: row.address,
    conversationKind: row.conversation_kind,
    content: row.change?.content ?? stored,
    ...(row.change?.reaction ? { reaction: row.change.reaction } : {}),
    attempt: row.attempts + 1,
  };
  return {
    envelope,
    message: row.message_id,
    conversation: row.conversation_id,
    laneOrder: row.lane_order,
    seen: row.seen,
    priority: row.priority,
    notBefore: row.retry_at?.getTime() ?? 0,
    needsTarget: row.kind !== 'message' || row.reply_to !== null,
    acceptedAt: row.created_at.getTime(),
    urgent: row.urgent === true,
  };
}
