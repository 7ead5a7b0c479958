import type { RemoteId } from '#connector';
import type { ConversationId, PersonId } from '#model';
import type { Sql } from '#platform';
import type { Standing } from './history.store.js';
import type { PlaceOnNetwork } from './link-requests.js';

/** A place, and where it stands here. */
export interface Landmark {
  readonly place: PlaceOnNetwork;
  readonly position: bigint;
}

interface PlaceRow {
  at: Date;
  position: bigint;
  remote_ids: { scope: string; id: string; author: string }[] | null;
}

const place = `SELECT message.at, message.position, (
    SELECT json_agg(json_build_object('scope', r.scope, 'id', r.id, 'author', r.author) ORDER BY r.part)
    FROM remote_id r WHERE r.message_id = message.id) AS remote_ids
  FROM message`;

/** The oldest message of a conversation; undefined where there is none. */
export async function oldestPlace(sql: Sql, conversation: ConversationId): Promise<Landmark | undefined> {
  const [row] = await sql.query<PlaceRow>(
    `${place} WHERE message.conversation_id = $1 ORDER BY message.position, message.sequence LIMIT 1`,
    [conversation],
  );
  return row && { place: placeOf(row), position: row.position };
}

/** The place of the message at a standing; its time alone where it has gone. */
export async function placeAt(
  sql: Sql,
  conversation: ConversationId,
  { position, sequence }: Standing,
): Promise<Landmark> {
  const [row] = await sql.query<PlaceRow>(
    `${place} WHERE message.conversation_id = $1 AND message.position = $2 AND message.sequence = $3`,
    [conversation, position, sequence],
  );
  const gone = { at: new Date(Number(position / 1_000n)).toISOString(), remoteIds: [] };
  return { place: row ? placeOf(row) : gone, position };
}

/** Clocks disagree by so many messages at most: the latest of them by its time is the place of a mark. */
const disorder = 50;

/** The place of the latest message that a mark covers, and the conversation's address. */
export async function markedPlace(
  sql: Sql,
  conversation: ConversationId,
  sequence: bigint,
): Promise<{ readonly address: string; readonly upTo: PlaceOnNetwork } | undefined> {
  const [row] = await sql.query<PlaceRow & { address: string }>(
    `SELECT conversation.address, last.at, last.remote_ids FROM conversation
     CROSS JOIN LATERAL (
       SELECT * FROM (
         ${place} WHERE message.conversation_id = conversation.id AND message.sequence <= $2
         ORDER BY message.position DESC, message.sequence DESC LIMIT ${String(disorder)}) AS tail
       ORDER BY tail.at DESC LIMIT 1) AS last
     WHERE conversation.id = $1 AND conversation.held`,
    [conversation, sequence],
  );
  return row && { address: row.address, upTo: placeOf(row) };
}

/** How far back it is looked who answers in a conversation. */
const lately = 1_000;

/** Who answers in a conversation: whoever sent the last message there through Parley; undefined for nobody lately. */
export async function answerer(sql: Sql, conversation: ConversationId): Promise<PersonId | undefined> {
  const [row] = await sql.query<{ person_id: PersonId }>(
    `SELECT person_id FROM (
       SELECT person_id, sequence FROM message WHERE conversation_id = $1 AND mode = 'live'
       ORDER BY sequence DESC LIMIT ${String(lately)}) AS late
     WHERE person_id IS NOT NULL ORDER BY sequence DESC LIMIT 1`,
    [conversation],
  );
  return row?.person_id;
}

function placeOf({ at, remote_ids }: PlaceRow): PlaceOnNetwork {
  const remoteIds = (remote_ids ?? []).map(({ scope, id, author }): RemoteId => ({
    scope,
    id,
    by: author === '' ? 'network' : 'sender',
  }));
  return { at: at.toISOString(), remoteIds };
}
