import { Injectable } from '@nestjs/common';
import type { Envelope, EnvelopeSummary } from '#api';
import type { ReaderScope } from '#bus';
import { Fates } from '#conversations';
import type { Charge } from '#metering';
import type {
  AccountId,
  ConversationId,
  EnvelopeId,
  EnvelopeKind,
  EnvelopeState,
  ErrorCode,
  MessageId,
  Remedy,
  WaitReason,
} from '#model';
import { Database, type Sql } from '#platform';
import { costOf } from './cost.js';
import type { Route } from './intake.js';

interface HeadRow {
  id: EnvelopeId;
  message_id: MessageId;
  kind: EnvelopeKind;
  state: EnvelopeState;
  waits_for: WaitReason | null;
  code: ErrorCode | null;
  remedy: Remedy | null;
  detail: string | null;
  version: number;
  charge: Charge | null;
}

interface EnvelopeRow extends HeadRow {
  conversation_id: ConversationId;
  account_id: AccountId;
  attempts: number;
  due_at: Date;
  expires_at: Date;
  retry_at: Date | null;
  route: Route | null;
  known_parts:
    { part: number; state: EnvelopeState; remoteId: string | null; code: ErrorCode | null }[] | null;
}

const HEAD =
  'e.id, e.message_id, e.kind, e.state, e.waits_for, e.code, e.remedy, e.detail, e.version, e.charge';

/** Envelopes as REST and the stream show them. */
@Injectable()
export class EnvelopeViews {
  constructor(private readonly database: Database) {}

  /** By id. Whether the reader may see them is the caller's business, or said by `who`. */
  async byIds(ids: readonly string[], who?: ReaderScope): Promise<Map<string, Envelope>> {
    if (ids.length === 0) return new Map();
    const rows = await read(
      this.database,
      'e.id = ANY($1::uuid[]) AND ($2::uuid[] IS NULL OR e.account_id = ANY($2::uuid[]))',
      [ids, who ? [...who.accounts] : null],
    );
    return new Map(rows.map((row) => [row.id, envelopeOf(row)]));
  }

  /** All envelopes of a message, the oldest first. */
  async ofMessage(message: MessageId): Promise<Envelope[]> {
    return (await read(this.database, 'e.message_id = $1', [message])).map(envelopeOf);
  }
}

/** What became of our messages, for those who read them. */
@Injectable()
export class EnvelopeFates extends Fates {
  constructor(private readonly database: Database) {
    super();
  }

  override async of(messages: readonly MessageId[]): Promise<ReadonlyMap<MessageId, EnvelopeSummary[]>> {
    const rows = await this.database.query<HeadRow>(
      `SELECT ${HEAD} FROM envelope e WHERE e.message_id = ANY($1::uuid[]) ORDER BY e.id`,
      [messages],
    );
    const found = new Map<MessageId, EnvelopeSummary[]>();
    for (const row of rows) {
      const known = found.get(row.message_id);
      if (known) known.push(summaryOf(row));
      else found.set(row.message_id, [summaryOf(row)]);
    }
    return found;
  }

  /** What still waits or is leaving keeps what it is about to say: it is not history yet. */
  override async erase(sql: Sql, messages: readonly MessageId[]): Promise<void> {
    await sql.query(
      `UPDATE envelope SET change = change - 'content' WHERE message_id = ANY($1::uuid[]) AND change ? 'content'
         AND state NOT IN ('accepted', 'waiting', 'sending')`,
      [messages],
    );
  }
}

async function read(sql: Sql, which: string, params: readonly unknown[]): Promise<EnvelopeRow[]> {
  return await sql.query<EnvelopeRow>(
    `SELECT ${HEAD}, e.conversation_id, e.account_id, e.attempts, e.due_at, e.expires_at, e.retry_at, e.route,
       (SELECT json_agg(json_build_object('part', p.part, 'state', p.state, 'remoteId', p.remote_id, 'code', p.code)
          ORDER BY p.part) FROM envelope_part p WHERE p.envelope_id = e.id) AS known_parts
     FROM envelope e WHERE ${which} ORDER BY e.id`,
    params,
  );
}

function summaryOf(row: HeadRow): EnvelopeSummary {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    waitsFor: row.state === 'waiting' ? row.waits_for : null,
    failure:
      row.code === null || row.remedy === null
        ? null
        : { code: row.code, remedy: row.remedy, ...(row.detail === null ? {} : { detail: row.detail }) },
    ...(row.state === 'waiting' && row.code === null && row.detail !== null ? { why: row.detail } : {}),
    ...costOf(row.charge),
    version: row.version,
  };
}

function envelopeOf(row: EnvelopeRow): Envelope {
  const { route } = row;
  return {
    ...summaryOf(row),
    message: row.message_id,
    conversation: row.conversation_id,
    account: row.account_id,
    attempts: row.attempts,
    dueAt: row.due_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    retryAt: row.retry_at?.toISOString() ?? null,
    route: route === null ? null : { account: route.account, address: route.address, why: route.why },
    parts: row.known_parts ?? [],
  };
}
