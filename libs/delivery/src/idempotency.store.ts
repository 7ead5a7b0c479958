import { Injectable } from '@nestjs/common';
import type { EnvelopeId, Failure, MessageId, WorkspaceId } from '#model';
import { asJson, type Sql } from '#platform';
import type { Ask } from './accept.js';

/** A client's own name for a request, within its principal; the same name with the same body is the same request. */
export interface IdempotencyKey {
  /** The token or web session that asks. */
  readonly principal: string;
  readonly key: string;
  /** SHA-256 of the route and the body as parsed, hexadecimal. */
  readonly bodyHash: string;
}

/** What was answered, by ids: an answer is rendered anew, so it is never older than what it tells of. */
export interface KeptAnswer {
  readonly results: readonly (
    { readonly message: MessageId; readonly envelope: EnvelopeId } | { readonly failure: Failure }
  )[];
}

/** What a key's claim may say instead of "go on". */
export type Claimed =
  | { readonly replayed: KeptAnswer }
  /** The key was used for another body. */
  | { readonly misused: true }
  /** Nobody can say yet: ask once more. */
  | { readonly again: true };

/** Keys live as long as this; then the same key is a new request. */
export const KEY_LIFETIME_DAYS = 7;

const nameOf = ({ principal, key }: IdempotencyKey): string => `${principal} ${key}`;

@Injectable()
export class IdempotencyStore {
  /**
   * Claims the keys of a batch. Answers, in order, what an earlier request with the key was answered; undefined for a
   * request that is new. A key that another transaction is claiming right now is waited for.
   */
  async claim(sql: Sql, workspace: WorkspaceId, asks: readonly Ask[]): Promise<(Claimed | undefined)[]> {
    const keyed = new Map<string, IdempotencyKey>();
    for (const { key } of asks) if (key && !keyed.has(nameOf(key))) keyed.set(nameOf(key), key);
    if (keyed.size === 0) return asks.map(() => undefined);
    const rows = await sql.query<{
      principal: string;
      key: string;
      claimed: boolean;
      body_hash: string | null;
      answer: KeptAnswer;
    }>(
      `WITH given AS (
         SELECT * FROM json_to_recordset($1::json) AS g(principal uuid, key text, "bodyHash" text)
       ), claimed AS (
         INSERT INTO idempotency AS i (workspace_id, principal, key, body_hash, status, answer)
         SELECT $2, principal, key, decode("bodyHash", 'hex'), 0, '{"results":[]}' FROM given ORDER BY principal, key
         ON CONFLICT (workspace_id, principal, key) DO UPDATE SET body_hash = excluded.body_hash,
           status = 0, answer = excluded.answer, at = now()
           WHERE i.at < now() - make_interval(days => $3)
         RETURNING principal, key
       )
       SELECT g.principal, g.key, c.key IS NOT NULL AS claimed,
         encode(i.body_hash, 'hex') AS body_hash, i.answer
       FROM given g
       LEFT JOIN claimed c ON c.principal = g.principal AND c.key = g.key
       LEFT JOIN idempotency i ON i.workspace_id = $2 AND i.principal = g.principal AND i.key = g.key`,
      [asJson([...keyed.values()]), workspace, KEY_LIFETIME_DAYS],
    );
    const byName = new Map(rows.map((row) => [nameOf({ ...row, bodyHash: '' }), row]));
    const first = new Set<string>();
    return asks.map(({ key }): Claimed | undefined => {
      if (!key) return undefined;
      const row = byName.get(nameOf(key));
      // Twice in one batch, or claimed by a transaction that this statement waited for but cannot see yet: asked once
      // more, the key's first answer will be there.
      if (!row || (!row.claimed && row.body_hash === null) || first.has(nameOf(key))) return { again: true };
      if (!row.claimed) return row.body_hash === key.bodyHash ? { replayed: row.answer } : { misused: true };
      first.add(nameOf(key));
      return undefined;
    });
  }

  /** Writes what the claimed keys were answered. */
  async keep(
    sql: Sql,
    workspace: WorkspaceId,
    answers: readonly { readonly ask: Ask; readonly answer: KeptAnswer }[],
  ): Promise<void> {
    const keyed = answers.flatMap(({ ask, answer }) => (ask.key ? [{ ...ask.key, answer }] : []));
    if (keyed.length === 0) return;
    await sql.query(
      `UPDATE idempotency i SET status = 201, answer = g.answer
       FROM json_to_recordset($1::json) AS g(principal uuid, key text, answer jsonb)
       WHERE i.workspace_id = $2 AND i.principal = g.principal AND i.key = g.key`,
      [asJson(keyed), workspace],
    );
  }

  /** Forgets keys that have lived long enough; at most 5,000 at a time. Answers how many. */
  async forget(sql: Sql): Promise<number> {
    const rows = await sql.query(
      `DELETE FROM idempotency WHERE (workspace_id, principal, key) IN (
         SELECT workspace_id, principal, key FROM idempotency WHERE at < now() - make_interval(days => $1) LIMIT 5000)
       RETURNING key`,
      [KEY_LIFETIME_DAYS],
    );
    return rows.length;
  }
}
