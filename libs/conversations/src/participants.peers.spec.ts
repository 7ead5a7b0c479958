import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Access } from '#accounts';
import type { Participant, Problem, RequestAnswer } from '#api';
import { RequestRefused, Requests, type JsonLike } from '#bus';
import type { AccountId, ConversationId, LinkId, WorkspaceId } from '#model';
import { eventually } from '#peers';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House, principalOf, type Page, type Somebody } from './house.fixture.js';
import { linkAddress, LinkRequests, pageOfOccupants, type OccupantsRequest } from './link-requests.js';

describeEngines('participants and requests', (open) => {
  let test: TestDatabase;
  let house: House;
  let workspace: WorkspaceId;
  let alice: Somebody;
  let account: AccountId;
  let link: LinkId;
  let room: ConversationId;
  let asked: JsonLike[];
  let stop = (): void => undefined;

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
    ({ id: account, link } = await house.account(alice));
    room = await house.conversation(workspace, account, '#room');
    asked = [];
  });
  afterEach(() => {
    stop();
    stop = () => undefined;
  });

  /** A session that holds the link. */
  function serve(answer: (body: JsonLike) => JsonLike): void {
    stop = house.get(Requests).serve(linkAddress(link), async (body) => {
      asked.push(body);
      return await Promise.resolve(answer(body));
    });
  }

  const participants = async (id: ConversationId, query = '') =>
    await house.ask<Page<Participant>>(alice, 'GET', `/v1/conversations/${id}/participants${query}`);
  const request = async (body: object) =>
    await house.ask<RequestAnswer | Problem>(alice, 'POST', `/v1/conversations/${room}/requests`, body);

  it('of a direct conversation are the two, and no session is asked', async () => {
    const direct = await house.conversation(workspace, account, 'bob');
    expect(await participants(direct)).toMatchObject({
      status: 200,
      body: {
        items: [
          {
            address: 'bob',
            name: 'bob',
            identity: await house.identity(account, 'bob'),
            role: null,
            roles: [],
            self: false,
          },
          { address: 'me', name: null, identity: null, role: null, roles: [], self: true },
        ],
      },
    });
  });

  it('of a room are told by its session, page by page, with the identities that are known', async () => {
    const bob = await house.identity(account, 'bob');
    const all = ['me', 'bob', 'carol', 'dave', 'erin'].map((address) => ({ address, role: 'voice' }));
    serve((body) => pageOfOccupants(all, body as unknown as OccupantsRequest) as unknown as JsonLike);
    const first = await participants(room, '?limit=2');
    expect(first.body.items).toEqual([
      { address: 'bob', name: null, identity: bob, role: 'voice', roles: ['voice'], self: false },
      { address: 'carol', name: null, identity: null, role: 'voice', roles: ['voice'], self: false },
    ]);
    const second = await participants(room, `?limit=2&next=${first.body.next ?? ''}`);
    expect(second.body.items.map(({ address }) => address)).toEqual(['dave', 'erin']);
    const third = await participants(room, `?limit=2&next=${second.body.next ?? ''}`);
    expect(third.body).toMatchObject({ items: [{ address: 'me', self: true }] });
    expect(third.body.next).toBeUndefined();
    expect(asked[1]).toEqual({ act: 'occupants', account, conversation: '#room', after: 'carol', limit: 2 });
    expect((await participants(room, '?next=nonsense')).status).toBe(422);
  });

  describe('asking a session to act', () => {
    it('answers what it answered', async () => {
      serve(() => ({ topic: 'news' }));
      const options = { text: 'news' };
      expect(await request({ kind: 'topic', options })).toEqual({
        status: 200,
        body: { answer: { topic: 'news' } },
      });
      expect(asked).toEqual([{ act: 'request', account, conversation: '#room', kind: 'topic', options }]);
    });

    it('says why the network refused', async () => {
      serve(() => {
        throw new RequestRefused('not-allowed', 'You are no operator there.');
      });
      expect(await request({ kind: 'kick' })).toMatchObject({
        status: 409,
        body: { code: 'not-allowed', detail: 'You are no operator there.' },
      });
    });

    it('says that nobody holds the session, or that it did not answer in time', async () => {
      const row = await house.get(Access).mustSee(principalOf(alice), account);
      const ask = { act: 'occupants', account, conversation: '#room', limit: 50 } as const;
      const links = house.get(LinkRequests);
      await expect(links.occupants(row, ask, 100)).rejects.toMatchObject({ status: 503, code: 'no-session' });
      stop = house
        .get(Requests)
        .serve(linkAddress(link), async () => await new Promise<JsonLike>(() => undefined));
      await expect(links.occupants(row, ask, 100)).rejects.toMatchObject({ status: 504, code: 'timeout' });
    });

    it('says that the account is not online, with the reason that its session has', async () => {
      const until = '2026-01-01T00:00:00.000Z';
      const session = { state: 'backing-off', until, code: 'banned' } as const;
      const away = await house.account(alice, { session });
      const there = await house.conversation(workspace, away.id, '#room');
      expect(await participants(there)).toMatchObject({ status: 409, body: { code: 'banned' } });
    });
  });

  it('typing is told to the session in passing, and is fine where there is none', async () => {
    const typing = async (active: boolean) =>
      (await house.ask(alice, 'PUT', `/v1/conversations/${room}/typing`, { active })).status;
    expect(await typing(true)).toBe(204);
    serve(() => null);
    expect(await typing(true)).toBe(204);
    await eventually('the session was told', () => asked.length === 1);
    expect(asked).toEqual([{ act: 'typing', account, conversation: '#room', active: true }]);
  });
});
