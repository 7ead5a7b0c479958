import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Conversation, Envelope, Job, Message, SendMessagesAnswer } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

const hourMs = 3_600_000;

describe('a message that its network’s law or courtesy speaks of', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  /** Sets the account anew; its session begins again under these settings. */
  async function set(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const { network, account } = loop;
    const own = { host: '127.0.0.1', port: network.port, name: 'alice', backoffMs: 20, backoffMaxMs: 100 };
    await loop.ask('PATCH', `/v1/accounts/${account}`, { settings: { ...own, ...settings } });
  }
  const quiet = (ms: number) => new Date(Date.now() + ms).toISOString();
  const post = async (conversation: string, body: object) =>
    await loop.house.ask('POST', `/v1/conversations/${conversation}/messages`, {
      token: loop.alice.token,
      body,
    });
  const envelopeOf = async ({ id }: { readonly id: string }) =>
    (await loop.ask<{ items: Envelope[] }>('GET', `/v1/messages/${id}/envelopes`)).items.at(-1);
  /** As if it had been accepted long ago. */
  const age = async ({ id }: { readonly id: string }) =>
    await loop.house.database.query(
      `UPDATE envelope SET created_at = created_at - interval '10 minutes' WHERE message_id = $1`,
      [id],
    );

  describe('and that may not go', () => {
    it('is refused with the reason, alone or among many, and nothing of it is stored', async () => {
      await set({ closed: ['mallory'] });
      const mallory = await loop.with('mallory');
      expect(await post(mallory, { text: 'let me in' })).toMatchObject({
        status: 409,
        body: { code: 'not-allowed', detail: 'mallory is closed.' },
      });
      const to = ['carol', 'mallory'].map((address) => ({ account: loop.account, address }));
      const { results } = await loop.ask<SendMessagesAnswer>('POST', '/v1/messages', { to, text: 'to both' });
      expect(results).toMatchObject([
        { message: { text: 'to both' } },
        { failure: { code: 'not-allowed', detail: 'mallory is closed.' } },
      ]);
      expect(await loop.messages(mallory)).toEqual([]);
    });

    it('is refused among the thousands of a job', async () => {
      await set({ closed: ['friend7', 'friend150'] });
      const to = Array.from({ length: 160 }, (_, index) => ({
        account: loop.account,
        address: `friend${String(index)}`,
      }));
      const begun = await loop.house.ask('POST', '/v1/messages', {
        token: loop.alice.token,
        body: { to, text: 'to many' },
      });
      expect(begun.status).toBe(202);
      const { id } = begun.body as Job;
      const refused = await eventually('the job is done', async () => {
        const [row] = await loop.house.database.query<{ refused: Job['refused'] }>(
          'SELECT refused FROM fan_out WHERE id = $1 AND done = total',
          [id],
        );
        return row?.refused;
      });
      expect(refused).toMatchObject([
        { index: 7, failure: { code: 'not-allowed' } },
        { index: 150, failure: { code: 'not-allowed' } },
      ]);
    });

    it('is refused as a correction that is told in words, and the message stays as it was', async () => {
      loop.network.arrange('#plain', { without: ['edits'] });
      await set({});
      const { id } = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
        account: loop.account,
        address: '#plain',
        kind: 'room',
      });
      await eventually('it is entered, and known for what it is', async () => {
        const room = await loop.ask<Conversation>('GET', `/v1/conversations/${id}`);
        return room.joined && room.capabilities.edits !== 'native';
      });
      const message = await loop.send(id, 'helo');
      await loop.fate(message, 'sent');
      await set({ closed: ['#plain'] });
      const answer = await loop.house.ask('PATCH', `/v1/messages/${message.id}`, {
        token: loop.alice.token,
        body: { text: 'hello' },
      });
      expect(answer).toMatchObject({ status: 409, body: { code: 'not-allowed' } });
      expect(await loop.ask('GET', `/v1/messages/${message.id}`)).toMatchObject({ text: 'helo' });
    });

    it('is not sent again either', async () => {
      await set({});
      const dora = await loop.with('dora');
      await loop.state('online');
      loop.network.refuseNext('too-large', 1);
      const message = await loop.send(dora, 'refused by the network');
      const { id } = await loop.fate(message, 'failed');
      await set({ closed: ['dora'] });
      const again = await loop.house.ask('POST', `/v1/envelopes/${id}/resend`, { token: loop.alice.token });
      expect(again).toMatchObject({ status: 409, body: { code: 'not-allowed' } });
      await set({});
      await loop.ask('POST', `/v1/envelopes/${id}/resend`);
      await loop.fate(message, 'sent');
    });
  });

  describe('and that should not go now', () => {
    it('waits with the reason, and leaves when the time has come', async () => {
      await set({ quietUntil: quiet(1_200) });
      const erin = await loop.with('erin');
      const message = await loop.send(erin, 'good morning');
      const why = 'They are not to be disturbed now.';
      expect(message.envelopes).toMatchObject([{ state: 'waiting', waitsFor: 'schedule', why }]);
      expect(await envelopeOf(message)).toMatchObject({ waitsFor: 'schedule', why });
      const left = await loop.fate(message, 'sent');
      expect(left.why).toBeUndefined();
    });

    it('goes at once where the person insists', async () => {
      await set({ quietUntil: quiet(hourMs) });
      const fay = await loop.with('fay');
      const message = (await post(fay, { text: 'wake up', urgent: true })).body as Message;
      expect(message.envelopes).toMatchObject([{ state: 'accepted', waitsFor: null }]);
      await age(message);
      await loop.fate(message, 'sent');
    });

    it('moves what was scheduled before that time, and keeps what was scheduled after it', async () => {
      const until = quiet(hourMs);
      await set({ quietUntil: until });
      const gus = await loop.with('gus');
      const early = await loop.send(gus, 'early', { scheduleAt: quiet(hourMs / 2) });
      expect(await envelopeOf(early)).toMatchObject({ dueAt: until, waitsFor: 'schedule' });
      const at = quiet(2 * hourMs);
      const late = await loop.send(gus, 'late', { scheduleAt: at });
      const envelope = await envelopeOf(late);
      expect(envelope).toMatchObject({ dueAt: at, waitsFor: 'schedule' });
      expect(envelope?.why).toBeUndefined();
    });
  });

  describe('and that has waited', () => {
    it('is judged once more: it is put off when it should not go now', async () => {
      await set({});
      const hal = await loop.with('hal');
      await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
      const message = await loop.send(hal, 'it grew late');
      const urgent = (await post(hal, { text: 'it is urgent', urgent: true })).body as Message;
      await age(message);
      await age(urgent);
      await set({ quietUntil: quiet(hourMs) });
      await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
      await loop.fate(urgent, 'sent');
      const waits = await eventually('it waits', async () => {
        const envelope = await envelopeOf(message);
        return envelope?.waitsFor === 'schedule' ? envelope : undefined;
      });
      expect(waits).toMatchObject({
        state: 'waiting',
        why: 'They are not to be disturbed now.',
        attempts: 0,
      });
      expect(Date.parse(waits.dueAt)).toBeGreaterThan(Date.now() + hourMs / 2);
      expect(Date.parse(waits.expiresAt)).toBeGreaterThan(Date.parse(waits.dueAt));
      expect(loop.sent()).not.toContain('it grew late');
    });

    it('fails when it may not go any longer', async () => {
      await set({});
      const ivy = await loop.with('ivy');
      await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
      const message = await loop.send(ivy, 'too late');
      await age(message);
      await set({ closed: ['ivy'] });
      await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
      expect(await loop.fate(message, 'failed')).toMatchObject({
        failure: { code: 'not-allowed', detail: 'ivy is closed.' },
        attempts: 0,
      });
    });
  });
});
