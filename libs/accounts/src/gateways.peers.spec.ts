import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import { describeWithPeers, eventually, postgresPeer } from '#peers';
import { Database } from '#platform';
import { openTestDatabase, type TestDatabase } from '#platform/testing';

const settings = { host: 'paper.example.org' };

// argon2 on a machine that others use as well.
describeWithPeers('two gateways on one PostgreSQL', [postgresPeer], () => {
  let open: TestDatabase;
  let other: Database;
  let here: House;
  let there: House;
  let alice: Somebody;

  beforeAll(async () => {
    open = await openTestDatabase('postgres');
    other = new Database(open.engine);
  });
  afterAll(async () => {
    await other.close();
    await open[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await open.database.query('TRUNCATE workspace, person, setup, sign_in_limit, event, audit CASCADE');
    const env = { PARLEY_SETUP_CODE: 'open-sesame' };
    here = await openHouse(open.database, { lent: true, env });
    there = await openHouse(other, { lent: true, env });
  });
  afterEach(async () => {
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });

  const each = <T>(times: number, ask: (house: House, time: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: times }, (_, time) => ask(time % 2 === 0 ? here : there, time)));
  const tally = (answers: readonly { readonly status: number }[]) =>
    answers.map(({ status }) => status).sort();
  const person = (time: number) => ({
    name: 'Dave',
    email: `dave.${String(time)}@example.org`,
    password: 'dave likes long words',
  });

  it('are set up once', async () => {
    const answers = await each(8, (house, time) =>
      house.ask('POST', '/v1/setup', { body: { ...person(time), code: 'open-sesame' } }),
    );
    expect(tally(answers)).toEqual([201, ...Array.from({ length: 7 }, () => 410)]);
    expect(await open.database.query('SELECT 1 FROM workspace')).toHaveLength(1);
  });

  it('let one in by one invitation', async () => {
    alice = await here.setUp();
    const { code } = await here.get<{ code: string }>('POST', '/v1/invitations', {
      token: alice.token,
      body: { role: 'member' },
    });
    const answers = await each(8, (house, time) =>
      house.ask('POST', `/v1/invitations/${code}/accept`, { body: person(time) }),
    );
    expect(tally(answers)).toEqual([201, ...Array.from({ length: 7 }, () => 404)]);
    expect(await open.database.query('SELECT 1 FROM person')).toHaveLength(2);
  });

  it('make one person of one address, by however many invitations', async () => {
    alice = await here.setUp();
    const codes = await each(4, (house) =>
      house.get<{ code: string }>('POST', '/v1/invitations', {
        token: alice.token,
        body: { role: 'member' },
      }),
    );
    const answers = await each(4, (house, time) =>
      house.ask('POST', `/v1/invitations/${codes[time]?.code ?? ''}/accept`, { body: person(0) }),
    );
    expect(tally(answers)).toEqual([201, 409, 409, 409]);
  });

  it('keep one admin, whoever demotes or removes whom', async () => {
    alice = await here.setUp();
    for (let round = 0; round < 5; round++) {
      const bob = await here.invite(alice, 'admin');
      await Promise.all([
        here.ask('PATCH', `/v1/people/${alice.id}`, { token: bob.token, body: { role: 'member' } }),
        there.ask('DELETE', `/v1/people/${bob.id}`, { token: alice.token }),
      ]);
      const admins = await open.database.query<{ id: string }>(
        `SELECT person_id AS id FROM membership WHERE role = 'admin'`,
      );
      expect(admins).toHaveLength(1);
      if (admins[0]?.id === bob.id) {
        await here.get('PATCH', `/v1/people/${alice.id}`, { token: bob.token, body: { role: 'admin' } });
        await eventually('alice is an admin again on both', async () =>
          (await each(2, (house) => house.ask('GET', '/v1/invitations', { token: alice.token }))).every(
            ({ status }) => status === 200,
          ),
        );
        await here.get('DELETE', `/v1/people/${bob.id}`, { token: alice.token });
      }
    }
  });

  it('count wrong passwords together', async () => {
    alice = await here.setUp();
    const answers = await each(14, (house) =>
      house.ask('POST', '/v1/session', { body: { email: alice.email, password: 'wrong' } }),
    );
    expect(tally(answers).filter((status) => status === 401)).toHaveLength(10);
  });

  it('refuse a revoked token at once, where it was taken back and, by signal, elsewhere', async () => {
    alice = await here.setUp();
    const { id, token } = await here.get<{ id: string; token: string }>('POST', '/v1/tokens', {
      token: alice.token,
      body: { label: 'bot', scopes: ['read'] },
    });
    const statusAt = async (house: House) => (await house.ask('GET', '/v1/me', { token })).status;
    expect(await statusAt(there)).toBe(200);
    await here.get('DELETE', `/v1/tokens/${id}`, { token: alice.token });
    expect(await statusAt(here)).toBe(401);
    // Well below the three seconds for which a lost signal would let it live.
    await eventually('the other gateway refuses it', async () => (await statusAt(there)) === 401, 1_500);
  });

  it('agree on who sees an account, however it is shared and however often at once', async () => {
    alice = await here.setUp();
    const bob = await here.invite(alice, 'member');
    const dave = await here.invite(alice, 'member');
    const { id } = await here.get<{ id: string }>('POST', '/v1/accounts', {
      token: alice.token,
      body: { connector: 'paper', label: 'x', settings },
    });
    const wishes = [[bob.id], [dave.id], [], [bob.id, dave.id]];
    const answers = await each(12, (house, time) =>
      house.ask('PUT', `/v1/accounts/${id}/people`, {
        token: alice.token,
        body: { people: wishes[time % wishes.length] },
      }),
    );
    expect(new Set(tally(answers))).toEqual(new Set([200]));
    // What the log says, replayed, is what the table says.
    const seen = new Set<string>();
    const events = await open.database.query<{ person: string; data: { granted: boolean } }>(
      `SELECT person_id AS person, data FROM event WHERE type = 'access.changed' AND subject = $1 ORDER BY sequence`,
      [id],
    );
    for (const { person: who, data } of events) {
      expect(seen.has(who)).toBe(!data.granted);
      if (data.granted) seen.add(who);
      else seen.delete(who);
    }
    const rows = await open.database.query<{ id: string }>(
      'SELECT person_id AS id FROM account_access WHERE account_id = $1',
      [id],
    );
    expect(new Set(rows.map((row) => row.id))).toEqual(seen);
  });

  it('do not lose an account that is put on a link while the link is removed', async () => {
    alice = await here.setUp();
    for (let round = 0; round < 5; round++) {
      const { id } = await here.get<{ id: string }>('POST', '/v1/links', {
        token: alice.token,
        body: { connector: 'paper', label: 'Trunk', settings },
      });
      const [put, removed] = await Promise.all([
        here.ask('POST', '/v1/accounts', { token: alice.token, body: { link: id, label: 'x' } }),
        there.ask('DELETE', `/v1/links/${id}`, { token: alice.token }),
      ]);
      expect([`${String(put.status)} ${String(removed.status)}`]).toEqual([
        put.status === 201 ? '201 409' : '422 204',
      ]);
    }
  });
});
