import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apply, inboxOf, stateOf, type Call, type EventPage, type Problem, type Snapshot } from '#api';
import type { CallState } from '#model';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('calls', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const list = async (query = ''): Promise<Call[]> =>
    (await loop.ask<{ items: Call[] }>('GET', `/v1/calls?account=${loop.account}${query}`)).items;
  const get = (id: string) => loop.ask<Call>('GET', `/v1/calls/${id}`);
  const is = async (id: string, state: CallState): Promise<Call> =>
    await eventually(`the call is ${state}`, async () => {
      const call = await get(id);
      return call.state === state ? call : undefined;
    });
  const phone = async (name: string, state: string): Promise<void> => {
    await eventually(`${name}’s phone is ${state}`, () => loop.network.phoneOf(name) === state);
  };
  const rungBy = async (name: string): Promise<Call> => {
    loop.network.ring(name, 'alice');
    return await eventually('it rings', async () =>
      (await list('&state=ringing')).find(({ address }) => address === name),
    );
  };
  const order = async (body: object, headers: Record<string, string> = {}) =>
    await loop.house.ask('POST', '/v1/calls', { token: loop.alice.token, body, headers });
  const place = async (mine: string, to: string): Promise<Call> => {
    const placed = await order({ from: { account: loop.account, address: mine }, to });
    expect(placed).toMatchObject({ status: 201 });
    return placed.body as Call;
  };
  const forgetPlaced = async (): Promise<void> => {
    await loop.house.database.query('UPDATE call SET person_id = NULL');
  };

  it('that were missed are told of, in the conversation with whoever called', async () => {
    const ringing = await rungBy('bob');
    expect(ringing).toMatchObject({
      direction: 'in',
      peer: { address: 'bob' },
      person: null,
      legs: null,
      answeredAt: null,
      endedAt: null,
    });
    loop.network.hangUp('bob');
    const missed = await is(ringing.id, 'missed');
    expect(missed.endedAt).not.toBeNull();
    expect(missed.version).toBeGreaterThan(ringing.version);
    expect((await list('&state=missed')).map(({ id }) => id)).toContain(ringing.id);
    expect(await list('&state=ringing')).toEqual([]);
    const conversation = await loop.ask<{ address: string; peer: { id: string } }>(
      'GET',
      `/v1/conversations/${missed.conversation}`,
    );
    expect(conversation).toMatchObject({ address: 'bob', peer: { id: missed.peer?.identity } });
  });

  it('that are taken on a phone were answered elsewhere, and what rings here is declined by DELETE', async () => {
    const taken = await rungBy('bob');
    loop.network.pickUp('alice');
    await is(taken.id, 'answered-elsewhere');
    loop.network.hangUp('alice');
    const declined = await rungBy('bob');
    await loop.ask('DELETE', `/v1/calls/${declined.id}`);
    await is(declined.id, 'declined');
    await phone('bob', 'idle');
    // It stays as it ended.
    expect(await loop.ask<Call>('DELETE', `/v1/calls/${declined.id}`)).toMatchObject({ state: 'declined' });
    expect((await get(taken.id)).state).toBe('answered-elsewhere');
  });

  it('are placed between two phones, told of by both, and hung up', async () => {
    const call = await place('desk', 'carol');
    expect(call).toMatchObject({
      direction: 'out',
      from: 'desk',
      address: 'carol',
      person: loop.alice.id,
      peer: { address: 'carol' },
    });
    await phone('desk', 'ringing');
    loop.network.pickUp('desk');
    await phone('carol', 'ringing');
    loop.network.pickUp('carol');
    const answered = await is(call.id, 'answered');
    expect(answered.legs).toEqual({ mine: 'answered', theirs: 'answered' });
    await loop.ask('DELETE', `/v1/calls/${call.id}`);
    const ended = await is(call.id, 'ended');
    expect(ended.legs).toEqual({ mine: 'ended', theirs: 'ended' });
    expect(Date.parse(ended.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(ended.answeredAt ?? ''));
    await phone('desk', 'idle');
    await phone('carol', 'idle');
    // It rang at somebody’s, not at ours.
    expect((await list()).filter(({ id }) => id === call.id)).toHaveLength(1);
    const [row] = await loop.house.database.query(
      `SELECT person_id FROM audit WHERE action = 'call.placed' AND subject = $1`,
      [call.id],
    );
    expect(row).toEqual({ person_id: loop.alice.id });
  });

  it('are placed to a conversation, and told of when they do not want to speak', async () => {
    const conversation = await loop.with('carol');
    const { body } = await order({ from: loop.account, to: { conversation } });
    const call = body as Call;
    expect(call).toMatchObject({ conversation, address: 'carol', from: null });
    await phone('alice', 'ringing');
    loop.network.pickUp('alice');
    await phone('carol', 'ringing');
    loop.network.hangUp('carol');
    await is(call.id, 'declined');
    await phone('alice', 'idle');
  });

  it('that cannot be placed have failed, and say why', async () => {
    await forgetPlaced();
    loop.network.ring('desk', 'dave');
    const call = await place('desk', 'carol');
    expect(call).toMatchObject({ state: 'failed', failure: { code: 'resource-conflict' } });
    loop.network.hangUp('desk');
  });

  it('are placed once under one Idempotency-Key', async () => {
    const body = { from: { account: loop.account, address: 'kitchen' }, to: 'erin' };
    const key = { 'idempotency-key': 'a-call' };
    const answers = await Promise.all([order(body, key), order(body, key)]);
    const ids = answers.map(({ body }) => (body as Call).id);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(ids).size).toBe(1);
    const again = await order(body, key);
    expect((again.body as Call).id).toBe(ids[0]);
    expect(await order({ ...body, to: 'frank' }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    await phone('kitchen', 'ringing');
    loop.network.hangUp('kitchen');
    await is(ids[0] ?? '', 'declined');
    // A key lives for seven days.
    await loop.house.database.query(`UPDATE call SET created_at = now() - interval '8 days' WHERE id = $1`, [
      ids[0],
    ]);
    const anew = await order({ ...body, to: 'frank' }, key);
    expect(anew).toMatchObject({ status: 201, body: { address: 'frank' } });
    await is((anew.body as Call).id, 'ringing');
    loop.network.hangUp('kitchen');
  });

  it('are refused to whom nobody can call', async () => {
    const refusal = async (body: object): Promise<[number, string]> => {
      const { status, body: problem } = await order(body);
      return [status, (problem as Problem).code];
    };
    const from = loop.account;
    expect(await refusal({ from, to: '#lobby' })).toEqual([422, 'invalid']);
    expect(await refusal({ from, to: 'two words' })).toEqual([422, 'invalid']);
    expect(await refusal({ from: { account: from, address: '#lobby' }, to: 'bob' })).toEqual([
      422,
      'invalid',
    ]);
    expect(await refusal({ from, to: { contact: from } })).toEqual([409, 'unsupported']);
    expect(await refusal({ from, to: { conversation: from } })).toEqual([404, 'not-found']);
    const other = '01890000-0000-7000-8000-000000000000';
    expect(await refusal({ from, to: { account: other, address: 'bob' } })).toEqual([409, 'unsupported']);
    const room = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: from,
      address: '#lobby',
    });
    expect(await refusal({ from, to: { conversation: room.id } })).toEqual([409, 'unsupported']);
  });

  it('are told in the log: a snapshot with the events since is a fresh snapshot', async () => {
    const snapshot = () => loop.ask<Snapshot>('GET', '/v1/snapshot?limit=200');
    const shown = (page: Snapshot) => inboxOf(stateOf([page])).calls;
    const before = await snapshot();
    const one = await rungBy('gina');
    const whileItRings = await snapshot();
    expect(shown(whileItRings)).toMatchObject([{ id: one.id, state: 'ringing', peer: { address: 'gina' } }]);
    loop.network.introduce({ address: 'gina', name: 'Gina' });
    loop.network.say('gina', 'alice', 'pick up!');
    await eventually('she has a name', async () => (await get(one.id)).peer?.name === 'Gina');
    const follow = async (page: Snapshot) => {
      const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${page.cursor}&limit=200`);
      return apply(stateOf([page]), items);
    };
    const now = shown(await snapshot());
    expect(now).toMatchObject([{ peer: { name: 'Gina' } }]);
    for (const page of [before, whileItRings]) expect(inboxOf(await follow(page)).calls).toEqual(now);
    loop.network.hangUp('gina');
    await is(one.id, 'missed');
    for (const page of [before, whileItRings]) expect(inboxOf(await follow(page)).calls).toEqual([]);
    const { items } = await loop.ask<EventPage>('GET', `/v1/events?since=${before.cursor}&limit=200`);
    const told = items.filter(({ event }) => event.type === 'call.changed');
    expect(told.at(-1)?.event).toMatchObject({
      account: loop.account,
      data: { call: { id: one.id, state: 'missed' } },
    });
  });

  it('are paged, the latest first', async () => {
    const all = (await list('&limit=200')).map(({ id }) => id);
    const paged: string[] = [];
    let next: string | undefined;
    do {
      const page = await loop.ask<{ items: Call[]; next?: string }>(
        'GET',
        `/v1/calls?limit=2${next === undefined ? '' : `&next=${next}`}`,
      );
      paged.push(...page.items.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    expect(paged).toEqual(all);
    expect(paged).toEqual([...paged].sort().reverse());
    expect((await loop.house.ask('GET', '/v1/calls?next=x', { token: loop.alice.token })).status).toBe(422);
  });

  it('of a session that died are over soon, unless the next one tells of them', async () => {
    await forgetPlaced();
    const [lost, kept] = [await place('attic', 'henry'), await place('cellar', 'irene')];
    await phone('cellar', 'ringing');
    await is(lost.id, 'ringing');
    await is(kept.id, 'ringing');
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await loop.state('online');
    const due = async (id: string): Promise<number> => {
      const [row] = await loop.house.database.query<{ due: number }>(
        'SELECT extract(epoch FROM due_at - now())::float8 AS due FROM call WHERE id = $1',
        [id],
      );
      return row?.due ?? NaN;
    };
    expect(await due(lost.id)).toBeLessThan(31);
    // Something is heard of the one.
    loop.network.pickUp('cellar');
    await eventually('its legs are told', async () => (await get(kept.id)).legs?.theirs === 'ringing');
    expect(await due(kept.id)).toBeGreaterThan(60);
    loop.network.pickUp('irene');
    await is(kept.id, 'answered');
    await loop.house.database.query('UPDATE call SET due_at = now() WHERE id IN ($1, $2)', [
      lost.id,
      kept.id,
    ]);
    expect(await is(lost.id, 'failed')).toMatchObject({
      failure: { code: 'unknown' },
      legs: { mine: 'ended', theirs: 'ended' },
    });
    expect((await get(kept.id)).state).toBe('ended');
    // What is told of it afterwards comes too late.
    loop.network.hangUp('attic');
    const next = await rungBy('kate');
    expect((await get(lost.id)).state).toBe('failed');
    loop.network.hangUp('kate');
    await is(next.id, 'missed');
  });

  it('that the network has forgotten are over when they are hung up', async () => {
    const call = await place('porch', 'jack');
    await is(call.id, 'ringing');
    const id = '01890000-0000-7000-8000-00000000000f';
    await loop.house.database.query('UPDATE call SET id = $2 WHERE id = $1', [call.id, id]);
    await loop.ask('DELETE', `/v1/calls/${id}`);
    expect(await get(id)).toMatchObject({ state: 'failed' });
    loop.network.hangUp('porch');
  });

  it('are placed at most ten times a minute by one person', async () => {
    await forgetPlaced();
    const answers = [];
    for (let n = 0; n < 11; n++) answers.push(await order({ from: loop.account, to: `nobody${String(n)}` }));
    expect(answers.slice(0, 10).every(({ status }) => status === 201)).toBe(true);
    expect(answers[10]).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(answers[10]?.headers['retry-after']).toBeDefined();
  });

  it('are not placed by an account that is away, and go with it', async () => {
    await forgetPlaced();
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    expect(await order({ from: loop.account, to: 'bob' })).toMatchObject({
      status: 409,
      body: { code: 'not-online' },
    });
    expect(await list()).not.toEqual([]);
    await loop.ask('DELETE', `/v1/accounts/${loop.account}`);
    const [row] = await loop.house.database.query('SELECT count(*)::int AS left FROM call');
    expect(row).toEqual({ left: 0 });
  });
});
