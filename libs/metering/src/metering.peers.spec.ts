import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { Caps, LedgerEntry, LedgerPage, Meter as MeterShape, PriceList, UsagePage } from '#api';
import { EventLog } from '#bus';
import { newId, type AccountId, type NewEvent, type PersonId, type WorkspaceId } from '#model';
import { describeEngines, TestClock, type TestDatabase } from '#platform/testing';
import type { Charge, MeteredEnvelope } from './charge.js';
import { Meter } from './meter.js';
import { MeteringModule } from './metering.module.js';
import type { Till } from './till.js';

const noon = Date.parse('2026-05-05T12:00:00Z');
const connector = 'paper';

/** Days pass when a test says so. */
class Calendar extends TestClock {
  at = noon;

  override now(): number {
    return this.at;
  }
}

describeEngines('metering', (open, engine) => {
  let opened: TestDatabase;
  let clock: Calendar;
  let house: House;
  let alice: Somebody;
  let bob: Somebody;
  let account: AccountId;
  let meter: Meter;
  let workspace: WorkspaceId;

  const ask = <T>(method: 'GET' | 'PUT' | 'POST', path: string, body?: object, who = alice, headers = {}) =>
    house.get<T>(method, path, { token: who.token, headers, ...(body ? { body } : {}) });
  const refused = (method: 'GET' | 'PUT' | 'POST', path: string, body: object, headers = {}) =>
    house.ask(method, path, { token: alice.token, body, headers });

  beforeAll(async () => {
    opened = await open();
    clock = new Calendar();
    house = await openHouse(opened.database, { lent: true, clock, rooms: [MeteringModule] });
    alice = await house.setUp();
    bob = await house.invite(alice, 'member');
    workspace = alice.workspace as WorkspaceId;
    const body = { connector, label: '=Alice, Ltd', settings: { host: 'paper.example.org' } };
    account = (await ask<{ id: AccountId }>('POST', '/v1/accounts', body)).id;
    meter = house.app.get(Meter);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await opened.database.query('TRUNCATE ledger, usage, cap, cap_use, meter, price_book');
    clock.at = noon;
    // Whoever knew the books that are gone forgets them.
    await setPrices([]);
    await opened.database.query('TRUNCATE meter, price_book');
    await setPrices([
      { prefix: '49', price: '0.05' },
      { prefix: '491', price: '0.07' },
    ]);
  });

  const setPrices = (items: object[], currency = 'EUR') =>
    ask<PriceList>('PUT', '/v1/prices', { currency, items: items.map((item) => ({ connector, ...item })) });
  const prepay = async (amount: string) => {
    await ask('PUT', '/v1/meter', { prepaid: true });
    await ask('POST', '/v1/ledger', { amount });
  };
  const balance = async () => (await ask<MeterShape>('GET', '/v1/meter')).balance;

  const sendOf = (more: Partial<MeteredEnvelope> = {}): MeteredEnvelope => ({
    envelope: newId<'EnvelopeId'>(),
    message: newId<'MessageId'>(),
    account,
    person: alice.id as PersonId,
    connector,
    parts: 1,
    destinations: ['4930123'],
    ...more,
  });
  const told = (subject: string): NewEvent => ({
    id: newId<'EventId'>(),
    type: 'account.changed',
    audience: { kind: 'account', account },
    subject,
    data: {},
  });
  /** One transaction as delivery has it: the till, then the events. */
  const transact = async <T>(
    openTill: (sql: Parameters<Meter['open']>[0]) => Promise<Till>,
    work: (till: Till) => T,
  ) =>
    await opened.database.transaction(async (sql) => {
      const till = await openTill(sql);
      const result = work(till);
      await house.app.get(EventLog).append(sql, workspace, [told(account)], till.alongside());
      return result;
    });
  const take = (...asked: MeteredEnvelope[]) =>
    transact(
      (sql) => meter.open(sql, workspace, asked),
      (till) => asked.map((each) => till.take(each)),
    );
  const chargeOf = (taken: { charge?: Charge } | { failure: unknown } | undefined): Charge => {
    if (taken && !('failure' in taken) && taken.charge) return taken.charge;
    throw new Error('nothing was charged');
  };
  const recount = (envelope: MeteredEnvelope, charge: Charge, parts: number) =>
    transact(
      (sql) => meter.settle(sql, workspace, { charged: [envelope] }),
      (till) => till.recount(envelope, charge, parts),
    );

  describe('prices', () => {
    it('are replaced as a whole, and read by everybody', async () => {
      expect(await ask('GET', '/v1/prices', undefined, bob)).toEqual({
        currency: 'EUR',
        version: 1,
        items: [
          { connector, direction: 'out', prefix: '49', price: '0.05' },
          { connector, direction: 'out', prefix: '491', price: '0.07' },
        ],
      });
      expect(await setPrices([{ price: '1.5', direction: 'in' }])).toEqual({ currency: 'EUR', version: 2 });
      const { items } = await ask<PriceList>('GET', '/v1/prices');
      expect(items).toEqual([{ connector, direction: 'in', prefix: '', price: '1.5' }]);
    });

    it('name every mistake, and then none of them holds', async () => {
      const bad = {
        currency: 'EUR',
        items: [
          { connector, prefix: '49', price: '0.05' },
          { connector, prefix: '49', price: '0.06' },
          { connector: 'pigeon', prefix: '', price: '1' },
        ],
      };
      expect(await refused('PUT', '/v1/prices', bad)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/items/1' }, { pointer: '/items/2/connector' }] },
      });
      for (const item of [
        { prefix: '+49', price: '1' },
        { prefix: '1234567890123456', price: '1' },
        { prefix: '49', price: '-1' },
        { prefix: '49', price: 0.05 },
        { prefix: '49', price: '0.0000001' },
        { prefix: '49', price: '1', direction: 'up' },
      ]) {
        const answer = await refused('PUT', '/v1/prices', {
          currency: 'EUR',
          items: [{ connector, ...item }],
        });
        expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } });
      }
      expect((await refused('PUT', '/v1/prices', { currency: 'EURO', items: [] })).status).toBe(422);
      expect(await ask<PriceList>('GET', '/v1/prices')).toMatchObject({ version: 1 });
    });

    // The engines read and write one row, whatever is in it: trying one of them is enough.
    const least = engine === 'embedded' ? 50_000 : 5_000;
    it(`are ${String(least)} at once`, async () => {
      const many = Array.from({ length: least }, (_, index) => ({
        connector,
        prefix: String(100_000 + index),
        price: '0.0123',
      }));
      expect(await ask('PUT', '/v1/prices', { currency: 'EUR', items: many })).toMatchObject({ version: 2 });
      const [taken] = await take(sendOf({ destinations: ['10499955'] }));
      expect(chargeOf(taken)).toMatchObject({ price: '12300', lines: [{ prefix: '104999', recipients: 1 }] });
      const csv = await house.ask('GET', '/v1/prices?format=csv', { token: alice.token });
      expect(csv.text.split('\r\n')).toHaveLength(least + 2);
    });

    it('hold at once, for whoever is about to send', async () => {
      expect(chargeOf((await take(sendOf()))[0]).price).toBe('50000');
      await setPrices([{ prefix: '', price: '0.01' }]);
      expect(chargeOf((await take(sendOf()))[0]).price).toBe('10000');
    });

    it('stay in one currency once something was priced', async () => {
      expect(await setPrices([{ price: '1' }], 'USD')).toMatchObject({ currency: 'USD' });
      await take(sendOf());
      expect(await refused('PUT', '/v1/prices', { currency: 'EUR', items: [] })).toMatchObject({
        status: 409,
        body: { code: 'currency-fixed', currency: 'USD' },
      });
    });

    it('are told as CSV to whoever wants it', async () => {
      const csv = await house.ask('GET', '/v1/prices', { token: bob.token, headers: { accept: 'text/csv' } });
      expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
      expect(csv.text).toBe(
        'connector,direction,prefix,price,currency\r\npaper,out,49,0.05,EUR\r\npaper,out,491,0.07,EUR\r\n',
      );
    });
  });

  describe('a charge', () => {
    it('is parts by price, for each recipient by their own prefix', async () => {
      const [taken] = await take(sendOf({ parts: 3, destinations: ['4930123', '491555', '491556'] }));
      expect(chargeOf(taken)).toMatchObject({
        parts: 3,
        price: String(3 * 50_000 + 6 * 70_000),
        currency: 'EUR',
        day: '2026-05-05',
        lines: [
          { prefix: '49', recipients: 1 },
          { prefix: '491', recipients: 2 },
        ],
      });
      const { items } = await ask<UsagePage>('GET', '/v1/usage?group=destination');
      expect(items).toEqual([
        { destination: '49', messages: 1, parts: 3, price: '0.15' },
        { destination: '491', messages: 0, parts: 6, price: '0.42' },
      ]);
    });

    it('without a known price is counted, and has none', async () => {
      const [taken] = await take(sendOf({ destinations: ['4930123', '1202555'] }));
      expect(chargeOf(taken)).not.toHaveProperty('price');
      expect((await ask<UsagePage>('GET', '/v1/usage')).items).toMatchObject([{ parts: 2, price: '0' }]);
    });

    it('is none where the network counts nothing and nothing is priced; the message is counted all the same', async () => {
      const { parts, destinations, ...plain } = sendOf({ connector: 'talk' });
      expect([parts, destinations]).toBeDefined();
      expect(await take(plain, plain)).toEqual([{}, {}]);
      expect((await ask<UsagePage>('GET', '/v1/usage?group=connector')).items).toEqual([
        { connector: 'talk', messages: 2, parts: 0, price: '0' },
      ]);
    });

    it('takes from the balance what it costs, and is refused with both where that is not enough', async () => {
      await prepay('0.12');
      const results = await take(sendOf(), sendOf({ parts: 2 }), sendOf());
      expect(chargeOf(results[0])).toMatchObject({ taken: '50000' });
      expect(results[1]).toMatchObject({
        failure: {
          code: 'insufficient-credit',
          remedy: 'ask-person',
          detail: 'This costs 0.1 EUR and the balance is 0.07 EUR: an admin can top it up.',
          facts: { price: '0.1', balance: '0.07', currency: 'EUR' },
        },
      });
      expect(chargeOf(results[2])).toMatchObject({ taken: '50000' });
      expect(await balance()).toBe('0.02');
    });

    it('is refused where others have a price and this one has none, as long as it is paid before', async () => {
      await prepay('1');
      const [unknown, free] = await take(
        sendOf({ destinations: ['1202555'] }),
        sendOf({ connector: 'talk' }),
      );
      expect(unknown).toMatchObject({ failure: { code: 'not-allowed' } });
      expect(chargeOf(free)).not.toHaveProperty('taken');
    });

    it('is paid back once, as far as nothing left', async () => {
      await prepay('1');
      const send = sendOf({ parts: 4 });
      const charge = chargeOf((await take(send))[0]);
      const partly = await recount(send, charge, 1);
      expect([await balance(), partly.price]).toEqual(['0.95', '50000']);
      const back = await recount(send, partly, 0);
      expect([await balance(), back.price, back.taken]).toEqual(['1', '0', '0']);
      await recount(send, back, 0);
      const { items } = await ask<LedgerPage>('GET', '/v1/ledger');
      expect(items.map(({ kind, amount }) => [kind, amount])).toEqual([
        ['correction', '0.05'],
        ['refund', '0.15'],
        ['charge', '-0.2'],
        ['top-up', '1'],
      ]);
      expect((await ask<UsagePage>('GET', '/v1/usage')).items).toMatchObject([
        { messages: 1, parts: 0, price: '0' },
      ]);
    });

    it('is refunded once even where somebody tries to do it twice', async () => {
      await prepay('1');
      const send = sendOf();
      const charge = chargeOf((await take(send))[0]);
      await recount(send, charge, 0);
      await expect(recount(send, charge, 0)).rejects.toMatchObject({ code: '23505' });
      expect(await balance()).toBe('1');
    });

    it('grows when the network says more parts, as far as the balance goes', async () => {
      await prepay('0.12');
      const send = sendOf();
      const charge = chargeOf((await take(send))[0]);
      const more = await recount(send, charge, 3);
      expect(more).toMatchObject({ price: '150000', taken: '120000' });
      expect(await balance()).toBe('0');
    });

    it('of what nobody may refuse takes what is there', async () => {
      await prepay('0.02');
      const answer = sendOf();
      const { charge } = await transact(
        (sql) => meter.open(sql, workspace, [answer]),
        (till) => till.takeAnyhow(answer),
      );
      expect(charge).toMatchObject({ price: '50000', taken: '20000' });
      expect(await balance()).toBe('0');
    });
  });

  describe('what comes in', () => {
    it('is counted, priced by who wrote, never refused, and takes what is there', async () => {
      await setPrices([{ direction: 'in', prefix: '1', price: '0.03' }]);
      await prepay('0.05');
      const heard = (parts: number, from: string) => ({
        message: newId<'MessageId'>(),
        account,
        connector,
        parts,
        from,
      });
      await transact(
        (sql) => meter.settle(sql, workspace, { heard: [heard(1, '1202')] }),
        (till) => {
          for (const each of [heard(1, '1202'), heard(2, '1202'), heard(1, '44')]) till.hear(each);
        },
      );
      expect(await balance()).toBe('0');
      const { items } = await ask<UsagePage>('GET', '/v1/usage?group=direction,destination');
      expect(items).toEqual([
        { direction: 'in', destination: '', messages: 1, parts: 1, price: '0' },
        { direction: 'in', destination: '1', messages: 2, parts: 3, price: '0.09' },
      ]);
    });
  });

  describe('caps', () => {
    it('refuse what would go over them, and say which, how far and until when', async () => {
      await ask('PUT', '/v1/caps', { items: [{ scope: 'person', id: alice.id, parts: 5 }] });
      const [first, second, third] = await take(
        sendOf({ parts: 3 }),
        sendOf({ parts: 3 }),
        sendOf({ parts: 2 }),
      );
      expect(chargeOf(first).parts).toBe(3);
      expect(second).toMatchObject({
        failure: {
          code: 'rate-limited',
          remedy: 'ask-person',
          facts: {
            cap: 'person',
            unit: 'parts',
            used: '3',
            limit: '5',
            wanted: '3',
            resetsAt: '2026-05-06T00:00:00.000Z',
          },
        },
      });
      expect(chargeOf(third).parts).toBe(2);
      expect((await take(sendOf({ person: bob.id as PersonId, parts: 100 })))[0]).toHaveProperty('charge');
    });

    it('count in money where a price is known, and begin anew with the day', async () => {
      await ask('PUT', '/v1/caps', { items: [{ scope: 'workspace', price: '0.1' }] });
      const [first, second] = await take(sendOf({ parts: 2 }), sendOf());
      expect(first).toHaveProperty('charge');
      expect(second).toMatchObject({
        failure: { facts: { cap: 'workspace', unit: 'EUR', used: '0.1', limit: '0.1' } },
      });
      clock.at = Date.parse('2026-05-06T00:00:00Z');
      expect((await take(sendOf({ parts: 2 })))[0]).toHaveProperty('charge');
    });

    it('of each account hold for those that have none of their own', async () => {
      const items = [
        { scope: 'account', parts: 1 },
        { scope: 'account', id: account, parts: 2 },
      ];
      await ask('PUT', '/v1/caps', { items });
      expect((await take(sendOf({ parts: 2 })))[0]).toHaveProperty('charge');
      expect((await take(sendOf({ account: newId(), parts: 2 })))[0]).toMatchObject({
        failure: { facts: { limit: '1' } },
      });
    });

    it('know what was sent before they were set, and get back what is paid back', async () => {
      const send = sendOf({ parts: 3 });
      const charge = chargeOf((await take(send))[0]);
      await ask('PUT', '/v1/caps', { items: [{ scope: 'workspace', parts: 4, price: '1' }] });
      expect((await take(sendOf({ parts: 2 })))[0]).toHaveProperty('failure');
      await recount(send, charge, 0);
      expect(await ask<Caps>('GET', '/v1/caps')).toEqual({
        items: [{ scope: 'workspace', id: null, parts: 4, price: '1', used: { parts: 0, price: '0' } }],
        resetsAt: '2026-05-06T00:00:00.000Z',
      });
      expect((await take(sendOf({ parts: 2 })))[0]).toHaveProperty('charge');
    });

    it('are of somebody here, said once, and of something', async () => {
      const wrong: [object, string][] = [
        [{ scope: 'person', id: newId(), parts: 1 }, '/items/0/id'],
        [{ scope: 'person', id: account, parts: 1 }, '/items/0/id'],
        [{ scope: 'workspace' }, '/items/0'],
        [{ scope: 'workspace', id: account, parts: 1 }, '/items/0/id'],
        [{ scope: 'workspace', price: '-1' }, '/items/0/price'],
      ];
      for (const [cap, pointer] of wrong) {
        expect(await refused('PUT', '/v1/caps', { items: [cap] })).toMatchObject({
          status: 422,
          body: { errors: [{ pointer }] },
        });
      }
      const twice = [
        { scope: 'workspace', parts: 1 },
        { scope: 'workspace', parts: 2 },
      ];
      expect((await refused('PUT', '/v1/caps', { items: twice })).status).toBe(422);
    });
  });

  describe('the ledger', () => {
    it('is filled by admins, once per key, and never below nothing', async () => {
      const key = { 'idempotency-key': 'paid-1' };
      const entry = await ask<LedgerEntry>(
        'POST',
        '/v1/ledger',
        { amount: '10', note: 'Invoice 7' },
        alice,
        key,
      );
      expect(entry).toMatchObject({
        sequence: 1,
        kind: 'top-up',
        amount: '10',
        balance: '10',
        person: alice.id,
      });
      expect(await ask('POST', '/v1/ledger', { amount: '10.0', note: 'Invoice 7' }, alice, key)).toEqual(
        entry,
      );
      expect(await refused('POST', '/v1/ledger', { amount: '11' }, key)).toMatchObject({
        status: 422,
        body: { code: 'idempotency-key-reused' },
      });
      await ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-4' });
      expect(await refused('POST', '/v1/ledger', { kind: 'adjustment', amount: '-6.000001' })).toMatchObject({
        status: 409,
        body: { code: 'insufficient-credit', balance: '6' },
      });
      for (const amount of ['0', '-1', '0.00', 'ten']) {
        expect((await refused('POST', '/v1/ledger', { amount })).status).toBe(422);
      }
      expect(await balance()).toBe('6');
      const audited = await opened.database.query(`SELECT FROM audit WHERE action = 'ledger.entered'`);
      expect(audited.length).toBeGreaterThanOrEqual(2);
    });

    it('is read page by page, the latest first', async () => {
      for (let top = 1; top <= 5; top++) await ask('POST', '/v1/ledger', { amount: String(top) });
      const first = await ask<LedgerPage>('GET', '/v1/ledger?limit=3');
      expect(first.items.map(({ sequence }) => sequence)).toEqual([5, 4, 3]);
      const second = await ask<LedgerPage>('GET', `/v1/ledger?limit=3&next=${first.next ?? ''}`);
      expect(second.items.map(({ sequence }) => sequence)).toEqual([2, 1]);
      expect(second).not.toHaveProperty('next');
      expect((await house.ask('GET', '/v1/ledger?next=x', { token: alice.token })).status).toBe(422);
    });

    it('keeps what was entered, whoever asks the tables for something else', async () => {
      await ask('POST', '/v1/ledger', { amount: '1' });
      for (const statement of ['UPDATE ledger SET amount = 2', 'DELETE FROM ledger']) {
        await expect(opened.database.query(statement)).rejects.toThrow('append-only');
      }
      await expect(opened.database.query('UPDATE meter SET balance = -1')).rejects.toThrow('balance');
    });

    it('sums to the balance and is never below nothing, however many charge, pay back and top up at once', async () => {
      await prepay('2');
      const known = new Map<MeteredEnvelope, Charge>();
      const busy = new Set<MeteredEnvelope>();
      let seed = 7;
      const roll = (sides: number) => (seed = (seed * 48_271) % 2_147_483_647) % sides;
      const topUp = async () => {
        await ask('POST', '/v1/ledger', { amount: `0.${String(roll(9) + 1)}` });
      };
      const send = async () => {
        const sends = Array.from({ length: 1 + roll(4) }, () => sendOf({ parts: 1 + roll(5) }));
        for (const [index, taken] of (await take(...sends)).entries()) {
          const of = sends[index];
          if (of && !('failure' in taken) && taken.charge) known.set(of, taken.charge);
        }
      };
      const settle = async () => {
        const [of, charge] = [...known].filter(([one]) => !busy.has(one)).at(roll(known.size + 1) - 1) ?? [];
        if (!of || !charge) return;
        // Delivery holds the envelope meanwhile.
        busy.add(of);
        known.set(of, await recount(of, charge, roll(charge.parts + 3)));
        busy.delete(of);
      };
      const acts = Array.from({ length: 120 }, () => [send, send, settle, settle, topUp][roll(5)] ?? send);
      for (let from = 0; from < acts.length; from += 8)
        await Promise.all(acts.slice(from, from + 8).map((act) => act()));
      const rows = await opened.database.query<{ sequence: bigint; amount: bigint; balance: bigint }>(
        'SELECT sequence, amount, balance FROM ledger ORDER BY sequence',
      );
      let sum = 0n;
      for (const [index, row] of rows.entries()) {
        sum += row.amount;
        expect(row).toEqual({ sequence: BigInt(index + 1), amount: row.amount, balance: sum });
        expect(sum).toBeGreaterThanOrEqual(0n);
      }
      const [now] = await opened.database.query<{ balance: bigint; used: bigint }>(
        `SELECT balance, (SELECT sum(price) FROM usage)::bigint AS used FROM meter`,
      );
      expect(now?.balance).toBe(sum);
      expect(now?.used).toBe([...known.values()].reduce((all, { price = '0' }) => all + BigInt(price), 0n));
      expect(rows.length).toBeGreaterThan(100);
    });
  });

  describe('usage', () => {
    const asBob = { person: undefined as unknown as PersonId };
    beforeEach(async () => {
      asBob.person = bob.id as PersonId;
      await take(sendOf(), sendOf({ parts: 2 }), sendOf({ ...asBob, destinations: ['491'] }));
      clock.at = noon + 86_400_000;
      await take(sendOf({ ...asBob, parts: 4 }));
    });

    it('is summed by day, account, person and destination, between two days', async () => {
      const { items } = await ask<UsagePage>('GET', '/v1/usage?group=day,person');
      expect(items).toHaveLength(3);
      expect(items).toContainEqual({
        ...{ day: '2026-05-05', person: alice.id, personName: 'Alice' },
        ...{ messages: 2, parts: 3, price: '0.15' },
      });
      expect((await ask<UsagePage>('GET', '/v1/usage?from=2026-05-06&until=2026-05-07')).items).toEqual([
        { day: '2026-05-06', messages: 1, parts: 4, price: '0.2' },
      ]);
      expect(
        (await ask<UsagePage>('GET', `/v1/usage?until=2026-05-06T00:00:00Z&person=${bob.id}`)).items,
      ).toEqual([{ day: '2026-05-05', messages: 1, parts: 1, price: '0.07' }]);
      expect((await ask<UsagePage>('GET', `/v1/usage?group=account&account=${account}`)).items).toEqual([
        { account, accountLabel: '=Alice, Ltd', messages: 4, parts: 8, price: '0.42' },
      ]);
      for (const query of [
        'group=moon',
        'group=day,day',
        'group=',
        'from=yesterday',
        'from=2026-13-01',
        'account=x',
      ]) {
        expect((await house.ask('GET', `/v1/usage?${query}`, { token: alice.token })).status).toBe(422);
      }
    });

    it('comes page by page', async () => {
      const items = [];
      for (let next = ''; ;) {
        const page = await ask<UsagePage>('GET', `/v1/usage?group=person,day,destination&limit=1${next}`);
        items.push(...page.items);
        if (page.next === undefined) break;
        next = `&next=${page.next}`;
      }
      const { items: all } = await ask<UsagePage>('GET', '/v1/usage?group=person,day,destination');
      expect(items).toEqual(all);
      expect(all).toHaveLength(3);
    });

    it('shows a member what is theirs, and what others sent only to admins', async () => {
      const { items } = await ask<UsagePage>('GET', '/v1/usage?group=person', undefined, bob);
      expect(items).toMatchObject([{ person: bob.id, messages: 2 }]);
      const others = await ask<UsagePage>('GET', `/v1/usage?person=${alice.id}`, undefined, bob);
      expect(others.items).toEqual([]);
    });

    it('is told as CSV, in which nobody’s label is a formula', async () => {
      const csv = await house.ask('GET', '/v1/usage?group=day,account', {
        token: alice.token,
        headers: { accept: 'text/csv' },
      });
      expect(csv.text.split('\r\n')).toEqual([
        'day,account,accountLabel,messages,parts,price,currency',
        `2026-05-05,${account},"'=Alice, Ltd",3,4,0.22,EUR`,
        `2026-05-06,${account},"'=Alice, Ltd",1,4,0.2,EUR`,
        '',
      ]);
      const other = await house.ask('GET', '/v1/usage?format=csv&group=destination', { token: alice.token });
      expect(other.text).toContain('491,1,1,0.07,EUR\r\n');
    });
  });
});
