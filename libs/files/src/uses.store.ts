/*
 * What carries which files: messages, and identities whose avatar one is. A file that nothing carries any more is due at
 * once. Locks on files are taken in
 * the order of their ids, before the log's head.
 */
import type { AccountId, FileId, IdentityId, MessageId } from '#model';
import { asJson, type Sql } from '#platform';

/** What carries a file: a message, or an identity whose avatar it is. */
export type Carrier = MessageId | IdentityId;

/** A message or identity about to carry a file. */
export interface FileUse {
  readonly message: Carrier;
  readonly account: AccountId;
  readonly file: FileId;
  /** For messages that leave: the public link. */
  readonly link?: { readonly token: Buffer; readonly tokenHash: Buffer; readonly expiresAt: Date };
}

/** Locks files so that none is removed before the transaction ends; those that are there are answered. */
export async function holdFiles(sql: Sql, files: readonly FileId[]): Promise<Set<FileId>> {
  if (files.length === 0) return new Set();
  const rows = await sql.query<{ id: FileId }>(
    'SELECT id FROM file WHERE id = ANY($1::uuid[]) AND whole ORDER BY id FOR NO KEY UPDATE',
    [[...new Set(files)]],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Writes down that messages carry files, which are held. */
export async function useFiles(sql: Sql, uses: readonly FileUse[]): Promise<void> {
  if (uses.length === 0) return;
  await sql.query(
    `INSERT INTO file_use (message_id, file_id, account_id, token, token_hash, expires_at)
     SELECT message, file, account, decode(token, 'hex'), decode("tokenHash", 'hex'), "expiresAt"
     FROM json_to_recordset($1::json) AS g(message uuid, file uuid, account uuid, token text, "tokenHash" text,
       "expiresAt" timestamptz)
     ON CONFLICT (message_id, file_id) DO NOTHING`,
    [
      asJson(
        uses.map(({ message, file, account, link }) => ({
          message,
          file,
          account,
          token: link?.token.toString('hex'),
          tokenHash: link?.tokenHash.toString('hex'),
          expiresAt: link?.expiresAt,
        })),
      ),
    ],
  );
  await sql.query('UPDATE file SET due_at = NULL WHERE id = ANY($1::uuid[])', [uses.map(({ file }) => file)]);
}

/** Lets go of the files of messages whose content goes, but for those that are kept. */
export async function releaseFiles(
  sql: Sql,
  messages: readonly Carrier[],
  kept: readonly FileId[] = [],
): Promise<void> {
  if (messages.length === 0) return;
  await becomeDue(
    sql,
    await sql.query<{ file: FileId }>(
      `DELETE FROM file_use WHERE message_id = ANY($1::uuid[]) AND NOT file_id = ANY($2::uuid[])
       RETURNING file_id AS file`,
      [messages, kept],
    ),
  );
}

/** Lets go of all files that messages of accounts carry which are removed. */
export async function releaseFilesOfAccounts(sql: Sql, accounts: readonly AccountId[]): Promise<void> {
  await becomeDue(
    sql,
    await sql.query<{ file: FileId }>(
      'DELETE FROM file_use WHERE account_id = ANY($1::uuid[]) RETURNING file_id AS file',
      [accounts],
    ),
  );
}

/** Whether they are used elsewhere is found out by the sweep, which sees every commit. */
async function becomeDue(sql: Sql, released: readonly { readonly file: FileId }[]): Promise<void> {
  if (released.length === 0) return;
  await sql.query(
    `UPDATE file SET due_at = 'epoch' WHERE id IN
       (SELECT id FROM file WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE)`,
    [[...new Set(released.map(({ file }) => file))]],
  );
}

/** Whether a message of one of these accounts carries a file. */
export async function isCarried(sql: Sql, file: FileId, accounts: Iterable<AccountId>): Promise<boolean> {
  const rows = await sql.query(
    'SELECT FROM file_use WHERE file_id = $1 AND account_id = ANY($2::uuid[]) LIMIT 1',
    [file, [...accounts]],
  );
  return rows.length > 0;
}

/** A message is sent again: its links lead to their files at least until then. */
export async function prolongLinks(sql: Sql, message: MessageId, until: Date): Promise<void> {
  await sql.query(
    `UPDATE file_use SET expires_at = greatest(expires_at, $2::timestamptz)
     WHERE message_id = $1 AND expires_at IS NOT NULL`,
    [message, until],
  );
}

/** The sealed tokens of the files that messages carry. */
export async function linksOf(
  sql: Sql,
  messages: readonly MessageId[],
): Promise<{ readonly message: MessageId; readonly file: FileId; readonly token: Buffer }[]> {
  return await sql.query(
    `SELECT message_id AS message, file_id AS file, token FROM file_use
     WHERE message_id = ANY($1::uuid[]) AND token IS NOT NULL`,
    [messages],
  );
}

/** The file that a link leads to, and until when. */
export async function linkedFile(
  sql: Sql,
  tokenHash: Buffer,
): Promise<
  | {
      readonly name: string;
      readonly mediaType: string;
      readonly size: bigint;
      readonly hash: Buffer;
      readonly expiresAt: Date;
    }
  | undefined
> {
  const [row] = await sql.query<NonNullable<Awaited<ReturnType<typeof linkedFile>>>>(
    `SELECT file.name, file.media_type AS "mediaType", file.size, file.hash, u.expires_at AS "expiresAt"
     FROM file_use u JOIN file ON file.id = u.file_id WHERE u.token_hash = $1 AND file.whole`,
    [tokenHash],
  );
  return row;
}
