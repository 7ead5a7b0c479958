import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { Account, Envelope, Message } from '#api';
import { createSms } from '#connectors/sms';
import { FakeProvider, ownNumber } from '#connectors/sms/testing';
import { eventually } from '#peers';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { withWebSockets } from '../testing/loop.js';
import { roomsAbove } from './app.module.js';

const base = 'https://parley.example.org';
const webhookKey = randomBytes(16).toString('hex');
const peer = '+12025550123';

describe('an account with a provider over HTTP', () => {
  let open: TestDatabase;
  let provider: FakeProvider;
  let house: House;
  let alice: Somebody;
  let account: Account;

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
    provider = await FakeProvider.start(() => ({ status: 202, body: '{}' }));
    house = await openHouse(open.database, {
      lent: true,
      connectors: [createSms()],
      rooms: [...roomsAbove],
      prepare: withWebSockets,
      env: { PARLEY_PUBLIC_URL: base },
    });
    alice = await house.setUp();
    account = await house.get<Account>('POST', '/v1/accounts', {
      token: alice.token,
      body: {
        connector: 'sms',
        label: 'SMS',
        settings: {
          driver: 'webhook',
          numbers: [ownNumber],
          webhook: {
            url: provider.url,
            json: { to: '{{to}}', text: '{{text}}', callback: '{{callback}}' },
            inbound: { from: '/from', to: '/to', text: '/text', id: '/id' },
            status: { state: '/state', states: { ok: 'delivered', gone: 'sent' } },
            signature: { way: 'key', header: 'X-Key' },
          },
        },
        secrets: { webhookKey },
      },
    });
    await eventually('it is online', async () => {
      const { session } = await house.get<Account>('GET', `/v1/accounts/${account.id}`, {
        token: alice.token,
      });
      return session.state === 'online';
    });
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
  });

  const call = (url: string, said: object) =>
    house.ask('POST', url.slice(base.length), {
      payload: JSON.stringify(said),
      headers: { 'content-type': 'application/json', 'x-key': webhookKey },
    });
  const conversation = async () =>
    (
      await house.get<{ id: string }>('POST', '/v1/conversations', {
        token: alice.token,
        body: { account: account.id, address: peer, kind: 'direct' },
      })
    ).id;

  it('is written to at its secret address, and what comes stands in the conversation with our number', async () => {
    const told = await call(account.ingressUrl ?? '', { from: peer, to: ownNumber, text: 'hello', id: '1' });
    expect(told.status).toBe(200);
    const id = await conversation();
    const heard = await eventually('it is there', async () => {
      const { items } = await house.get<{ items: Message[] }>('GET', `/v1/conversations/${id}/messages`, {
        token: alice.token,
      });
      return items.length > 0 ? items : undefined;
    });
    expect(heard).toMatchObject([{ text: 'hello', origin: 'remote', author: { address: peer } }]);
  });

  it('tells by a call what became of a text, and a later word does not take it back', async () => {
    const message = await house.get<Message>('POST', `/v1/conversations/${await conversation()}/messages`, {
      token: alice.token,
      body: { text: 'are you there?' },
    });
    const asked = await eventually('the provider is asked', () => provider.asked[0]);
    const { callback } = JSON.parse(asked.body) as { callback: string };
    expect(callback.startsWith(`${account.ingressUrl ?? 'nowhere'}?part=`)).toBe(true);
    const fate = async (state: string) =>
      await eventually(`it is ${state}`, async () => {
        const { items } = await house.get<{ items: Envelope[] }>(
          'GET',
          `/v1/messages/${message.id}/envelopes`,
          {
            token: alice.token,
          },
        );
        return items[0]?.state === state;
      });
    await fate('sent');
    expect((await call(callback, { state: 'ok' })).status).toBe(200);
    await fate('delivered');
    expect((await call(callback, { state: 'gone' })).status).toBe(200);
    await eventually('it is taken in', async () => {
      const rows = await open.database.query('SELECT FROM ingress_item');
      return rows.length === 0;
    });
    await fate('delivered');
  });
});
