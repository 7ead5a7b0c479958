import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { acceptsHttp, type JsonObject } from '#connector';
import { newId } from '#model';
import { createSms } from '../index.js';
import { twilioSignature } from './twilio-ingress.js';

const sms = createSms();
const account = newId<'AccountId'>();
const numbers = ['+12025550100'];
const url = 'https://parley.example.org/in/account/secret';
const places = { from: '/from', to: 'to', text: '/a/0/b' };
const ways: Readonly<Record<string, JsonObject>> = {
  twilio: { driver: 'twilio', numbers, twilio: { accountSid: 'AC1' } },
  kannel: { driver: 'kannel', numbers, kannel: { url: 'http://kannel.example.org/x', username: 'u' } },
  webhook: {
    driver: 'webhook',
    numbers,
    webhook: {
      url: 'https://example.org',
      inbound: { ...places, items: '/items' },
      status: { state: '/state', states: { x: 'sent' } },
    },
  },
  smpp: { driver: 'smpp', numbers, smpp: { host: 'smsc.example.org', systemId: 'x' } },
};

const asked = (
  settings: JsonObject,
  request: { method: string; url: string; headers: Record<string, string>; body: Buffer },
) => {
  if (!acceptsHttp(sms)) throw new Error('it is called by nobody');
  return sms.ingress(
    { ...request, at: new Date(0) },
    { account, settings, secrets: { authToken: 'a', webhookKey: 'b' } },
  );
};

const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', ''];
const calls = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'ODD'),
  query: fc.string({ maxLength: 200, unit: 'binary' }),
  type: fc.constantFrom(...types),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.json({ maxDepth: 4 }).map((said) => Buffer.from(said)),
    fc
      .array(
        fc.tuple(fc.constantFrom('From', 'To', 'Body', 'MessageSid', 'NumMedia', 'MediaUrl0'), fc.string()),
      )
      .map((fields) => Buffer.from(new URLSearchParams(fields).toString())),
  ),
});

describe('what anybody may call with', () => {
  it.each(Object.keys(ways))('is answered and never thrown at by the driver %s', (way) => {
    fc.assert(
      fc.property(calls, ({ method, query, type, body: octets }) => {
        const body = Buffer.from(octets);
        const hash = createHash('sha256').update(body).digest('hex');
        const called = `${url}?bodySHA256=${hash}&${query}`;
        const form = type === types[1] ? [...new URLSearchParams(body.toString())] : [];
        // Signed rightly, so that it is looked into.
        const headers = { 'content-type': type, 'x-twilio-signature': twilioSignature('a', called, form) };
        const { answer } = asked(ways[way] ?? {}, { method, url: called, headers, body });
        expect(answer.status).toBeGreaterThanOrEqual(200);
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });

  it('is refused where it is larger than an item may be', () => {
    const body = Buffer.from(
      new URLSearchParams({ MessageSid: 'SM1', From: '+1', To: '+2', Body: 'x'.repeat(300_000) }).toString(),
    );
    const headers = {
      'content-type': types[1] ?? '',
      'x-twilio-signature': twilioSignature('a', url, [...new URLSearchParams(body.toString())]),
    };
    expect(asked(ways['twilio'] ?? {}, { method: 'POST', url, headers, body }).answer.status).toBe(413);
  });

  it('is nothing to an account whose way of sending is called by nobody', () => {
    expect(
      asked(ways['smpp'] ?? {}, { method: 'POST', url, headers: {}, body: Buffer.alloc(0) }).answer.status,
    ).toBe(404);
  });
});
