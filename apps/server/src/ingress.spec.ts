import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Account } from '#api';
import { signatureHeader, signatureOf, type WebhookCall } from '#connectors/loopback';
import { eventually } from '#peers';
import { Database } from '#platform';
import { Loop } from '../testing/loop.js';

const webhookKey = 'a key that both know';
const nobody = '01890000-0000-7000-8000-000000000000';
const base = 'https://parley.example.org';

describe('what a provider calls with', () => {
  let loop: Loop;
  let address: string;
  let made = 0;
  beforeAll(async () => {
    loop = await Loop.open({}, { secrets: { webhookKey }, env: { PARLEY_PUBLIC_URL: base } });
    address = await ingressUrl();
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const ingressUrl = async () =>
    (await loop.ask<Account>('GET', `/v1/accounts/${loop.account}`)).ingressUrl ?? '';
  const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
    await loop.house.app.get(Database).query<Record<string, unknown>>(sql);
  const fresh = (from: string, text: string): WebhookCall => ({ id: `call ${String(++made)}`, from, text });

  /** Calls an address as the provider knows it. */
  const call = (
    what: WebhookCall | string,
    { to = address, key = webhookKey, type = 'application/json' } = {},
  ) => {
    const payload = typeof what === 'string' ? what : JSON.stringify(what);
    return loop.house.ask('POST', to.slice(base.length), {
      payload,
      headers: {
        'content-type': type,
        [signatureHeader]: signatureOf(key, to, payload),
        host: 'inside:8080',
      },
    });
  };
  const texts = async (name: string) => (await loop.messages(await loop.with(name))).map(({ text }) => text);
  const quiet = () =>
    eventually('all is taken in', async () => (await rows('SELECT FROM ingress_item')).length === 0);

  it('becomes messages, in order and once, however often it is told', async () => {
    const calls = Array.from({ length: 60 }, (_, n) => fresh('bob', `told ${String(n)}`));
    for (const one of calls) expect(await call(one)).toMatchObject({ status: 204, text: '' });
    for (const one of calls.slice(0, 5)) expect((await call(one)).status).toBe(204);
    await quiet();
    expect(await texts('bob')).toEqual(calls.map(({ text }) => text));
  });

  it('is verified over the public URL as it was called, query and all, whatever a proxy made of it', async () => {
    const to = `${address}?a=%20b&a=+`;
    expect((await call(fresh('carol', 'with a query'), { to })).status).toBe(204);
    const one = fresh('carol', 'another URL was signed');
    const payload = JSON.stringify(one);
    const signature = signatureOf(webhookKey, to.replace('+', '%20'), payload);
    const headers = { [signatureHeader]: signature };
    expect(await loop.house.ask('POST', to.slice(base.length), { payload, headers })).toMatchObject({
      status: 403,
    });
    await quiet();
    expect(await texts('carol')).toEqual(['with a query']);
  });

  it('is taken as the bytes that came, of whatever type, up to a mebibyte', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/plain',
      'odd/one',
    ]) {
      expect({ type, status: (await call(fresh('dave', type), { type })).status }).toEqual({
        type,
        status: 204,
      });
    }
    expect((await call('{"not json', { type: 'application/json' })).status).toBe(400);
    expect((await call(fresh('dave', 'x'.repeat(1_048_576)))).status).toBe(413);
    expect((await loop.house.ask('GET', address.slice(base.length))).status).toBe(405);
  });

  it('is refused and leaves nothing where it is forged', async () => {
    const forged = await call(fresh('mallory', 'forged'), { key: 'a guess' });
    expect(forged.status).toBe(403);
    expect(forged.headers['set-cookie']).toBeUndefined();
    await quiet();
    expect(await texts('mallory')).toEqual([]);
  });

  it('is nothing at an address that is not its own: all of those look the same', async () => {
    const [, secret = ''] = /([^/]+)$/.exec(address) ?? [];
    const wrong = [
      address.replace(secret, `${secret}x`),
      address.replace(secret, 'x'),
      address.replace(loop.account, nobody),
      address.replace(loop.account, 'no-id'),
    ];
    const answers = await Promise.all(wrong.map((to) => call(fresh('mallory', 'guessed'), { to })));
    for (const { status, text, headers } of answers) {
      expect({ status, text, type: headers['content-type'] }).toEqual({
        status: 404,
        text: answers[0]?.text,
        type: 'application/problem+json',
      });
      expect(text).not.toContain(secret);
    }
  });

  it('has another address when somebody asks for it, and then only that', async () => {
    const renewed = await loop.ask<Account>('POST', `/v1/accounts/${loop.account}/ingress`);
    expect(renewed.ingressUrl).toMatch(/^https:\/\/parley\.example\.org\/in\/[\da-f-]{36}\/[\w-]{32}$/);
    expect(renewed.ingressUrl).not.toBe(address);
    expect((await call(fresh('erin', 'at the old one'))).status).toBe(404);
    address = renewed.ingressUrl ?? '';
    expect((await call(fresh('erin', 'at the new one'))).status).toBe(204);
    await quiet();
    expect(await texts('erin')).toEqual(['at the new one']);
  });

  it('has an address that only who manages the account is told, and that no table gives away', async () => {
    const bob = await loop.house.invite(loop.alice, 'member');
    await loop.ask('PUT', `/v1/accounts/${loop.account}/people`, { people: [bob.id] });
    const { token: reading } = await loop.ask<{ token: string }>('POST', '/v1/tokens', {
      label: 'reading',
      scopes: ['read'],
    });
    const path = `/v1/accounts/${loop.account}`;
    for (const token of [bob.token, reading]) {
      const account = await loop.house.get<Account>('GET', path, { token });
      expect(account).toMatchObject({ id: loop.account });
      expect(account).not.toHaveProperty('ingressUrl');
      const { items } = await loop.house.get<{ items: Account[] }>('GET', '/v1/accounts', { token });
      expect(items[0]).not.toHaveProperty('ingressUrl');
    }
    expect(await loop.house.ask('POST', `${path}/ingress`, { token: bob.token })).toMatchObject({
      status: 403,
    });
    const [, secret = ''] = /([^/]+)$/.exec(await ingressUrl()) ?? [];
    const [kept] = await rows(
      `SELECT ingress_seal AS seal, ingress_hash AS hash FROM account WHERE id = '${loop.account}'`,
    );
    for (const bytes of Object.values(kept ?? {})) expect((bytes as Buffer).includes(secret)).toBe(false);
  });

  it('waits while nobody is connected, and is taken in with the next session', async () => {
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    expect((await call(fresh('frank', 'while you were out'))).status).toBe(204);
    expect(await rows('SELECT FROM ingress_item')).toHaveLength(1);
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await quiet();
    expect(await texts('frank')).toEqual(['while you were out']);
  });

  it('is stored once though its row outlives the worker that took it in', async () => {
    const one = fresh('grace', 'once');
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    await call(one);
    // As after a crash between the commit of the message and the end of the row.
    await rows(
      'INSERT INTO ingress_item (account_id, item, size) SELECT account_id, item, size FROM ingress_item',
    );
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await quiet();
    expect(await texts('grace')).toEqual(['once']);
  });

  it('is told to come again when too much waits, and when the tables are away', async () => {
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    await rows(
      `INSERT INTO ingress_item (account_id, item, size)
       SELECT '${loop.account}', '{}', 2 FROM generate_series(1, 10000)`,
    );
    const one = fresh('heidi', 'in the end');
    const full = await call(one);
    expect(full).toMatchObject({ status: 503, headers: { 'retry-after': '60' } });
    await rows('DELETE FROM ingress_item');
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const database = loop.house.app.get(Database);
    Object.assign(database, { transaction: () => Promise.reject(away) });
    const down = await call(one);
    Reflect.deleteProperty(database, 'transaction');
    expect(down).toMatchObject({ status: 503, body: { code: 'storage-unavailable' } });
    expect(down.headers['retry-after']).toBeDefined();
    expect((await call(one)).status).toBe(204);
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await quiet();
    expect(await texts('heidi')).toEqual(['in the end']);
  });
});
