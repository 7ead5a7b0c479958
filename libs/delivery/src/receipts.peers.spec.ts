import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundReceipt, RemoteId } from '#connector';
import {
  failure,
  newId,
  type AccountId,
  type ConversationId,
  type EnvelopeId,
  type EnvelopeState,
  type MessageId,
  type WorkspaceId,
} from '#model';
import type { Database } from '#platform';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { EnvelopeStore } from './envelope.store.js';
import { Receipts } from './receipts.js';
import { Settler } from './settler.js';

const at = new Date(0);

describeEngines('receipts that name parts by ids of the network', (open) => {
  let test: TestDatabase;
  let database: Database;
  let workspace: WorkspaceId;
  let account: AccountId;
  let receipts: Receipts;

  beforeAll(async () => {
    test = await open();
    ({ database } = test);
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    workspace = newId();
    account = await anAccount();
    receipts = new Receipts(new Settler(new EnvelopeStore()));
  });

  async function anAccount(): Promise<AccountId> {
    const id = newId<'AccountId'>();
    const link = newId<'LinkId'>();
    await database.query(
      `WITH w AS (INSERT INTO workspace (id, name) VALUES ($1, 'Example') ON CONFLICT DO NOTHING)
       SELECT 1`,
      [workspace],
    );
    await database.query(
      `INSERT INTO link (id, workspace_id, connector, settings) VALUES ($1, $2, 'x', '{}')`,
      [link, workspace],
    );
    await database.query(
      `INSERT INTO account (id, workspace_id, link_id, holder_id, connector, label, network)
       VALUES ($1, $2, $3, $4, 'x', 'x', 'x')`,
      [id, workspace, link, newId()],
    );
    return id;
  }

  async function sending(of = account): Promise<EnvelopeId> {
    const id = newId<'EnvelopeId'>();
    await database.query(
      `INSERT INTO envelope (id, workspace_id, account_id, conversation_id, message_id, state, due_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, 'sending', now(), now() + interval '1 day')`,
      [
        id,
        workspace,
        of,
        newId<'ConversationId'>() satisfies ConversationId,
        newId<'MessageId'>() satisfies MessageId,
      ],
    );
    return id;
  }

  const idOf = (id: string): RemoteId => ({ scope: 'x', id, by: 'network' });
  const answer = async (envelope: EnvelopeId, ...ids: string[]) => {
    const parts = ids.map((id, part) => ({ part, state: 'sent' as const, remoteIds: [idOf(id)] }));
    await database.transaction((sql) => receipts.settle(sql, [{ envelope, total: ids.length, parts }]));
  };
  const receipt = (state: InboundReceipt['state'], id: string, ...others: string[]): InboundReceipt => ({
    type: 'receipt',
    account,
    about: { remoteId: idOf(id), otherIds: others.map(idOf) },
    state,
    at,
    ...(state === 'failed' ? { failure: failure('refused', 'No.') } : {}),
  });
  const told = async (...some: InboundReceipt[]) => {
    await database.transaction((sql) => receipts.take(sql, [], some));
  };
  /** As the sweep does. */
  const sweep = async (by = receipts) => {
    const learnt = (await by.overdue(database)).get(workspace) ?? [];
    await database.transaction((sql) => by.unpark(sql, learnt));
  };
  const look = async (envelope: EnvelopeId) => {
    const [row] = await database.query<{ state: EnvelopeState; code: string | null; detail: string | null }>(
      'SELECT state, code, detail FROM envelope WHERE id = $1',
      [envelope],
    );
    const parts = await database.query<{ state: EnvelopeState; code: string | null }>(
      'SELECT state, code FROM envelope_part WHERE envelope_id = $1 ORDER BY part',
      [envelope],
    );
    return { ...row, parts: parts.map(({ state, code }) => (code === null ? state : `${state}: ${code}`)) };
  };
  const parked = async () =>
    (await database.query('SELECT 1 FROM parked_receipt WHERE account_id = $1', [account])).length;

  it('move each part of its own, and the whole when all have arrived', async () => {
    const envelope = await sending();
    await answer(envelope, 'a', 'b');
    await told(receipt('delivered', 'b'));
    expect(await look(envelope)).toMatchObject({ state: 'sent', parts: ['sent', 'delivered'] });
    await told(receipt('delivered', 'a'));
    expect(await look(envelope)).toMatchObject({
      state: 'delivered',
      code: null,
      parts: ['delivered', 'delivered'],
    });
  });

  it('fail the whole with which part it was, and the part keeps its reason when more is learnt of it', async () => {
    const envelope = await sending();
    await answer(envelope, 'a', 'b', 'c');
    await told(receipt('failed', 'b'));
    await told(
      { ...receipt('delivered', 'c'), remoteId: idOf('c2') },
      { ...receipt('sent', 'b'), remoteId: idOf('b2') },
    );
    expect(await look(envelope)).toEqual({
      state: 'failed',
      code: 'refused',
      detail: 'Part 2 of 3 did not arrive: No.',
      parts: ['sent', 'failed: refused', 'delivered'],
    });
  });

  it('leave no reason behind when what was thought failed has arrived, also in one breath', async () => {
    const [apart, together] = [await sending(), await sending()];
    await answer(apart, 'a');
    await answer(together, 'b');
    await told(receipt('failed', 'a'));
    await told(receipt('delivered', 'a'));
    await told(receipt('failed', 'b'), receipt('delivered', 'b'));
    for (const envelope of [apart, together])
      expect(await look(envelope)).toEqual({
        state: 'delivered',
        code: null,
        detail: null,
        parts: ['delivered'],
      });
  });

  describe('before the network has answered with them', () => {
    it.each([
      ['the first of them', 'b0', 'f0'],
      ['another of them', 'f0', 'b0'],
    ])('wait, whatever the answer says: %s', async (_, answered, other) => {
      const envelope = await sending();
      await told(receipt('delivered', 'b0', 'f0', 'd0'), receipt('delivered', 'b1', 'f1'));
      expect(await look(envelope)).toMatchObject({ state: 'sending', parts: [] });
      await answer(envelope, answered, answered === 'b0' ? 'f1' : 'b1');
      expect(await look(envelope)).toMatchObject({ state: 'delivered', parts: ['delivered', 'delivered'] });
      expect(await parked()).toBe(0);
      // The other reading is somebody else’s by now, and is told nothing of what was ours.
      const later = await sending();
      await answer(later, other);
      await sweep();
      expect(await look(later)).toMatchObject({ state: 'sent', parts: ['sent'] });
    });

    it('are applied in the order in which they came', async () => {
      const envelope = await sending();
      await told(receipt('failed', 'a', 'x'));
      await told(receipt('delivered', 'x', 'a'));
      await answer(envelope, 'a');
      expect(await look(envelope)).toEqual({
        state: 'delivered',
        code: null,
        detail: null,
        parts: ['delivered'],
      });
    });

    it('mean the first id that is known, where several are', async () => {
      const [one, other] = [await sending(), await sending()];
      await answer(one, '16');
      await answer(other, '22');
      await told(receipt('delivered', '22', '16'));
      expect((await look(one)).state).toBe('sent');
      expect((await look(other)).state).toBe('delivered');
    });

    it('are found by a process that did not park them, once', async () => {
      const envelope = await sending();
      await told(receipt('failed', 'a', 'b'));
      const another = new Receipts(new Settler(new EnvelopeStore()));
      const parts = [{ part: 0, state: 'sent' as const, remoteIds: [idOf('b')] }];
      await database.transaction((sql) => another.settle(sql, [{ envelope, total: 1, parts }]));
      expect((await look(envelope)).state).toBe('sent');
      await sweep(another);
      expect(await look(envelope)).toMatchObject({ state: 'failed', parts: ['failed: refused'] });
      expect(await parked()).toBe(0);
    });

    it('are found without looking at all that waits', async () => {
      const many = Array.from({ length: 300 }, (_, index) => receipt('delivered', `never ${String(index)}`));
      await told(...many);
      const envelope = await sending();
      await told(receipt('delivered', 'a'));
      const rows = await database.transaction(async (sql) => {
        await receipts.settle(sql, [
          { envelope, total: 1, parts: [{ part: 0, state: 'sent', remoteIds: [idOf('a')] }] },
        ]);
        return await sql.query<{ n: number }>(
          'SELECT count(*)::int AS n FROM parked_receipt WHERE account_id = $1',
          [account],
        );
      });
      expect(rows).toEqual([{ n: 300 }]);
      expect((await look(envelope)).state).toBe('delivered');
    });
  });

  it('say nothing of what another account has sent', async () => {
    const theirs = await anAccount();
    const envelope = await sending(theirs);
    const wireId = `${envelope.replaceAll('-', '')}-0`;
    await told({ type: 'receipt', account, about: { wireId }, state: 'failed', at });
    expect(await look(envelope)).toMatchObject({ state: 'sending', parts: [] });
    await told({ type: 'receipt', account: theirs, about: { wireId }, state: 'failed', at });
    expect((await look(envelope)).parts).toEqual(['failed']);
  });

  it('with ids that no index can hold are about nothing of ours', async () => {
    await told(receipt('delivered', 'x'.repeat(3_000), 'y'.repeat(3_000)));
    expect(await parked()).toBe(0);
  });
});
