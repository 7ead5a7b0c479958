import type { JsonObject } from '#connector';
import type { AccountId, ConversationId, IdentityId, MessageId, PersonId } from '#model';
import type { Database, Sql } from '#platform';
import type { Standing } from './history.store.js';
import { notHidden } from './message.views.store.js';
import { allOf, asBeginnings, spellingsOf, type Term } from './search.query.js';

/** What is looked for, and where. */
export interface Hunt {
  /** A `tsquery` as text, of PostgreSQL's own making. */
  readonly query: string;
  readonly person: PersonId;
  /** Either the accounts or the one conversation that are searched. */
  readonly within: { readonly accounts: readonly AccountId[] } | { readonly conversation: ConversationId };
  readonly from: Authors | undefined;
  /** Microseconds since 1970: not before this. */
  readonly floor: bigint;
}

/** Whose messages: these identities', and our own on these accounts. */
export interface Authors {
  readonly identities: readonly IdentityId[];
  readonly own: readonly AccountId[];
}

export interface Found extends Standing {
  readonly id: MessageId;
}

/** What one window held, newest first, and where the next one begins; no edge: there is nothing further back. */
export interface Window {
  readonly found: readonly Found[];
  readonly edge: Standing | undefined;
}

/** Parsed by PostgreSQL, never by us: whatever was typed comes back as quoted words. Empty where there is no word. */
export async function parseTerms(sql: Sql, terms: readonly Term[]): Promise<string> {
  const spelled = terms.flatMap((term, index) =>
    spellingsOf(term.text).map((text) => ({ index, phrase: term.kind === 'phrase', text })),
  );
  const rows = await sql.query<{ query: string }>(
    `SELECT CASE WHEN phrase THEN phraseto_tsquery('simple', text) ELSE plainto_tsquery('simple', text) END::text AS query
     FROM unnest($1::boolean[], $2::text[]) WITH ORDINALITY AS term (phrase, text, ord) ORDER BY ord`,
    [spelled.map(({ phrase }) => phrase), spelled.map(({ text }) => text)],
  );
  const queries: string[][] = terms.map(() => []);
  for (const [row, { index }] of spelled.entries()) {
    const query = rows[row]?.query ?? '';
    queries[index]?.push(terms[index]?.kind === 'beginning' ? asBeginnings(query) : query);
  }
  return allOf(queries);
}

/** Whether a message counts, of those that have the words or may have them. Takes its parameters as `paramsOf` has them. */
const counts = `message.retracted_at IS NULL AND message.erased_at IS NULL
  AND ($3::uuid[] IS NULL OR message.author_id = ANY ($3)
    OR (message.author_id IS NULL AND message.account_id = ANY ($4::uuid[])))
  AND ${notHidden(5)}`;
const below = `(message.position, message.sequence) < ($6::bigint, $7::bigint) AND message.position >= $8::bigint`;

function sourceOf({ within }: Hunt): string {
  return 'accounts' in within ? 'account_id' : 'conversation_id';
}

function paramsOf(hunt: Hunt, place: Standing, limit: number): unknown[] {
  const { within, from } = hunt;
  return [
    'accounts' in within ? within.accounts : [within.conversation],
    hunt.query,
    from?.identities ?? null,
    from?.own ?? [],
    hunt.person,
    place.position,
    place.sequence,
    hunt.floor,
    limit,
  ];
}

/**
 * Looks through the next rows below a place, newest first: at most `rows` of each source, along the index that has them
 * in this order, so that a window costs the same however many messages match or lie beyond. A source that gave all it
 * was asked for may have more: the window ends where the first of these ended.
 */
export async function searchWindow(
  sql: Sql,
  hunt: Hunt,
  place: Standing,
  rows: number,
  limit: number,
): Promise<Window> {
  const answer = await sql.query<Found | (Standing & { readonly id: null })>(
    `WITH scanned AS MATERIALIZED (
       SELECT part.*, source.id AS source
       FROM unnest($1::uuid[]) AS source (id)
       CROSS JOIN LATERAL (
         SELECT message.id, message.position, message.sequence,
           coalesce(message.words @@ $2::tsquery, false) AND ${counts} AS hit
         FROM message WHERE message.${sourceOf(hunt)} = source.id AND ${below}
         ORDER BY message.position DESC, message.sequence DESC LIMIT $10
       ) AS part
     ), edge AS (
       SELECT max(low) AS low FROM (
         SELECT min(ARRAY[position, sequence]) AS low FROM scanned GROUP BY source HAVING count(*) = $10
       ) AS lows
     ), found AS (
       SELECT scanned.id, scanned.position, scanned.sequence FROM scanned, edge
       WHERE scanned.hit AND (edge.low IS NULL OR ARRAY[scanned.position, scanned.sequence] >= edge.low)
       ORDER BY scanned.position DESC, scanned.sequence DESC LIMIT $9
     )
     SELECT id, position, sequence FROM found
     UNION ALL SELECT NULL, low[1], low[2] FROM edge WHERE low IS NOT NULL`,
    [...paramsOf(hunt, place, limit), rows],
  );
  return {
    found: answer.filter((row) => row.id !== null),
    edge: answer.find((row) => row.id === null),
  };
}

/**
 * Finds everything below a place by the index of words, if no more than `most` messages of all have them: the index
 * knows no order and no account, so that it pays only for what is rare. Newest first.
 * @returns nothing where there are more, or where telling takes longer than a window may.
 */
export async function searchRare(
  database: Database,
  hunt: Hunt,
  place: Standing,
  most: number,
  limit: number,
): Promise<Found[] | undefined> {
  try {
    const answer = await database.transaction(async (sql) => {
      await sql.query(
        `SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
           set_config('statement_timeout', '50', true)`,
      );
      return await sql.query<Found | (Standing & { readonly id: null })>(
        `WITH candidate AS MATERIALIZED (
           SELECT message.* FROM message WHERE message.words @@ $2::tsquery LIMIT $10
         ), found AS (
           SELECT message.id, message.position, message.sequence FROM candidate AS message
           WHERE message.${sourceOf(hunt)} = ANY ($1::uuid[]) AND ${below} AND ${counts}
           ORDER BY message.position DESC, message.sequence DESC LIMIT $9
         )
         SELECT id, position, sequence FROM found
         UNION ALL SELECT NULL, count(*), 0 FROM candidate`,
        [...paramsOf(hunt, place, limit), most + 1],
      );
    });
    const candidates = answer.find((row) => row.id === null)?.position ?? 0n;
    return candidates > most ? undefined : answer.filter((row) => row.id !== null);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === queryCanceled) return undefined;
    throw error;
  }
}

/** SQLSTATE of a statement that took too long. */
const queryCanceled = '57014';

/** Who speaks from an address, or once did: identities of these accounts, and accounts whose own address it is. */
export async function findAuthors(
  sql: Sql,
  places: readonly { readonly account: AccountId; readonly address: string }[],
): Promise<Authors> {
  const rows = await sql.query<{ identity_id: IdentityId | null; account_id: AccountId }>(
    `WITH place AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS place (account_id, address))
     SELECT DISTINCT known.identity_id, known.account_id
     FROM place JOIN identity_address known USING (account_id, address)
     UNION ALL
     SELECT NULL, account.id FROM place JOIN account ON account.id = place.account_id
     WHERE account.local_address = place.address`,
    [places.map((place) => place.account), places.map((place) => place.address)],
  );
  return {
    identities: rows.flatMap((row) => row.identity_id ?? []),
    own: rows.flatMap((row) => (row.identity_id === null ? row.account_id : [])),
  };
}

/** The protocols of accounts and how they are set, for reading addresses as they write them. */
export async function readProtocols(
  sql: Sql,
  accounts: readonly AccountId[],
): Promise<{ readonly account: AccountId; readonly connector: string; readonly settings: JsonObject }[]> {
  return await sql.query(
    `SELECT a.id AS account, a.connector, l.settings FROM account a JOIN link l ON l.id = a.link_id
     WHERE a.id = ANY ($1::uuid[])`,
    [accounts],
  );
}
