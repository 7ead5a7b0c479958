import { encodePosition, type Message, type Reaction } from '#api';
import { encodeCursor, type ReaderScope } from '#bus';
import type {
  AccountId,
  Attachment,
  ConversationId,
  IdentityId,
  MessageId,
  Mode,
  Origin,
  PersonId,
  Span,
} from '#model';
import type { Sql } from '#platform';

/** What the column `content` holds of a message besides its text. */
interface Content {
  readonly spans?: readonly Span[];
  readonly emote?: boolean;
  readonly notice?: boolean;
  readonly audience?: string;
  readonly attachments?: readonly Attachment[];
}

interface MessageRow {
  id: MessageId;
  conversation_id: ConversationId;
  account_id: AccountId;
  sequence: bigint;
  position: bigint;
  author_id: IdentityId | null;
  author_name: string | null;
  author_address: string | null;
  author_version: number | null;
  person_id: PersonId | null;
  origin: Origin;
  mode: Mode;
  kind: Message['kind'];
  text: string;
  content: Content | null;
  reply_to: MessageId | null;
  reactions: Reaction[] | null;
  at: Date;
  stored_at: Date;
  edited_at: Date | null;
  retracted_at: Date | null;
  erased_at: Date | null;
  version: number;
}

/** A message without what delivery knows of it. */
export type StoredMessage = Omit<Message, 'envelopes'>;

/**
 * Whether a person may see a message, as a condition on `message`: one of their accounts has it and they have not hidden
 * it. Takes the numbers of the parameters that hold the accounts and the person.
 */
export const visible = (accounts: number, person: number): string =>
  `message.account_id = ANY ($${String(accounts)}::uuid[]) AND ${notHidden(person)}`;

/** The LIMIT keeps it a look-up per message: as a join it may read all that a person has ever hidden. */
export const notHidden = (person: number): string =>
  `(SELECT true FROM hidden_message hidden
    WHERE hidden.message_id = message.id AND hidden.person_id = $${String(person)}::uuid LIMIT 1) IS NULL`;

/**
 * Messages with their authors as known now, of those ids that the reader may see: one statement for any number. Of an
 * author's addresses the one held now is shown, before a stable one, for that is how people meet them.
 */
export async function readMessages(
  sql: Sql,
  ids: readonly string[],
  who: ReaderScope,
): Promise<StoredMessage[]> {
  const rows = await sql.query<MessageRow>(
    `SELECT message.id, message.conversation_id, message.account_id, message.sequence, message.position,
       message.author_id, author.name AS author_name, author.version AS author_version,
       (SELECT place.address FROM identity_address place WHERE place.identity_id = author.id
        ORDER BY place.held NULLS LAST, place.kind = 'stable', place.held_from DESC, place.address
        LIMIT 1) AS author_address,
       message.person_id, message.origin, message.mode, message.kind, message.text, message.content,
       message.reply_to, message.reactions, message.at, message.stored_at, message.edited_at,
       message.retracted_at, message.erased_at, message.version
     FROM message LEFT JOIN identity author ON author.id = message.author_id
     WHERE message.id = ANY ($1::uuid[]) AND ${visible(2, 3)}`,
    [ids, [...who.accounts], who.person],
  );
  return rows.map(messageOf);
}

/** Who has hidden messages from themselves. */
export async function readHiding(sql: Sql, ids: readonly string[]): Promise<Map<string, Set<PersonId>>> {
  const rows = await sql.query<{ message_id: string; people: PersonId[] }>(
    `SELECT message_id, array_agg(person_id) AS people FROM hidden_message
     WHERE message_id = ANY ($1::uuid[]) GROUP BY message_id`,
    [ids],
  );
  return new Map(rows.map((row) => [row.message_id, new Set(row.people)]));
}

function messageOf(row: MessageRow): StoredMessage {
  const gone = row.retracted_at !== null || row.erased_at !== null;
  const content = gone ? null : row.content;
  return {
    id: row.id,
    conversation: row.conversation_id,
    account: row.account_id,
    cursor: encodeCursor(row.sequence),
    position: encodePosition(row.position, row.sequence),
    author:
      row.author_id === null
        ? null
        : {
            identity: row.author_id,
            name: row.author_name,
            address: row.author_address ?? '',
            version: row.author_version ?? 0,
          },
    person: row.person_id,
    origin: row.origin,
    mode: row.mode,
    kind: row.kind,
    text: gone ? '' : row.text,
    spans: content?.spans?.map((span) => ({ ...span })) ?? [],
    emote: content?.emote ?? false,
    notice: content?.notice ?? false,
    attachments: content?.attachments?.map((attachment) => ({ ...attachment })) ?? [],
    replyTo: row.reply_to,
    audience: content?.audience ?? null,
    reactions: gone ? [] : (row.reactions ?? []),
    at: row.at.toISOString(),
    storedAt: row.stored_at.toISOString(),
    editedAt: row.edited_at?.toISOString() ?? null,
    retractedAt: row.retracted_at?.toISOString() ?? null,
    erased: row.erased_at !== null,
    version: row.version,
  };
}
