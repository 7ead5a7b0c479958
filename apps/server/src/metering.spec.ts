import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type {
  Envelope,
  LedgerPage,
  Message,
  Meter,
  Problem,
  QuoteAnswer,
  SendMessagesAnswer,
  UsagePage,
} from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

/** Parts of sixteen bytes, to numbers: +1 costs 0.05 a part, +44 costs 0.1, and from +1 comes at 0.01. */
describe('what is sent over a network that counts parts', () => {
  let loop: Loop;
  let bob: string;
  beforeAll(async () => {
    loop = await Loop.open({ maxTextBytes: 16, resolvesUnknown: false });
    bob = await loop.with('+12025550101');
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await loop.house.database.query('TRUNCATE ledger, usage, cap, cap_use');
    await loop.house.database.query('UPDATE meter SET balance = 0, sequence = 0, capped = false');
    await loop.ask('PUT', '/v1/prices', {
      currency: 'EUR',
      items: [
        { connector: 'loopback', prefix: '1', price: '0.05' },
        { connector: 'loopback', prefix: '44', price: '0.1' },
        { connector: 'loopback', direction: 'in', prefix: '1', price: '0.01' },
      ],
    });
    await loop.ask('PUT', '/v1/meter', { prepaid: true });
    await loop.ask('POST', '/v1/ledger', { amount: '1' });
  });

  const balance = async () => (await loop.ask<Meter>('GET', '/v1/meter')).balance;
  const entries = async () =>
    (await loop.ask<LedgerPage>('GET', '/v1/ledger')).items.map(({ kind, amount }) => `${kind} ${amount}`);
  const envelopeOf = async ({ id }: { readonly id: string }) =>
    (await loop.ask<{ items: Envelope[] }>('GET', `/v1/messages/${id}/envelopes`)).items.at(-1);
  const post = (body: object, conversation = bob) =>
    loop.house.ask('POST', `/v1/conversations/${conversation}/messages`, { token: loop.alice.token, body });
  const long = 'three parts of sixteen bytes each';
  const later = () => new Date(Date.now() + 600_000).toISOString();

  it('is charged when it is accepted, and says what it costs', async () => {
    const message = await loop.send(bob, long);
    expect(message.envelopes).toMatchObject([{ partCount: 3, price: '0.15', currency: 'EUR' }]);
    expect(await balance()).toBe('0.85');
    expect(await loop.fate(message, 'sent')).toMatchObject({ partCount: 3, price: '0.15', currency: 'EUR' });
    expect(await loop.ask<Message>('GET', `/v1/messages/${message.id}`)).toMatchObject({
      envelopes: [{ partCount: 3, price: '0.15' }],
    });
    expect(await entries()).toEqual(['charge -0.15', 'top-up 1']);
  });

  it('is charged once for one key, however often it is asked for', async () => {
    const body = { text: 'once' };
    const asking = { token: loop.alice.token, body, headers: { 'idempotency-key': 'k1' } };
    const path = `/v1/conversations/${bob}/messages`;
    await Promise.all([1, 2, 3].map(() => loop.house.ask('POST', path, asking)));
    expect(await balance()).toBe('0.95');
  });

  it('is judged one by one where it goes to many', async () => {
    await loop.ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-0.9' });
    const to = ['+12025550102', '+447700900123', '+12025550103', '+12025550104', '+4915550001'].map(
      (address) => ({
        account: loop.account,
        address,
      }),
    );
    const { results } = await loop.ask<SendMessagesAnswer>('POST', '/v1/messages', { to, text: 'to all' });
    const words = results.map((result) =>
      'message' in result ? result.message.envelopes[0]?.price : result.failure.code,
    );
    expect(words).toEqual(['0.05', 'insufficient-credit', '0.05', 'insufficient-credit', 'not-allowed']);
    expect(await balance()).toBe('0');
  });

  it('is refused with price and balance, and nothing of it is stored', async () => {
    await loop.ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-0.9' });
    const before = await loop.messages(bob);
    const answer = await post({ text: long });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'insufficient-credit', facts: { price: '0.15', balance: '0.1', currency: 'EUR' } },
    });
    expect((answer.body as Problem).detail).toContain('0.15 EUR');
    expect(await loop.messages(bob)).toHaveLength(before.length);
    expect(await balance()).toBe('0.1');
  });

  it('is refused over a cap, until that is raised', async () => {
    await loop.ask('PUT', '/v1/caps', { items: [{ scope: 'account', id: loop.account, parts: 3 }] });
    await loop.send(bob, long);
    expect(await post({ text: 'one' })).toMatchObject({
      status: 409,
      body: {
        code: 'rate-limited',
        facts: { cap: 'account', unit: 'parts', used: '3', limit: '3', wanted: '1' },
      },
    });
    await loop.ask('PUT', '/v1/caps', { items: [{ scope: 'account', id: loop.account, parts: 4 }] });
    expect((await post({ text: 'one' })).status).toBe(201);
  });

  it('is paid back where the network refuses it, and charged again where it is sent again', async () => {
    loop.network.refuseNext('too-large', 3);
    const message = await loop.send(bob, long);
    const failed = await loop.fate(message, 'failed');
    expect(failed).toMatchObject({ partCount: 0, price: '0' });
    expect(await balance()).toBe('1');
    await loop.ask('POST', `/v1/envelopes/${failed.id}/resend`);
    expect(await loop.fate(message, 'sent')).toMatchObject({ price: '0.15' });
    expect(await entries()).toEqual(['charge -0.15', 'refund 0.15', 'charge -0.15', 'top-up 1']);
    expect((await loop.ask<UsagePage>('GET', '/v1/usage')).items).toMatchObject([
      { messages: 2, parts: 3, price: '0.15' },
    ]);
  });

  it('costs the parts that the network took, where it refuses others', async () => {
    loop.network.refuseNext('too-large', 1);
    const message = await loop.send(bob, long);
    const failed = await loop.fate(message, 'failed');
    await eventually('the other parts are there', async () => (await envelopeOf(message))?.price === '0.1');
    expect(await envelopeOf(message)).toMatchObject({ id: failed.id, state: 'failed', partCount: 2 });
    expect(await balance()).toBe('0.9');
  });

  it('is not sent again where that cannot be paid', async () => {
    loop.network.refuseNext('too-large', 1);
    const failed = await loop.fate(await loop.send(bob, 'refused'), 'failed');
    await loop.ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-1' });
    const again = await loop.house.ask('POST', `/v1/envelopes/${failed.id}/resend`, {
      token: loop.alice.token,
    });
    expect(again).toMatchObject({ status: 409, body: { code: 'insufficient-credit' } });
    await loop.ask('POST', '/v1/ledger', { amount: '1' });
    await loop.ask('POST', `/v1/envelopes/${failed.id}/resend`);
  });

  it('is paid back where a person withdraws it in time, or takes it back', async () => {
    const first = await loop.send(bob, 'not yet', { scheduleAt: later() });
    const second = await loop.send(bob, long, { scheduleAt: later() });
    expect(await balance()).toBe('0.8');
    await loop.ask('POST', `/v1/envelopes/${first.envelopes[0]?.id ?? ''}/cancel`);
    expect(await balance()).toBe('0.85');
    await loop.ask('DELETE', `/v1/messages/${second.id}`);
    expect(await balance()).toBe('1');
    expect(await envelopeOf(second)).toMatchObject({ state: 'withdrawn', partCount: 0, price: '0' });
  });

  it('is paid back where it expires', async () => {
    const message = await loop.send(bob, long, { scheduleAt: later() });
    await loop.house.database.query(`UPDATE envelope SET expires_at = now() WHERE message_id = $1`, [
      message.id,
    ]);
    await loop.fate(message, 'expired');
    expect(await balance()).toBe('1');
  });

  it('is paid back where the gate’s keeper refuses it', async () => {
    const held = await loop.send(bob, 'hold me');
    expect(await balance()).toBe('0.95');
    await loop.ask('POST', `/v1/envelopes/${held.envelopes[0]?.id ?? ''}/refuse`, {});
    expect(await balance()).toBe('1');
  });

  it('is counted anew where what waits is changed, as far as that can be paid', async () => {
    const message = await loop.send(bob, 'short', { scheduleAt: later() });
    await loop.ask('PATCH', `/v1/messages/${message.id}`, { text: long });
    expect(await envelopeOf(message)).toMatchObject({ partCount: 3, price: '0.15' });
    expect(await balance()).toBe('0.85');
    await loop.ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-0.8' });
    const longer = await loop.house.ask('PATCH', `/v1/messages/${message.id}`, {
      token: loop.alice.token,
      body: { text: long.repeat(2) },
    });
    expect(longer).toMatchObject({ status: 409, body: { code: 'insufficient-credit' } });
    expect(await loop.ask<Message>('GET', `/v1/messages/${message.id}`)).toMatchObject({ text: long });
    await loop.ask('PATCH', `/v1/messages/${message.id}`, { text: 'short again' });
    expect(await balance()).toBe('0.15');
    expect(await entries()).toContain('refund 0.1');
  });

  it('is counted as the network counts it in the end', async () => {
    const message = await loop.send(bob, 'hold these three parts of sixteen');
    // As if more had been planned than will leave.
    await loop.house.database.query(
      `UPDATE envelope SET charge = charge || '{"parts": 5, "price": "250000", "taken": "250000"}' WHERE message_id = $1`,
      [message.id],
    );
    await loop.ask('POST', `/v1/envelopes/${message.envelopes[0]?.id ?? ''}/release`);
    expect(await loop.fate(message, 'sent')).toMatchObject({ partCount: 3, price: '0.15' });
    expect(await entries()).toEqual(['refund 0.1', 'charge -0.15', 'top-up 1']);
  });

  it('is quoted before, as it would be charged and refused, and nothing of it is stored', async () => {
    await loop.ask('POST', '/v1/ledger', { kind: 'adjustment', amount: '-0.8' });
    const to = [
      { conversation: bob },
      { account: loop.account, address: '+447700900123' },
      { account: loop.account, address: '+4915550001' },
      { account: loop.account, address: 'carol' },
      { account: loop.account, address: 'not an address' },
      { account: loop.account, address: '+12025550107' },
    ];
    const quote = await loop.ask<QuoteAnswer>('POST', '/v1/quotes', { to, text: long });
    expect(quote).toMatchObject({ currency: 'EUR', total: '0.15' });
    expect(quote.results.map(({ parts, price, failure }) => [parts, price, failure?.code])).toEqual([
      [3, '0.15', undefined],
      [3, '0.3', 'insufficient-credit'],
      [3, null, 'not-allowed'],
      [3, null, 'not-allowed'],
      [null, null, 'not-found'],
      [3, '0.15', 'insufficient-credit'],
    ]);
    expect(quote.results[0]).toMatchObject({
      to: { conversation: bob },
      coding: 'UTF-8',
      units: Buffer.byteLength(long),
      unitsLeft: expect.any(Number) as unknown,
      notBefore: null,
    });
    expect(await balance()).toBe('0.2');
    const sent = await loop.ask<SendMessagesAnswer>('POST', '/v1/messages', { to, text: long });
    const words = sent.results.map((one) =>
      'message' in one ? one.message.envelopes[0]?.price : one.failure.code,
    );
    expect(words).toEqual(quote.results.map(({ price, failure }) => failure?.code ?? price));
  });

  it('is quoted with whom it may not reach', async () => {
    const address = '+12025550109';
    await loop.ask('PUT', '/v1/opt-outs', { account: loop.account, address, optedOut: true });
    const to = [{ account: loop.account, address }];
    const { results } = await loop.ask<QuoteAnswer>('POST', '/v1/quotes', { to, text: 'hello' });
    expect(results).toMatchObject([{ price: '0.05', failure: { code: 'opted-out' } }]);
  });

  it('counts what comes in, priced by who wrote', async () => {
    loop.network.say('+12025550101', 'alice', 'hello alice');
    const { items } = await eventually('it is counted', async () => {
      const page = await loop.ask<UsagePage>('GET', '/v1/usage?group=direction,destination');
      return page.items.length > 0 ? page : undefined;
    });
    expect(items).toEqual([{ direction: 'in', destination: '1', messages: 1, parts: 1, price: '0.01' }]);
    expect(await balance()).toBe('0.99');
  });

  it('is counted and not charged where no balance is demanded', async () => {
    await loop.ask('PUT', '/v1/meter', { prepaid: false });
    const message = await loop.send(bob, long);
    expect(message.envelopes).toMatchObject([{ partCount: 3, price: '0.15' }]);
    const { items } = await loop.ask<UsagePage>('GET', '/v1/usage?group=person,connector,destination');
    expect(items).toMatchObject([
      {
        person: loop.alice.id,
        connector: 'loopback',
        destination: '1',
        messages: 1,
        parts: 3,
        price: '0.15',
      },
    ]);
    expect(await entries()).toEqual(['top-up 1']);
  });
});
