import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Account, Message, MyConversation, Participant } from '#api';
import type { AccountId, WorkspaceId } from '#model';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, type Page, type Somebody } from './house.fixture.js';

describeEngines('an address that has our own side in it', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
  let account: AccountId;

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
    ({ id: account } = await house.account(alice, { connector: 'numbers', settings: { own: '70' } }));
  });

  const create = async (address: string) =>
    (await house.ask<MyConversation>(alice, 'POST', '/v1/conversations', { account, address })).body;
  const participants = async ({ id }: MyConversation) =>
    (await house.ask<Page<Participant>>(alice, 'GET', `/v1/conversations/${id}/participants`)).body.items.map(
      ({ address, self }) => ({ address, self }),
    );

  it('is completed from the settings of the link, as they are now', async () => {
    expect(await create('15')).toMatchObject({ address: '15/70' });
    expect(await create('15/71')).toMatchObject({ address: '15/71' });
    const changed = await house.ask<Account>(alice, 'PATCH', `/v1/accounts/${account}`, {
      settings: { own: '72' },
    });
    expect(changed.status).toBe(200);
    expect(await create('15')).toMatchObject({ address: '15/72' });
    expect(await create('15/70')).toMatchObject({ address: '15/70' });
  });

  it('is a conversation with whoever stands at the other end, whichever our side is', async () => {
    const [one, other] = [await create('15'), await create('15/71')];
    expect(one.peer?.addresses).toEqual([{ address: '15', kind: 'reassignable' }]);
    expect(other.peer?.id).toBe(one.peer?.id);
    expect(await participants(one)).toEqual([
      { address: '15', self: false },
      { address: 'me', self: true },
    ]);
  });

  it('finds what somebody has said, whichever side of ours they said it to', async () => {
    const one = await create('15');
    await house.say(one.id, { by: '15', text: 'a needle' });
    const found = await house.ask<Page<Message>>(alice, 'GET', '/v1/search?q=needle&from=15');
    expect(found.body.items.map(({ text }) => text)).toEqual(['a needle']);
  });

  describe('a group that nobody joins', () => {
    it('is there at once: nothing is wanted of a session, and its members are whom it names', async () => {
      const group = await create('16,15');
      expect(group).toMatchObject({
        address: '15,16/70',
        kind: 'room',
        joined: true,
        leftAt: null,
        failure: null,
      });
      expect(await participants(group)).toEqual([
        { address: '15', self: false },
        { address: '16', self: false },
        { address: 'me', self: true },
      ]);
      const desired = await house.database.query('SELECT 1 FROM desired WHERE account_id = $1', [account]);
      expect(desired).toEqual([]);
    });

    it('is open again when something is said in it after it was left', async () => {
      const { id } = await create('16,15');
      expect((await house.ask(alice, 'DELETE', `/v1/conversations/${id}`)).status).toBe(204);
      const now = async () =>
        (await house.ask<MyConversation>(alice, 'GET', `/v1/conversations/${id}`)).body.leftAt;
      expect(await now()).not.toBeNull();
      await house.database.transaction(async (sql) => {
        const locked = await house.intake.lock(sql, [id]);
        await house.log.append(sql, workspace, await house.intake.reopen(sql, locked.values()));
      });
      expect(await now()).toBeNull();
    });
  });
});
