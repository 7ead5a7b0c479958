import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { MessagePage, Problem, Message } from '#api';
import type { AccountId, ConversationId, WorkspaceId } from '#model';
import { eventually } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, type Page, type Somebody } from './house.fixture.js';

describeEngines('erasing a conversation', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;
  let room: ConversationId;

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    workspace = await house.workspace();
    alice = await house.person(workspace);
    bob = await house.person(workspace);
    ({ id: account } = await house.account(alice, { people: [bob] }));
    room = await house.conversation(workspace, account, '#room');
  });

  const erase = async (who: Somebody) =>
    await house.ask<Problem>(who, 'DELETE', `/v1/conversations/${room}?erase`);

  async function kept(): Promise<{ kept: number; empty: number }> {
    const [row] = await house.database.query<{ kept: bigint; empty: bigint }>(
      `SELECT count(*) FILTER (WHERE text <> '' OR content IS NOT NULL OR words IS NOT NULL OR reactions IS NOT NULL)
         AS kept, count(*) FILTER (WHERE erased_at IS NOT NULL AND version = 2) AS empty
       FROM message WHERE conversation_id = $1`,
      [room],
    );
    return { kept: Number(row?.kept), empty: Number(row?.empty) };
  }

  it('leaves it, empties every message and tells of each, in transactions of at most 500', async () => {
    await house.say(
      room,
      ...Array.from({ length: 1_201 }, () => ({ text: 'secret', content: { emote: true } })),
    );
    const before = await house.head(workspace);
    expect((await erase(alice)).status).toBe(204);
    expect(await kept()).toEqual({ kept: 0, empty: 1_201 });
    const events = await house.database.query<{ type: string; data: unknown; at: Date }>(
      `SELECT type, data, xmin::text FROM event WHERE workspace_id = $1 AND sequence > $2 ORDER BY sequence`,
      [workspace, before],
    );
    expect(events.map(({ type }) => type)).toEqual([
      'conversation.changed',
      ...Array.from({ length: 1_201 }, () => 'message.erased'),
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
    const transactions = await house.database.query<{ count: bigint }>(
      `SELECT count(*) FROM event WHERE workspace_id = $1 AND type = 'message.erased' GROUP BY xmin ORDER BY 1 DESC`,
      [workspace],
    );
    expect(transactions.map(({ count }) => Number(count))).toEqual([500, 500, 201]);
  });

  it('shows messages that say only that they are erased, and finds them no more', async () => {
    await house.say(room, { text: 'secret' });
    await erase(alice);
    const page = await house.ask<MessagePage>(alice, 'GET', `/v1/conversations/${room}/messages`);
    expect(page.body.items).toMatchObject([{ text: '', erased: true, author: { name: 'bob' }, version: 2 }]);
    expect((await house.ask<Page<Message>>(alice, 'GET', '/v1/search?q=secret')).body.items).toEqual([]);
  });

  it('is written down, and done twice changes no message again', async () => {
    await house.say(room, {});
    await erase(alice);
    const before = await house.head(workspace);
    expect((await erase(alice)).status).toBe(204);
    expect(await house.head(workspace)).toBe(before);
    expect(await kept()).toEqual({ kept: 0, empty: 1 });
    expect(
      await house.database.query(`SELECT action, person_id, subject FROM audit WHERE workspace_id = $1`, [
        workspace,
      ]),
    ).toEqual(
      Array.from({ length: 2 }, () => ({
        action: 'conversation.erased',
        person_id: alice.id,
        subject: room,
      })),
    );
  });

  it('spares what is said afterwards', async () => {
    await house.say(room, { text: 'before' });
    await erase(alice);
    await house.say(room, { text: 'after' });
    const page = await house.ask<MessagePage>(alice, 'GET', `/v1/conversations/${room}/messages`);
    expect(page.body.items.map(({ text }) => text)).toEqual(['', 'after']);
  });

  it('is finished by the sweep where a process died midway', async () => {
    await house.say(room, ...Array.from({ length: 600 }, () => ({ text: 'secret' })));
    await house.database.query(
      `UPDATE conversation SET erase_up_to = (SELECT sequence FROM log_head WHERE workspace_id = $2) WHERE id = $1`,
      [room, workspace],
    );
    await eventually(
      'the sweep has emptied the conversation',
      async () => (await kept()).empty === 600,
      15_000,
    );
    await eventually('nothing is left to do', async () => {
      const left = await house.database.query(`SELECT FROM conversation WHERE erase_up_to IS NOT NULL`);
      return left.length === 0;
    });
    expect(await kept()).toEqual({ kept: 0, empty: 600 });
  });

  it('is refused to those with whom the account is only shared, and leaves nothing', async () => {
    await house.say(room, { text: 'ours' });
    expect(await erase(bob)).toMatchObject({ status: 403, body: { code: 'not-holder' } });
    expect(await kept()).toEqual({ kept: 1, empty: 0 });
    const [row] = await house.database.query<{ left_at: Date | null }>(
      `SELECT left_at FROM conversation WHERE id = $1`,
      [room],
    );
    expect(row?.left_at).toBeNull();
  });
});
