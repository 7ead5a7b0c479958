import type { Database, Sql } from '#platform';

/**
 * Lets the statements of a transaction walk along an index in its order, and stop where they have enough. Left to
 * itself, the planner may read and sort a whole conversation to give fifty messages of it: always where statistics are
 * missing (after an import, on the embedded engine until it is quiet), sometimes where they mislead. A walk costs the
 * same wherever it begins and however much lies beyond. (What is switched off counts as very dear, so that a server with
 * JIT would compile the rest at leisure: that is off as well.)
 */
export async function walkInOrder(sql: Sql): Promise<void> {
  await sql.query(
    `SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)`,
  );
}

/** One such walk, in a transaction of its own. */
export async function walk<T>(database: Database, work: (sql: Sql) => Promise<T>): Promise<T> {
  return await database.transaction(async (sql) => {
    await walkInOrder(sql);
    return await work(sql);
  });
}
