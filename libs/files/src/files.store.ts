/*
 * The tables of files. Locks are taken in the order usage, file, content; of files those with the smaller id first.
 *
 * A row of `file_content` is there before its bytes are and goes after them; it is named by the file that arrives before
 * its bytes are there, and whoever removes bytes holds it locked and looks whether it is named. So a whole file always
 * has its bytes, and what a crash leaves behind is bytes that nobody names: the
 * sweep finds them by `due_at`. What is due at once has been so since 1970: no two clocks are compared.
 */
import type { FileId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';

/** A file as it is known: whole, with content in the store. */
export interface StoredFile {
  readonly id: FileId;
  readonly workspace: WorkspaceId;
  /** Whose it is. */
  readonly person: PersonId;
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256. */
  readonly hash: Buffer;
  readonly createdAt: Date;
  /** When it goes unless a message carries it by then; null while one does. */
  readonly dueAt: Date | null;
}

interface Row extends Omit<StoredFile, 'size'> {
  readonly size: bigint;
}

const columns = `file.id, file.workspace_id AS workspace, file.person_id AS person, file.name,
  file.media_type AS "mediaType", file.size, file.hash, file.created_at AS "createdAt", file.due_at AS "dueAt"`;

const fileOf = (row: Row): StoredFile => ({ ...row, size: Number(row.size) });

/** Somebody's place among the files. */
export interface Owner {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
}

/** Files by their ids, those that are whole. */
export async function findFiles(
  sql: Sql,
  workspace: WorkspaceId,
  ids: readonly FileId[],
): Promise<Map<FileId, StoredFile>> {
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM file WHERE id = ANY($2::uuid[]) AND workspace_id = $1 AND whole`,
    [workspace, ids],
  );
  return new Map(rows.map((row) => [row.id, fileOf(row)]));
}

/** A person's files, the latest first. */
export async function filesOf(
  sql: Sql,
  { workspace, person }: Owner,
  before: FileId | undefined,
  limit: number,
): Promise<StoredFile[]> {
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM file WHERE workspace_id = $1 AND person_id = $2 AND whole
       AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
    [workspace, person, before ?? null, limit],
  );
  return rows.map(fileOf);
}

/** How many bytes a person has, those on their way included. */
export async function usageOf(sql: Sql, { workspace, person }: Owner): Promise<number> {
  const [row] = await sql.query<{ bytes: bigint }>(
    'SELECT bytes FROM file_usage WHERE workspace_id = $1 AND person_id = $2',
    [workspace, person],
  );
  return Number(row?.bytes ?? 0n);
}

// ---- arriving ----

/** Counts bytes against a person's quota; false where they do not fit. One statement: nobody slips in between. */
async function charge(
  sql: Sql,
  { workspace, person }: Owner,
  bytes: number,
  quota: number,
): Promise<boolean> {
  if (bytes > quota) return false;
  const rows = await sql.query(
    `INSERT INTO file_usage AS u (workspace_id, person_id, bytes) VALUES ($1, $2, $3)
     ON CONFLICT (workspace_id, person_id) DO UPDATE SET bytes = u.bytes + excluded.bytes
       WHERE u.bytes + excluded.bytes <= $4 RETURNING 1`,
    [workspace, person, bytes, quota],
  );
  return rows.length > 0;
}

async function giveBack(sql: Sql, { workspace, person }: Owner, bytes: number): Promise<void> {
  await sql.query(
    'UPDATE file_usage SET bytes = greatest(0, bytes - $3) WHERE workspace_id = $1 AND person_id = $2',
    [workspace, person, bytes],
  );
}

/** A file that begins to arrive, with room reserved; false where the quota has none. */
export async function beginArrival(
  sql: Sql,
  file: Owner & { readonly id: FileId; readonly name: string; readonly bytes: number; readonly until: Date },
  quota: number,
): Promise<boolean> {
  if (!(await charge(sql, file, file.bytes, quota))) return false;
  await sql.query(
    `INSERT INTO file (id, workspace_id, person_id, name, media_type, size, due_at) VALUES ($1, $2, $3, $4, '', $5, $6)`,
    [file.id, file.workspace, file.person, file.name, file.bytes, file.until],
  );
  return true;
}

/** Reserves more room for a file that arrives, or holds what it has for longer: `gone` where the sweep took it for dead. */
export async function extendArrival(
  sql: Sql,
  file: Owner & { readonly id: FileId },
  more: number,
  until: Date,
  quota: number,
): Promise<'reserved' | 'no-room' | 'gone'> {
  if (more > 0 && !(await charge(sql, file, more, quota))) return 'no-room';
  const rows = await sql.query(
    'UPDATE file SET size = size + $2, due_at = $3 WHERE id = $1 AND NOT whole RETURNING 1',
    [file.id, more, until],
  );
  if (rows.length > 0) return 'reserved';
  if (more > 0) await giveBack(sql, file, more);
  return 'gone';
}

/**
 * The content of a file that arrives is known and about to be in the store: from here on it is not removed. False where
 * the sweep took the file for dead. A sweep that is removing the same content is waited for.
 */
export async function nameContent(sql: Sql, id: FileId, hash: Buffer): Promise<boolean> {
  await sql.query(
    'INSERT INTO file_content (hash) VALUES ($1) ON CONFLICT (hash) DO UPDATE SET due_at = NULL',
    [hash],
  );
  const rows = await sql.query('UPDATE file SET hash = $2 WHERE id = $1 AND NOT whole RETURNING 1', [
    id,
    hash,
  ]);
  return rows.length > 0;
}

/** All of a file is there: what was reserved beyond its size is given back. Undefined where the sweep took it for dead. */
export async function endArrival(
  sql: Sql,
  file: Owner & { readonly id: FileId },
  facts: { readonly mediaType: string; readonly size: number; readonly dueAt: Date },
): Promise<StoredFile | undefined> {
  // The usage first, as everywhere: it is locked by all who begin or end at once.
  await sql.query('SELECT FROM file_usage WHERE workspace_id = $1 AND person_id = $2 FOR UPDATE', [
    file.workspace,
    file.person,
  ]);
  const [reserved] = await sql.query<{ size: bigint }>(
    'SELECT size FROM file WHERE id = $1 AND NOT whole FOR UPDATE',
    [file.id],
  );
  if (!reserved) return undefined;
  const [row] = await sql.query<Row>(
    `UPDATE file SET media_type = $2, size = $3, due_at = $4, whole = true WHERE id = $1 RETURNING ${columns}`,
    [file.id, facts.mediaType, facts.size, facts.dueAt],
  );
  await giveBack(sql, file, Number(reserved.size) - facts.size);
  return row && fileOf(row);
}

// ---- leaving ----

/**
 * Removes a file: one that arrives (`arriving`), or one that no message carries. Its content goes with the next sweep
 * unless another file has it. One that is used is looked at no more, until a message lets go of it.
 * @param dueBy only if its time has come by then
 */
export async function removeFile(
  sql: Sql,
  owner: Owner,
  id: FileId,
  which: 'arriving' | 'unused',
  dueBy?: Date,
): Promise<'removed' | 'used' | 'not-there'> {
  await sql.query('SELECT FROM file_usage WHERE workspace_id = $1 AND person_id = $2 FOR UPDATE', [
    owner.workspace,
    owner.person,
  ]);
  const [row] = await sql.query<{ size: bigint; hash: Buffer | null }>(
    `SELECT size, hash FROM file WHERE id = $1 AND workspace_id = $2 AND person_id = $3
       AND whole <> $4 AND ($5::timestamptz IS NULL OR due_at <= $5) FOR UPDATE`,
    [id, owner.workspace, owner.person, which === 'arriving', dueBy ?? null],
  );
  if (!row) return 'not-there';
  // A statement of its own: it sees what was committed while the lock was waited for.
  const [use] = await sql.query('SELECT FROM file_use WHERE file_id = $1 LIMIT 1', [id]);
  if (use) {
    await sql.query('UPDATE file SET due_at = NULL WHERE id = $1', [id]);
    return 'used';
  }
  await sql.query('DELETE FROM file WHERE id = $1', [id]);
  if (row.hash) await sql.query(`UPDATE file_content SET due_at = 'epoch' WHERE hash = $1`, [row.hash]);
  await giveBack(sql, owner, Number(row.size));
  return 'removed';
}

/** Files whose time has come. */
export async function dueFiles(
  sql: Sql,
  now: Date,
  limit: number,
): Promise<(Owner & { readonly id: FileId; readonly arriving: boolean })[]> {
  return await sql.query(
    `SELECT id, workspace_id AS workspace, person_id AS person, NOT whole AS arriving FROM file
     WHERE due_at <= $1 ORDER BY due_at LIMIT $2`,
    [now, limit],
  );
}

/** The next content that nobody may have, locked: no file can come to name it before the transaction ends. */
export async function lockDueContent(sql: Sql, now: Date): Promise<Buffer | undefined> {
  const [row] = await sql.query<{ hash: Buffer }>(
    'SELECT hash FROM file_content WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED',
    [now],
  );
  return row?.hash;
}

/** Whether a file names this content, which is locked; then it is looked at no more. */
export async function keepNamed(sql: Sql, hash: Buffer): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE file_content SET due_at = NULL WHERE hash = $1 AND EXISTS (SELECT FROM file WHERE file.hash = $1) RETURNING 1`,
    [hash],
  );
  return rows.length > 0;
}

export async function forgetContent(sql: Sql, hash: Buffer): Promise<void> {
  await sql.query('DELETE FROM file_content WHERE hash = $1', [hash]);
}

/** When the next file or content is to be looked at. */
export async function nextDue(sql: Sql): Promise<Date | undefined> {
  const [row] = await sql.query<{ at: Date | null }>(
    'SELECT least((SELECT min(due_at) FROM file), (SELECT min(due_at) FROM file_content)) AS at',
  );
  return row?.at ?? undefined;
}
