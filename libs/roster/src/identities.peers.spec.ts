import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Desires } from '#accounts';
import { newId, type AccountId, type IdentityId, type Presence } from '#model';
import type { Database } from '#platform';
import { describeEngines, TestClock, type TestDatabase } from '#platform/testing';
import { Identities, partyKey, type Ask, type Rename } from './identities.js';
import { IdentityViews } from './identity.views.js';

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nobody was found');
  return value;
}

describeEngines('identities', (open) => {
  let test: TestDatabase;
  let database: Database;
  let identities: Identities;
  let views: IdentityViews;
  const clock = new TestClock();
  const link = newId<'LinkId'>();
  const workspace = newId<'WorkspaceId'>();
  let account: AccountId;

  beforeAll(async () => {
    test = await open();
    database = test.database;
    identities = new Identities(database, clock, new Desires(database));
    views = new IdentityViews(database);
    await database.query(`INSERT INTO workspace (id, name) VALUES ($1, 'Example')`, [workspace]);
    await database.query(
      `INSERT INTO link (id, workspace_id, connector, settings) VALUES ($1, $2, 'example', '{}')`,
      [link, workspace],
    );
    await database.query(`INSERT INTO lease (link_id, epoch) VALUES ($1, 7)`, [link]);
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    account = await newAccount();
  });

  async function newAccount(): Promise<AccountId> {
    const id = newId<'AccountId'>();
    await database.query(
      `INSERT INTO account (id, workspace_id, link_id, holder_id, connector, label, network, session)
       VALUES ($1, $2, $3, $4, 'example', 'mine', 'example:net', '{"state":"online","localAddress":"me"}')`,
      [id, workspace, link, newId()],
    );
    return id;
  }

  const nick = (address: string, more: Partial<Ask> = {}): Ask => ({
    account,
    address,
    kind: 'transient',
    ...more,
  });

  async function resolve(...asks: Ask[]) {
    return await database.transaction(async (sql) => await identities.resolve(sql, asks));
  }

  async function who(ask: Ask): Promise<IdentityId> {
    const { found } = await resolve(ask);
    return present(found.get(partyKey(ask.account, ask.address)));
  }

  async function rename(...changes: { from: string; to: string; name?: string; stable?: string }[]) {
    const renames = changes.map(({ from, to, name, stable }): Rename => ({
      account,
      from,
      to: {
        address: to,
        kind: 'transient',
        ...(name !== undefined && { name }),
        ...(stable !== undefined && { stableAddress: stable }),
      },
      at: new Date(clock.now()),
    }));
    return await database.transaction(async (sql) => await identities.rename(sql, renames));
  }

  async function seen(identity: IdentityId) {
    return present((await views.byIds([identity])).get(identity));
  }

  async function counted(): Promise<{ identities: number; rows: number }> {
    const [row] = await database.query<{ identities: bigint; rows: bigint }>(
      `SELECT (SELECT count(*) FROM identity WHERE account_id = $1) AS identities,
         (SELECT count(*) FROM identity_address WHERE account_id = $1) AS rows`,
      [account],
    );
    return { identities: Number(row?.identities), rows: Number(row?.rows) };
  }

  describe('resolving', () => {
    it('makes an identity for an address never seen, and finds it afterwards without an event', async () => {
      const first = await resolve(nick('alice', { name: 'Alice' }));
      const identity = present(first.found.get(partyKey(account, 'alice')));
      expect(first.events).toEqual([
        {
          id: expect.any(String),
          type: 'identity.changed',
          audience: { kind: 'account', account },
          subject: identity,
          data: { identity },
        },
      ]);
      const second = await resolve(nick('alice', { name: 'Alice' }), nick('alice'));
      expect(second.events).toEqual([]);
      expect(second.found.get(partyKey(account, 'alice'))).toBe(identity);
      expect(await seen(identity)).toEqual({
        id: identity,
        account,
        name: 'Alice',
        avatar: null,
        addresses: [{ address: 'alice', kind: 'transient' }],
        presence: { presence: 'unknown' },
        version: 1,
      });
    });

    it('gives the identity a new name with its next version, and keeps it where none is said', async () => {
      const identity = await who(nick('alice', { name: 'Alice' }));
      const { events } = await resolve(nick('alice', { name: 'Alice B.' }));
      expect(events.map((event) => event.subject)).toEqual([identity]);
      await resolve(nick('alice'));
      expect(await seen(identity)).toMatchObject({ name: 'Alice B.', version: 2 });
    });

    it('keeps the same address on two accounts apart', async () => {
      const other = await newAccount();
      const asks = [nick('alice'), nick('alice', { account: other })];
      const { found } = await resolve(...asks);
      expect(found.get(partyKey(account, 'alice'))).not.toBe(found.get(partyKey(other, 'alice')));
      expect(found.size).toBe(2);
    });

    it('records a stable address beside the transient one of the same identity', async () => {
      const identity = await who(nick('alice'));
      expect(await who(nick('alice', { stableAddress: '$alice' }))).toBe(identity);
      expect((await seen(identity)).addresses).toEqual(
        expect.arrayContaining([
          { address: 'alice', kind: 'transient' },
          { address: '$alice', kind: 'stable' },
        ]),
      );
      expect(await who(nick('alice'))).toBe(identity);
    });

    it('finds somebody with a stable address again under another transient one', async () => {
      const identity = await who(nick('alice', { stableAddress: '$alice' }));
      expect(await who(nick('alice_', { stableAddress: '$alice' }))).toBe(identity);
      expect(await who(nick('alice_'))).toBe(identity);
      expect(await counted()).toEqual({ identities: 1, rows: 3 });
    });

    it('makes somebody else of a transient address that comes with another stable one', async () => {
      const alice = await who(nick('guest', { stableAddress: '$alice' }));
      const bob = await who(nick('guest', { stableAddress: '$bob' }));
      expect(bob).not.toBe(alice);
      expect(await who(nick('guest'))).toBe(bob);
      expect((await seen(alice)).addresses).toEqual([{ address: '$alice', kind: 'stable' }]);
      const rows = await database.query(
        `SELECT identity_id, held, held_until IS NOT NULL AS closed FROM identity_address
         WHERE account_id = $1 AND address = 'guest' ORDER BY held NULLS FIRST`,
        [account],
      );
      expect(rows).toEqual([
        { identity_id: alice, held: null, closed: true },
        { identity_id: bob, held: true, closed: false },
      ]);
    });

    it('gives a transient address that somebody unverified held to the one whom the network vouches for', async () => {
      const unverified = await who(nick('alice_'));
      const alice = await who(nick('alice', { stableAddress: '$alice' }));
      expect(await who(nick('alice_', { stableAddress: '$alice' }))).toBe(alice);
      expect((await seen(unverified)).addresses).toEqual([]);
    });

    it('tells two holders of one transient address apart within a batch', async () => {
      const { found, events } = await resolve(
        nick('guest', { stableAddress: '$alice' }),
        nick('guest', { stableAddress: '$bob', name: 'Bob' }),
        nick('guest', { stableAddress: '$alice' }),
      );
      const alice = found.get(partyKey(account, 'guest', '$alice'));
      const bob = found.get(partyKey(account, 'guest', '$bob'));
      expect(alice).not.toBe(bob);
      expect(found.get(partyKey(account, 'guest'))).toBe(alice);
      expect(events).toHaveLength(2);
      expect(await who(nick('guest'))).toBe(alice);
      expect(await counted()).toEqual({ identities: 2, rows: 5 });
    });

    it('knows a stable address as itself, whatever is said beside it', async () => {
      const identity = await who(nick('alice@example.org', { kind: 'stable' }));
      expect(await who(nick('alice@example.org', { kind: 'stable', stableAddress: 'bob@example.org' }))).toBe(
        identity,
      );
      expect(await counted()).toEqual({ identities: 1, rows: 1 });
    });

    it('asks the database as often for a thousand as for one', async () => {
      const many = Array.from({ length: 1_000 }, (_, index) =>
        nick(`user${String(index)}`, { name: `User ${String(index)}`, stableAddress: `$${String(index)}` }),
      );
      const statements = async (asks: Ask[]) =>
        await database.transaction(async (sql) => {
          let count = 0;
          const counting: typeof sql = {
            query: async (text, params) => {
              count++;
              return await sql.query(text, params);
            },
          };
          await identities.resolve(counting, asks);
          return count;
        });
      expect(await statements([nick('first', { stableAddress: '$first' })])).toBe(3);
      expect(await statements(many)).toBe(3);
      expect(await statements(many)).toBe(1);
      expect(await counted()).toEqual({ identities: 1_001, rows: 2_002 });
    });
  });

  describe('two workers at once', () => {
    it('make one identity of one address', async () => {
      const asks = Array.from({ length: 40 }, (_, index) => nick(`user${String(index)}`));
      const all = await Promise.all(
        Array.from({ length: 6 }, async (_, worker) => {
          const mine = worker % 2 === 0 ? asks : asks.toReversed();
          return (await resolve(...mine)).found;
        }),
      );
      for (const found of all) expect(Object.fromEntries(found)).toEqual(Object.fromEntries(all[0] ?? []));
      expect(await counted()).toEqual({ identities: 40, rows: 40 });
    });

    it('make one identity of one stable address that they meet under two transient ones', async () => {
      const [one, two] = await Promise.all([
        who(nick('alice', { stableAddress: '$alice' })),
        who(nick('alice_', { stableAddress: '$alice' })),
      ]);
      expect(one).toBe(two);
      expect(await counted()).toEqual({ identities: 1, rows: 3 });
    });
  });

  describe('a witnessed rename', () => {
    it('takes the identity along and frees the address for somebody else', async () => {
      const alice = await who(nick('alice'));
      const { moved, events, vacated } = await rename({
        from: 'alice',
        to: 'alice|away',
        name: 'alice|away',
      });
      expect(moved).toEqual([{ account, from: 'alice', to: 'alice|away', identity: alice }]);
      expect(vacated).toEqual([]);
      expect(events.map((event) => event.subject)).toEqual([alice]);
      expect(await who(nick('alice|away'))).toBe(alice);
      expect(await who(nick('alice'))).not.toBe(alice);
      expect(await seen(alice)).toMatchObject({ name: 'alice|away', version: 2 });
    });

    it('is followed through a chain, in order', async () => {
      const alice = await who(nick('a'));
      const { moved } = await rename({ from: 'a', to: 'b' }, { from: 'b', to: 'c' }, { from: 'c', to: 'a' });
      expect(moved.map(({ from, to }) => `${from}>${to}`)).toEqual(['a>b', 'b>c', 'c>a']);
      expect(await who(nick('a'))).toBe(alice);
      expect((await seen(alice)).addresses).toEqual([{ address: 'a', kind: 'transient' }]);
    });

    it('lets two people exchange their addresses', async () => {
      const alice = await who(nick('alice'));
      const bob = await who(nick('bob'));
      await rename({ from: 'alice', to: 'x' }, { from: 'bob', to: 'alice' }, { from: 'x', to: 'bob' });
      expect(await who(nick('bob'))).toBe(alice);
      expect(await who(nick('alice'))).toBe(bob);
    });

    it('of somebody whom nobody knows makes nobody, but takes the address from whoever held it', async () => {
      const bob = await who(nick('bob'));
      const { moved, vacated, events } = await rename({ from: 'stranger', to: 'bob' });
      expect(moved).toEqual([]);
      expect(vacated).toEqual([{ account, address: 'bob', identity: bob }]);
      expect(events.map((event) => event.subject)).toEqual([bob]);
      expect(await who(nick('bob'))).not.toBe(bob);
    });

    it('to the same address in other letters changes the name only', async () => {
      const alice = await who(nick('alice', { name: 'alice' }));
      expect((await rename({ from: 'alice', to: 'alice', name: 'ALICE' })).moved).toEqual([]);
      expect(await seen(alice)).toMatchObject({ name: 'ALICE', addresses: [{ address: 'alice' }] });
    });

    it('leaves what another account knows alone', async () => {
      const other = await newAccount();
      const theirs = await who(nick('alice', { account: other }));
      await who(nick('alice'));
      await rename({ from: 'alice', to: 'bob' });
      expect(await who(nick('alice', { account: other }))).toBe(theirs);
    });
  });

  describe('presence', () => {
    const told = (address: string, presence: Presence, epoch = 7n, note?: string) => ({
      account,
      address,
      presence: { presence, since: '2026-01-01T00:00:00.000Z', ...(note !== undefined && { note }) },
      epoch,
    });

    it('is kept for those who have an identity, the latest of each, and changes no version', async () => {
      const alice = await who(nick('alice'));
      await identities.savePresence([
        told('alice', 'away'),
        told('nobody', 'available'),
        told('alice', 'busy', 7n, 'meeting'),
      ]);
      expect(await seen(alice)).toMatchObject({
        presence: { presence: 'busy', note: 'meeting', since: '2026-01-01T00:00:00.000Z' },
        version: 1,
      });
      expect(await counted()).toEqual({ identities: 1, rows: 1 });
    });

    it('that an older lease learnt reads as unknown and replaces nothing newer', async () => {
      const alice = await who(nick('alice'));
      const bob = await who(nick('bob'));
      await identities.savePresence([told('alice', 'available', 6n), told('bob', 'available', 7n)]);
      expect((await seen(alice)).presence).toEqual({ presence: 'unknown' });
      await identities.savePresence([told('bob', 'away', 6n)]);
      expect((await seen(bob)).presence).toMatchObject({ presence: 'available' });
    });

    it('reads as unknown while the account is not online', async () => {
      const alice = await who(nick('alice'));
      await identities.savePresence([told('alice', 'available')]);
      await database.query(`UPDATE account SET session = '{"state":"connecting"}' WHERE id = $1`, [account]);
      expect((await seen(alice)).presence).toEqual({ presence: 'unknown' });
    });
  });

  it('tells who holds addresses of one account', async () => {
    const alice = await who(nick('alice'));
    expect(await identities.holders(account, ['alice', 'nobody'])).toEqual(new Map([['alice', alice]]));
    expect(await identities.holders(await newAccount(), ['alice'])).toEqual(new Map());
  });

  it('lets a transient address go with whoever leaves it, and no other', async () => {
    const depart = async (...addresses: string[]) =>
      await database.transaction(
        async (sql) =>
          await identities.depart(
            sql,
            addresses.map((address) => ({ account, address, at: new Date(clock.now()) })),
          ),
      );
    const bob = await who(nick('bob', { stableAddress: 'account:bob' }));
    const { vacated, events } = await depart('bob', 'account:bob', 'nobody');
    expect(vacated).toEqual([{ account, address: 'bob', identity: bob }]);
    expect(events).toMatchObject([{ type: 'identity.changed', subject: bob }]);
    expect((await seen(bob)).addresses).toEqual([{ address: 'account:bob', kind: 'stable' }]);
    const other = await who(nick('bob'));
    expect(other).not.toBe(bob);
    expect(await who(nick('bob', { stableAddress: 'account:bob' }))).toBe(bob);
    expect(await depart()).toEqual({ events: [], vacated: [] });
  });
});
