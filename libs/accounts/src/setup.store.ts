import type { Sql } from '#platform';

/** Puts a set-up code in the place of an earlier one, unless somebody is here already; false then. */
export async function offerSetup(sql: Sql, codeHash: Buffer): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO setup (id, code_hash) SELECT 1, $1::bytea WHERE NOT EXISTS (SELECT FROM person)
     ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, created_at = now() RETURNING 1`,
    [codeHash],
  );
  return rows.length > 0;
}

/** The hash of the open set-up code, if there is one. */
export async function setupHash(sql: Sql): Promise<Buffer | undefined> {
  const [row] = await sql.query<{ hash: Buffer }>('SELECT code_hash AS hash FROM setup WHERE id = 1');
  return row?.hash;
}

/** Uses the code up. Of two who do so at once, the second waits for the first and is told false. */
export async function takeSetup(sql: Sql, codeHash: Buffer): Promise<boolean> {
  const rows = await sql.query('DELETE FROM setup WHERE id = 1 AND code_hash = $1 RETURNING 1', [codeHash]);
  return rows.length > 0;
}
