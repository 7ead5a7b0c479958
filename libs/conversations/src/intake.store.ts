import { Injectable } from '@nestjs/common';
import type { Alongside } from '#bus';
import {
  newId,
  type AccountId,
  type Capabilities,
  type ConversationId,
  type EnvelopeId,
  type Failure,
  type IdentityId,
  type MessageId,
  type NewEvent,
  type WorkspaceId,
} from '#model';
import { asJson, type Sql } from '#platform';
import { conversationKey, type ConversationAsk, type LockedConversation, type NewMessage } from './intake.js';

interface LockedRow {
  id: ConversationId;
  account_id: AccountId;
  kind: 'direct' | 'room';
  address: string;
  held: boolean | null;
  left_at: Date | null;
  standing: boolean;
  last_position: bigint;
}

/** What a network says of a room. */
export interface RoomFacts {
  readonly conversation: ConversationId;
  readonly joined?: boolean;
  readonly topic?: string;
  readonly title?: string;
  /** Why the room could not be entered; entering it clears it. */
  readonly failure?: Failure;
}

/** Who bears an id on the network. */
export interface Bearer {
  readonly message: MessageId;
  /** Where the message stands, and whose it is (nobody's: ours); absent while it is being stored. */
  readonly conversation?: ConversationId;
  readonly author?: IdentityId;
  readonly at?: Date;
  /** Who gave the id. */
  readonly by: 'network' | 'sender';
  /** The envelope that went out under it: the message's own, or one that told in words of a change. */
  readonly envelope?: EnvelopeId;
}

/** Whom an id belongs to. */
export interface Holder {
  readonly message: MessageId;
  readonly part: number;
  readonly envelope: EnvelopeId | null;
}

/** An id that a message bears on its network. */
export interface RemoteIdRow {
  readonly account: AccountId;
  readonly scope: string;
  readonly id: string;
  /** Empty for network-assigned ids; a digest of author and content for ids that a sender chose. */
  readonly author: string;
  readonly message: MessageId;
  readonly part: number;
}

/**
 * How messages get into the tables: the statements that the hot path shares. Each takes any number of rows in one
 * statement, inside the caller's transaction.
 */
@Injectable()
export class IntakeStore {
  /**
   * Finds the conversations at these addresses, and makes those that are not there yet. A maker that loses the race
   * finds the winner's row. New ones come with the events that tell of them.
   */
  async resolve(
    sql: Sql,
    workspace: WorkspaceId,
    asks: readonly ConversationAsk[],
  ): Promise<{ found: Map<string, ConversationId>; events: NewEvent[] }> {
    const found = new Map<string, ConversationId>();
    if (asks.length === 0) return { found, events: [] };
    const unique = [...new Map(asks.map((ask) => [conversationKey(ask.account, ask.address), ask])).values()];
    const events = await this.meetPeers(sql, unique);
    const rows = await sql.query<{
      id: ConversationId;
      account_id: AccountId;
      address: string;
      made: boolean;
    }>(
      `WITH ask AS (
         SELECT * FROM json_to_recordset($1::json)
           AS a(id uuid, account uuid, kind text, address text, identity uuid, standing boolean)
       ), made AS (
         INSERT INTO conversation (id, workspace_id, account_id, kind, address, held, identity_id, joined, standing)
         SELECT a.id, $2, a.account, a.kind, a.address, true, a.identity, a.standing, a.standing FROM ask a
         WHERE NOT EXISTS (
           SELECT 1 FROM conversation c WHERE c.account_id = a.account AND c.address = a.address AND c.held)
         ORDER BY a.account, a.address
         ON CONFLICT (account_id, address, held) DO UPDATE SET held = true
         RETURNING id, account_id, address, (xmax = 0) AS made
       )
       SELECT id, account_id, address, made FROM made
       UNION ALL
       SELECT c.id, c.account_id, c.address, false
       FROM ask a JOIN conversation c ON c.account_id = a.account AND c.address = a.address AND c.held`,
      [
        asJson(
          unique.map(({ account, kind, address, identity, standing = false }) => ({
            id: newId<'ConversationId'>(),
            account,
            kind,
            address,
            identity,
            standing,
          })),
        ),
        workspace,
      ],
    );
    for (const row of rows) {
      const key = conversationKey(row.account_id, row.address);
      if (found.has(key)) continue;
      found.set(key, row.id);
      if (row.made) events.push(conversationChanged(row.account_id, row.id));
    }
    return { found, events };
  }

  /**
   * Somebody speaks in direct conversations: one that had no known peer has it now, one whose peer is somebody else ends,
   * for a reused address never continues somebody else's conversation (DESIGN.md §7).
   */
  private async meetPeers(sql: Sql, asks: readonly ConversationAsk[]): Promise<NewEvent[]> {
    const peers = asks.filter(({ identity, kind }) => identity !== undefined && kind === 'direct');
    if (peers.length === 0) return [];
    const rows = await sql.query<{ id: ConversationId; account_id: AccountId }>(
      `UPDATE conversation c SET identity_id = coalesce(c.identity_id, a.identity),
         held = CASE WHEN c.identity_id IS NULL THEN c.held END, version = c.version + 1
       FROM json_to_recordset($1::json) AS a(account uuid, address text, identity uuid)
       WHERE c.account_id = a.account AND c.address = a.address AND c.held AND c.kind = 'direct'
         AND c.identity_id IS DISTINCT FROM a.identity
       RETURNING c.id, c.account_id`,
      [asJson(peers)],
    );
    return rows.map((row) => conversationChanged(row.account_id, row.id));
  }

  /**
   * Lets direct conversations follow their peers: `moves` are witnessed renames, `vacated` are addresses whose holder is
   * not there any longer. A conversation whose address somebody else holds now ends: it keeps its history, and nothing
   * new goes to it.
   */
  async follow(
    sql: Sql,
    moves: readonly { readonly account: AccountId; readonly from: string; readonly to: string }[],
    vacated: readonly {
      readonly account: AccountId;
      readonly address: string;
      readonly identity: IdentityId;
    }[],
  ): Promise<NewEvent[]> {
    const events: NewEvent[] = [];
    // One after another, in their order: a nick may be left by one and taken by the next. Renames are rare.
    for (const move of moves) {
      const ended = await sql.query<{ id: ConversationId }>(
        `UPDATE conversation SET held = NULL, version = version + 1
         WHERE account_id = $1 AND address = $2 AND held AND kind = 'direct' RETURNING id`,
        [move.account, move.to],
      );
      const moved = await sql.query<{ id: ConversationId }>(
        `UPDATE conversation SET address = $3, version = version + 1
         WHERE account_id = $1 AND address = $2 AND held AND kind = 'direct' RETURNING id`,
        [move.account, move.from, move.to],
      );
      for (const { id } of [...ended, ...moved]) events.push(conversationChanged(move.account, id));
    }
    if (vacated.length > 0) {
      const rows = await sql.query<{ id: ConversationId; account_id: AccountId }>(
        `UPDATE conversation c SET held = NULL, version = c.version + 1
         FROM json_to_recordset($1::json) AS v(account uuid, address text, identity uuid)
         WHERE c.account_id = v.account AND c.address = v.address AND c.held AND c.kind = 'direct'
           AND c.identity_id = v.identity
         RETURNING c.id, c.account_id`,
        [asJson(vacated)],
      );
      for (const row of rows) events.push(conversationChanged(row.account_id, row.id));
    }
    return events;
  }

  /** Locks conversations in the order of their ids until the transaction ends. */
  async lock(sql: Sql, ids: Iterable<ConversationId>): Promise<Map<ConversationId, LockedConversation>> {
    const wanted = [...new Set(ids)];
    if (wanted.length === 0) return new Map();
    const rows = await sql.query<LockedRow>(
      `SELECT id, account_id, kind, address, held, left_at, standing, last_position FROM conversation
       WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`,
      [wanted],
    );
    return new Map(
      rows.map((row) => [
        row.id,
        {
          id: row.id,
          account: row.account_id,
          kind: row.kind,
          address: row.address,
          held: row.held === true,
          left: row.left_at !== null,
          reopens: row.kind === 'direct' || row.standing,
          lastPosition: row.last_position,
        },
      ]),
    );
  }

  /**
   * Direct conversations that were closed and in which somebody speaks again are open again, and so are rooms that nobody
   * joins. Other rooms are entered anew.
   */
  async reopen(sql: Sql, locked: Iterable<LockedConversation>): Promise<NewEvent[]> {
    const closed = [...locked].filter(({ left, reopens }) => left && reopens).map(({ id }) => id);
    if (closed.length === 0) return [];
    const rows = await sql.query<{ id: ConversationId; account_id: AccountId }>(
      `UPDATE conversation SET left_at = NULL, version = version + 1 WHERE id = ANY($1::uuid[])
       RETURNING id, account_id`,
      [closed],
    );
    return rows.map((row) => conversationChanged(row.account_id, row.id));
  }

  /**
   * Claims remote ids for messages that are about to be stored, and answers which message each id now belongs to: the
   * claimed one, or the one that has borne it before (a duplicate). An id that a sender chose counts for seven days.
   */
  async claimRemoteIds(sql: Sql, rows: readonly RemoteIdRow[]): Promise<Map<string, Holder>> {
    if (rows.length === 0) return new Map();
    const holders = await sql.query<
      RemoteIdRow & { account_id: AccountId; message_id: MessageId; envelope_id: EnvelopeId | null }
    >(
      `WITH given AS (
         SELECT * FROM json_to_recordset($1::json)
           AS g(account uuid, scope text, id text, author text, message uuid, part int)
       ), claimed AS (
         INSERT INTO remote_id AS r (account_id, scope, id, author, message_id, part)
         SELECT account, scope, id, author, message, part FROM given ORDER BY account, scope, id, author
         ON CONFLICT (account_id, scope, id, author) DO UPDATE SET message_id = excluded.message_id, envelope_id = NULL, part = excluded.part, at = now()
           WHERE r.author <> '' AND r.at < now() - interval '7 days'
         RETURNING account_id, scope, id, author, message_id, part, envelope_id
       )
       SELECT account_id, scope, id, author, message_id, part, envelope_id FROM claimed
       UNION ALL
       SELECT r.account_id, r.scope, r.id, r.author, r.message_id, r.part, r.envelope_id FROM given g
       JOIN remote_id r ON r.account_id = g.account AND r.scope = g.scope AND r.id = g.id AND r.author = g.author
       WHERE NOT EXISTS (SELECT 1 FROM claimed c
         WHERE c.account_id = g.account AND c.scope = g.scope AND c.id = g.id AND c.author = g.author)`,
      [asJson(rows)],
    );
    return new Map(
      holders.map(({ part, ...row }) => [
        remoteKey(row.account_id, row.scope, row.id, row.author),
        { message: row.message_id, part, envelope: row.envelope_id },
      ]),
    );
  }

  /** The ids that networks gave to messages, by their scope. */
  async namesOf(
    sql: Sql,
    messages: readonly MessageId[],
  ): Promise<Map<MessageId, ReadonlyMap<string, string>>> {
    const names = new Map<MessageId, Map<string, string>>();
    if (messages.length === 0) return names;
    const rows = await sql.query<{ message_id: MessageId; scope: string; id: string }>(
      `SELECT message_id, scope, id FROM remote_id WHERE message_id = ANY($1::uuid[]) AND author = ''`,
      [messages],
    );
    for (const { message_id: message, scope, id } of rows)
      names.set(message, (names.get(message) ?? new Map<string, string>()).set(scope, id));
    return names;
  }

  /** Gives the ids that were claimed for duplicates to what they are duplicates of. */
  async bequeath(sql: Sql, duplicates: ReadonlyMap<MessageId, Holder>): Promise<void> {
    if (duplicates.size === 0) return;
    await sql.query(
      `UPDATE remote_id r SET message_id = g.message, part = g.part, envelope_id = g.envelope
       FROM json_to_recordset($1::json) AS g(duplicate uuid, message uuid, part int, envelope uuid)
       WHERE r.message_id = g.duplicate`,
      [asJson([...duplicates].map(([duplicate, holder]) => ({ duplicate, ...holder })))],
    );
  }

  /** Which of these messages are there. */
  async stored(sql: Sql, ids: readonly MessageId[]): Promise<Set<MessageId>> {
    const rows = await sql.query<{ id: MessageId }>('SELECT id FROM message WHERE id = ANY($1::uuid[])', [
      ids,
    ]);
    return new Set(rows.map((row) => row.id));
  }

  /**
   * The messages that bear these ids, by `remoteKey` without author: sender-chosen ids answer with every bearer, in the
   * order in which the ids became known.
   */
  async bearers(
    sql: Sql,
    ids: readonly { readonly account: AccountId; readonly scope: string; readonly id: string }[],
  ): Promise<Map<string, Bearer[]>> {
    const bearers = new Map<string, Bearer[]>();
    if (ids.length === 0) return bearers;
    const rows = await sql.query<{
      account_id: AccountId;
      scope: string;
      id: string;
      network: boolean;
      message_id: MessageId;
      envelope_id: EnvelopeId | null;
      conversation_id: ConversationId | null;
      author_id: IdentityId | null;
      at: Date | null;
    }>(
      `SELECT r.account_id, r.scope, r.id, r.author = '' AS network, r.message_id, r.envelope_id,
         m.conversation_id, m.author_id, m.at
       FROM (SELECT DISTINCT * FROM json_to_recordset($1::json) AS a(account uuid, scope text, id text)) g
       JOIN remote_id r ON r.account_id = g.account AND r.scope = g.scope AND r.id = g.id
       LEFT JOIN message m ON m.id = r.message_id
       ORDER BY r.at, r.message_id`,
      [asJson(ids)],
    );
    for (const row of rows) {
      const key = remoteKey(row.account_id, row.scope, row.id);
      const bearer: Bearer = {
        message: row.message_id,
        by: row.network ? 'network' : 'sender',
        ...(row.envelope_id && { envelope: row.envelope_id }),
        ...(row.conversation_id && { conversation: row.conversation_id }),
        ...(row.author_id && { author: row.author_id }),
        ...(row.at && { at: row.at }),
      };
      bearers.set(key, [...(bearers.get(key) ?? []), bearer]);
    }
    return bearers;
  }

  /** Writes what networks say of rooms; answers the events of those that changed. */
  async saveRooms(sql: Sql, facts: readonly RoomFacts[]): Promise<NewEvent[]> {
    if (facts.length === 0) return [];
    // Later facts of one room stand over earlier ones: an UPDATE takes one source row per target.
    const latest = new Map<ConversationId, RoomFacts>();
    for (const fact of facts) latest.set(fact.conversation, { ...latest.get(fact.conversation), ...fact });
    const rows = await sql.query<{ id: ConversationId; account_id: AccountId }>(
      `UPDATE conversation c SET
         joined = coalesce(f.joined, c.joined), topic = coalesce(f.topic, c.topic),
         title = coalesce(f.title, c.title),
         failure = CASE WHEN f.joined THEN NULL ELSE coalesce(f.failure, c.failure) END,
         left_at = CASE WHEN f.joined THEN NULL ELSE c.left_at END,
         version = c.version + 1
       FROM json_to_recordset($1::json)
         AS f(conversation uuid, joined boolean, topic text, title text, failure jsonb)
       WHERE c.id = f.conversation AND (
         (f.joined IS NOT NULL AND f.joined <> c.joined) OR (f.topic IS NOT NULL AND f.topic IS DISTINCT FROM c.topic)
         OR (f.title IS NOT NULL AND f.title IS DISTINCT FROM c.title)
         OR (f.failure IS NOT NULL AND f.failure IS DISTINCT FROM c.failure))
       RETURNING c.id, c.account_id`,
      [asJson([...latest.values()])],
    );
    return rows.map((row) => conversationChanged(row.account_id, row.id));
  }

  /** Writes what can be done in conversations, where it differs from their account; by address. */
  async saveCapabilities(
    sql: Sql,
    rows: readonly {
      readonly account: AccountId;
      readonly address: string;
      readonly capabilities: Capabilities;
    }[],
  ): Promise<NewEvent[]> {
    if (rows.length === 0) return [];
    const changed = await sql.query<{ id: ConversationId; account_id: AccountId }>(
      `UPDATE conversation c SET capabilities = g.capabilities, version = c.version + 1
       FROM json_to_recordset($1::json) AS g(account uuid, address text, capabilities jsonb)
       WHERE c.account_id = g.account AND c.address = g.address AND c.held
         AND c.capabilities IS DISTINCT FROM g.capabilities
       RETURNING c.id, c.account_id`,
      [asJson(rows)],
    );
    return changed.map((row) => conversationChanged(row.account_id, row.id));
  }

  /** Stores stretches of time of which nothing is known. */
  async saveGaps(
    sql: Sql,
    gaps: readonly {
      readonly account: AccountId;
      readonly conversation?: ConversationId;
      readonly from: Date;
      readonly until: Date;
      readonly reason: string;
    }[],
  ): Promise<void> {
    if (gaps.length === 0) return;
    await sql.query(
      `INSERT INTO gap (id, account_id, conversation_id, from_at, until_at, reason)
       SELECT id, account, conversation, "from", until, reason FROM json_to_recordset($1::json)
         AS g(id uuid, account uuid, conversation uuid, "from" timestamptz, until timestamptz, reason text)`,
      [asJson(gaps.map((gap) => ({ id: newId<'GapId'>(), ...gap })))],
    );
  }

  /**
   * The rows of new messages, written in the statement that numbers their events: each message takes its event's number,
   * and its conversation follows. `EventLog.append` must be given their `message.created` events.
   */
  messages(rows: readonly NewMessage[]): Alongside {
    return {
      params: [
        asJson(
          rows.map(({ content: { text, replyTo, ...rest }, at, ...row }) => ({
            ...row,
            event: undefined,
            at: at.toISOString(),
            text,
            reply_to: replyTo,
            content: Object.keys(rest).length > 0 ? rest : null,
          })),
        ),
      ],
      ctes: (from) => `given_message AS (
          SELECT g.*, n.sequence FROM json_to_recordset($${String(from)}::json)
            AS g(id uuid, account uuid, conversation uuid, position bigint, author uuid, person uuid, origin text, mode text,
              kind text, text text, content jsonb, reply_to uuid, at timestamptz)
          JOIN numbered n ON n.subject = g.id AND n.type = 'message.created'
        ), made_message AS (
          INSERT INTO message (id, workspace_id, account_id, conversation_id, sequence, position, author_id, person_id,
            origin, mode, kind, text, content, reply_to, at, words)
          SELECT g.id, c.workspace_id, g.account, g.conversation, g.sequence, g.position, g.author, g.person,
            g.origin, g.mode, g.kind, g.text, g.content, g.reply_to, g.at, to_tsvector('simple', left(g.text, 100000))
          FROM given_message g JOIN conversation c ON c.id = g.conversation
        ), followed AS (
          UPDATE conversation c SET last_position = greatest(c.last_position, m.position),
            last_sequence = greatest(c.last_sequence, m.sequence)
          FROM (SELECT conversation, max(position) AS position, max(sequence) AS sequence
            FROM given_message WHERE mode <> 'history' GROUP BY conversation) m
          WHERE c.id = m.conversation
        )`,
    };
  }
}

/** One key for a remote id: for maps only. */
export function remoteKey(account: AccountId, scope: string, id: string, author = ''): string {
  return `${account}\0${scope}\0${id}\0${author}`;
}

/** The event that tells of a conversation's new state. */
export function conversationChanged(account: AccountId, conversation: ConversationId): NewEvent {
  return {
    id: newId<'EventId'>(),
    type: 'conversation.changed',
    audience: { kind: 'account', account },
    subject: conversation,
    data: { conversation },
  };
}
