import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Conversation, Message, SendMessagesAnswer } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

describe('a send', () => {
  let loop: Loop;
  let bob: string;
  beforeAll(async () => {
    loop = await Loop.open();
    bob = await loop.with('bob');
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const keyed = (key: string, body: object) =>
    loop.house.ask('POST', `/v1/conversations/${bob}/messages`, {
      token: loop.alice.token,
      body,
      headers: { 'idempotency-key': key },
    });

  it('leaves once, and says that it was sent', async () => {
    const message = await loop.send(bob, 'hello bob');
    expect(message.envelopes).toMatchObject([{ state: 'accepted' }]);
    const envelope = await loop.fate(message, 'sent');
    expect(envelope.parts).toMatchObject([{ part: 0, state: 'sent' }]);
    expect(loop.sent().filter((text) => text === 'hello bob')).toHaveLength(1);
  });

  it('is one send under one key, asked together, later, and not for another body', async () => {
    const together = await Promise.all([1, 2, 3].map(() => keyed('k1', { text: 'only once' })));
    const ids = new Set(together.map(({ body }) => (body as Message).id));
    expect(together.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(ids.size).toBe(1);
    const later = await keyed('k1', { text: 'only once' });
    expect((later.body as Message).id).toBe([...ids][0]);
    expect(await keyed('k1', { text: 'something else' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect((await keyed('a b', { text: 'x' })).status).toBe(422);
    await loop.fate(later.body as Message, 'sent');
    expect(loop.sent().filter((text) => text === 'only once')).toHaveLength(1);
  });

  it('keeps the order of a conversation, however many are on their way', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `ordered ${String(index)}`);
    let last: Message | undefined;
    for (const text of texts) last = await loop.send(bob, text);
    if (last) await loop.fate(last, 'sent');
    expect(loop.sent().filter((text) => text.startsWith('ordered'))).toEqual(texts);
  });

  it('goes through the gate: changed, held until an admin decides, or refused with a reason', async () => {
    await loop.fate(await loop.send(bob, 'change me'), 'sent');
    expect(loop.sent()).toContain('changed me');
    const refused = await loop.house.ask('POST', `/v1/conversations/${bob}/messages`, {
      token: loop.alice.token,
      body: { text: 'refuse me' },
    });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'not-allowed', detail: 'Not in this house.' },
    });

    const held = await loop.send(bob, 'hold me');
    expect(held.envelopes).toMatchObject([{ state: 'waiting', waitsFor: 'gate' }]);
    // What is held does not hold up the lane.
    await loop.fate(await loop.send(bob, 'after the held one'), 'sent');
    const id = held.envelopes[0]?.id ?? '';
    await loop.ask('POST', `/v1/envelopes/${id}/release`);
    await loop.fate(held, 'sent');
    expect(loop.sent().at(-1)).toBe('hold me');

    const never = await loop.send(bob, 'hold me too');
    await loop.ask('POST', `/v1/envelopes/${never.envelopes[0]?.id ?? ''}/refuse`, { reason: 'Better not.' });
    expect(await loop.fate(never, 'failed')).toMatchObject({
      failure: { code: 'not-allowed', detail: 'Better not.' },
    });
    expect(loop.sent()).not.toContain('hold me too');
  });

  it('waits for its time, and can be withdrawn until then', async () => {
    const soon = await loop.send(bob, 'a little later', {
      scheduleAt: new Date(Date.now() + 400).toISOString(),
    });
    const never = await loop.send(bob, 'never', { scheduleAt: new Date(Date.now() + 600_000).toISOString() });
    expect(soon.envelopes).toMatchObject([{ state: 'waiting', waitsFor: 'schedule' }]);
    const id = never.envelopes[0]?.id ?? '';
    expect(await loop.ask('POST', `/v1/envelopes/${id}/cancel`)).toMatchObject({ state: 'withdrawn' });
    await loop.fate(soon, 'sent');
    expect(loop.sent()).toContain('a little later');
    const late = await loop.house.ask('POST', `/v1/envelopes/${soon.envelopes[0]?.id ?? ''}/cancel`, {
      token: loop.alice.token,
    });
    expect(late).toMatchObject({ status: 409, body: { code: 'too-late' } });
  });

  it('fails with the network’s own reason, and can be sent again by a person, once', async () => {
    loop.network.refuseNext('too-large', 1, 'Too long for me.');
    const message = await loop.send(bob, 'refused once');
    const failed = await loop.fate(message, 'failed');
    expect(failed.failure).toMatchObject({ code: 'too-large', remedy: 'give-up' });
    await loop.ask('POST', `/v1/envelopes/${failed.id}/resend`);
    await loop.fate(message, 'sent');
    expect(loop.sent().filter((text) => text === 'refused once')).toHaveLength(1);
    const again = await loop.house.ask('POST', `/v1/envelopes/${failed.id}/resend`, {
      token: loop.alice.token,
    });
    expect(again).toMatchObject({ status: 409, body: { code: 'not-resendable' } });
  });

  it('waits as long as the network asks, and holds only its own lane', async () => {
    const carol = await loop.with('carol');
    loop.network.laterNext(500, 1);
    const delayed = await loop.send(bob, 'asked to wait');
    await loop.fate(delayed, 'waiting');
    const behind = await loop.send(bob, 'behind it');
    await loop.fate(await loop.send(carol, 'another lane'), 'sent');
    await loop.fate(behind, 'sent');
    const order = loop.sent().filter((text) => ['asked to wait', 'behind it', 'another lane'].includes(text));
    expect(order).toEqual(['another lane', 'asked to wait', 'behind it']);
  });

  it('fails none of what was on its way together when the network asks all of it to come later', async () => {
    const texts = ['first of five', 'second of five', 'third of five', 'fourth of five', 'last of five'];
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    const messages: Message[] = [];
    for (const text of texts) messages.push(await loop.send(bob, text));
    loop.network.laterNext(200, texts.length);
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    for (const message of messages) await loop.fate(message, 'sent');
    expect(loop.sent().filter((text) => texts.includes(text))).toEqual(texts);
  });

  it('is corrected, reacted to and taken back on the network', async () => {
    const message = await loop.send(bob, 'helo');
    await loop.fate(message, 'sent');
    const edited = await loop.ask<Message>('PATCH', `/v1/messages/${message.id}`, { text: 'hello' });
    expect(edited).toMatchObject({ text: 'hello', editedAt: expect.any(String) as unknown });
    await loop.fate(message, 'sent');
    const reacted = await loop.ask<Message>(
      'PUT',
      `/v1/messages/${message.id}/reactions/${encodeURIComponent('👍')}`,
    );
    expect(reacted.reactions).toMatchObject([{ emoji: '👍', person: loop.alice.id }]);
    await loop.fate(message, 'sent');
    const gone = await loop.ask<Message>('DELETE', `/v1/messages/${message.id}`);
    expect(gone).toMatchObject({ text: '', retractedAt: expect.any(String) as unknown });
    await loop.fate(message, 'sent');
    await eventually('the network heard of all three', () =>
      ['edit', 'react', 'retract'].every((kind) =>
        loop.network.received.some((received) => received.kind === kind),
      ),
    );
  });

  it('is changed as its conversation carries it, where that is less than its account', async () => {
    loop.network.arrange('#plain', { without: ['edits', 'retractions'] });
    const { id } = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: loop.account,
      address: '#plain',
      kind: 'room',
    });
    await eventually('it is entered, and known for what it is', async () => {
      const room = await loop.ask<Conversation>('GET', `/v1/conversations/${id}`);
      return room.joined && room.capabilities.edits !== 'native';
    });
    const message = await loop.send(id, 'helo plain');
    await loop.fate(message, 'sent');
    await loop.ask('PATCH', `/v1/messages/${message.id}`, { text: 'hello plain' });
    await eventually('the correction is told in words', () => loop.sent().includes('* hello plain'));
    await loop.fate(message, 'sent');
    const answer = await loop.house.ask('DELETE', `/v1/messages/${message.id}`, { token: loop.alice.token });
    expect(answer).toMatchObject({ status: 409, body: { code: 'unsupported' } });
  });

  it('is corrected in place while it waits', async () => {
    const message = await loop.send(bob, 'to be corrected', {
      scheduleAt: new Date(Date.now() + 300).toISOString(),
    });
    await loop.ask('PATCH', `/v1/messages/${message.id}`, { text: 'corrected in time' });
    await loop.fate(message, 'sent');
    expect(loop.sent()).toContain('corrected in time');
    expect(loop.sent()).not.toContain('to be corrected');
  });

  it('reaches many: at once up to a hundred, as a job above, none twice', async () => {
    const to = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        account: loop.account,
        address: `friend${String(index)}`,
      }));
    const few = await loop.ask<SendMessagesAnswer>('POST', '/v1/messages', {
      to: [...to(2), { account: loop.account, address: 'bad\nname' }],
      text: 'to a few',
    });
    expect(few.results.map((result) => 'message' in result)).toEqual([true, true, false]);
    const answer = await loop.house.ask('POST', '/v1/messages', {
      token: loop.alice.token,
      body: { to: to(250), text: 'to many' },
      headers: { 'idempotency-key': 'many' },
    });
    expect(answer).toMatchObject({ status: 202, body: { total: 250 } });
    await eventually(
      'all of them got it',
      () => loop.sent().filter((text) => text === 'to many').length >= 250,
      20_000,
    );
    const again = await loop.house.ask('POST', '/v1/messages', {
      token: loop.alice.token,
      body: { to: to(250), text: 'to many' },
      headers: { 'idempotency-key': 'many' },
    });
    expect((again.body as { id: string }).id).toBe((answer.body as { id: string }).id);
    expect(loop.sent().filter((text) => text === 'to many')).toHaveLength(250);
  });

  it('leaves no word of what was said once the conversation is erased, or a job is done', async () => {
    const carol = await loop.with('carol');
    const message = await loop.send(carol, 'a secret');
    await loop.fate(message, 'sent');
    await loop.ask<Message>('PATCH', `/v1/messages/${message.id}`, { text: 'another secret' });
    await loop.fate(message, 'sent');
    await loop.ask('DELETE', `/v1/conversations/${carol}?erase`);
    const { database } = loop.house;
    const rows = await database.query<{ kept: string }>(
      `SELECT row_to_json(m)::text AS kept FROM message m UNION ALL SELECT row_to_json(e)::text FROM envelope e`,
    );
    expect(rows.filter(({ kept }) => kept.includes('secret'))).toEqual([]);
    const jobs = await database.query('SELECT request FROM fan_out');
    expect(jobs).toEqual([{ request: {} }]);
  });

  it('waits for a session where there is none, and leaves in order when it comes', async () => {
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    const first = await loop.send(bob, 'while away 1');
    const second = await loop.send(bob, 'while away 2');
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await loop.fate(second, 'sent');
    await loop.fate(first, 'sent');
    expect(loop.sent().filter((text) => text.startsWith('while away'))).toEqual([
      'while away 1',
      'while away 2',
    ]);
  });
});

describe('a send whose link broke before the answer', () => {
  it('is unknown with its reason where the network cannot tell, and a person may send it again', async () => {
    await using loop = await Loop.open({ resolvesUnknown: false });
    const bob = await loop.with('bob');
    loop.network.silentSends(1);
    const message = await loop.send(bob, 'cut off');
    // `sending` is written before the first byte leaves: the network has to have it before the link breaks.
    await eventually('the network has it', () => loop.sent().includes('cut off'));
    loop.network.dropConnections();
    const envelope = await loop.fate(message, 'unknown');
    expect(envelope.failure).toMatchObject({ remedy: 'ask-person' });
    await loop.state('online');
    await loop.ask('POST', `/v1/envelopes/${envelope.id}/resend`);
    await loop.fate(message, 'sent');
  });

  it('is settled by asking the network where it can tell, and reaches it once', async () => {
    await using loop = await Loop.open();
    const bob = await loop.with('bob');
    loop.network.cutAfter(0);
    const kept = await loop.send(bob, 'cut off but kept');
    await loop.fate(kept, 'sent');
    expect(loop.sent().filter((text) => text === 'cut off but kept')).toHaveLength(1);
  });
});

describe('a receipt that names a message by the network’s id', () => {
  it('counts also when it comes before the network has answered with that id', async () => {
    await using loop = await Loop.open({ receiptsById: true });
    const bob = await loop.with('bob');
    loop.network.receipts({ delivered: 0, read: 0, beforeAnswer: true });
    loop.network.answerLater(300);
    const message = await loop.send(bob, 'read before it was sent');
    const envelope = await loop.fate(message, 'read');
    expect(envelope.parts).toMatchObject([{ part: 0, state: 'read' }]);
  });
});
