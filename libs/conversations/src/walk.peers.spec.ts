import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '#model';
import type { Database, Sql } from '#platform';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { eraseSlice } from './erasure.store.js';
import { end, readStretch, start } from './history.store.js';
import { readMarks } from './marks.store.js';
import { searchWindow } from './search.store.js';
import { walk } from './walk.js';

/** A server that nobody has told how many messages there are, as after an import: the planner guesses. */
describeEngines('what is read of a long conversation', (open) => {
  let test: TestDatabase;
  let database: Database;
  const workspace = newId<'WorkspaceId'>();
  const account = newId<'AccountId'>();
  const conversation = newId<'ConversationId'>();
  const person = newId<'PersonId'>();

  beforeAll(async () => {
    test = await open();
    database = test.database;
    await database.query(
      `INSERT INTO message (id, workspace_id, account_id, conversation_id, sequence, position, origin, mode, text, at)
       SELECT gen_random_uuid(), $1, $2, $3, number, number, 'remote', 'live', 'hello', now()
       FROM generate_series(1, 20000) AS number`,
      [workspace, account, conversation],
    );
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
  });

  /** The steps of a statement that touch messages, and whatever sorts. */
  async function planOf(run: (sql: Sql) => Promise<unknown>, begin = walk): Promise<string[]> {
    const steps: string[] = [];
    await begin(database, async (sql) => {
      const explaining: Sql = {
        query: async (text, params) => {
          const rows = await sql.query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${text}`, params);
          steps.push(...rows.map((row) => row['QUERY PLAN'].replace(/^[\s>-]+/, '')));
          return [];
        },
      };
      await run(explaining);
    });
    return steps.filter((step) => /^Sort$|\bon message\b/.test(step));
  }

  const byPosition = (direction: string): string =>
    `Index Scan${direction} using message_conversation_id_position_sequence_idx on message`;

  it('is a page of history along its index', async () => {
    const page = (from: 'newest' | 'oldest') => async (sql: Sql) =>
      await readStretch(sql, conversation, person, { after: undefined, before: undefined, from }, 50);
    expect(await planOf(page('newest'))).toEqual([byPosition(' Backward')]);
    expect(await planOf(page('oldest'))).toEqual([byPosition('')]);
  });

  it('is a window of a search along its index', async () => {
    const hunt = { query: `'hello'`, person, from: undefined, floor: 0n };
    const accounts = { ...hunt, within: { accounts: [account] } };
    const inside = { ...hunt, within: { conversation } };
    expect(
      (await planOf(async (sql) => await searchWindow(sql, accounts, end, 1_000, 50))).filter(isScan),
    ).toEqual(['Index Scan Backward using message_account_id_position_sequence_idx on message']);
    expect(
      (await planOf(async (sql) => await searchWindow(sql, inside, end, 1_000, 50))).filter(isScan),
    ).toEqual([byPosition(' Backward')]);
  });

  it('is a slice that is erased along its index', async () => {
    const erasing = { conversation, workspace, account, upTo: 20_000n };
    const plan = await planOf(async (sql) => await eraseSlice(sql, erasing, start, 500));
    expect(plan).toContain(byPosition(''));
    expect(plan.join()).not.toMatch(/Seq Scan on message|Bitmap Heap Scan on message/);
  });

  it('is as much of what is unread as is counted, with statistics and without', async () => {
    const plain: typeof walk = async (all, work) => await work(all);
    const marks = async (): Promise<string[]> =>
      await planOf(async (sql) => await readMarks(sql, [conversation], person), plain);
    const index = 'using message_conversation_id_mode_sequence_idx on message';
    for (const plan of [await marks(), (await database.query('ANALYZE message'), await marks())]) {
      expect(plan).toHaveLength(4);
      for (const step of plan) expect(step).toContain(index);
    }
  });
});

function isScan(step: string): boolean {
  return step !== 'Sort';
}
