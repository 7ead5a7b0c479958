import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#connector';
import { describeDriver, FakeProvider, ownNumber, ProviderRig } from '#connectors/sms/testing';

const webhookKey = randomBytes(16).toString('hex');
const webhookToken = randomBytes(16).toString('hex');
const secrets = { webhookKey, webhookToken };
const peer = '+12025550123';
const json = { 'content-type': 'application/json' };

const states = { DELIVERED: 'delivered', FAILED: 'failed' };
const settings = (url: string, more: JsonObject = {}): JsonObject => ({
  driver: 'webhook',
  numbers: [ownNumber, '12345'],
  webhook: {
    url: `${url}/v2/messages`,
    headers: { Authorization: 'Bearer {{token}}' },
    json: {
      messages: [
        {
          sender: '{{from}}',
          destinations: ['{{ to }}'],
          text: '{{text}}',
          notify: '{{callback}}',
          ref: 'r-{{id}}',
        },
      ],
    },
    answer: { id: '/messages/0/id', error: '/messages/0/error' },
    inbound: { items: '/results', from: '/sender', to: '/recipient', text: '/content/text', id: '/id' },
    status: { id: '/id', state: '/state', error: '/reason', states },
    signature: { way: 'hex', header: 'X-Signature', prefix: 'sha256=' },
    ...more,
  },
});

let made = 0;
const takes = () => ({
  status: 200,
  headers: json,
  body: JSON.stringify({ messages: [{ id: `m${String(++made)}` }] }),
});
const signature = (body: Buffer, key = webhookKey) => createHmac('sha256', key).update(body).digest('hex');
const signed = (url: string, said: unknown) => {
  const body = Buffer.from(JSON.stringify(said));
  return { url, headers: { ...json, 'x-signature': `sha256=${signature(body)}` }, body };
};

describeDriver({
  name: 'for any provider over HTTP',
  start: () => FakeProvider.start(takes),
  settings: ({ url }) => settings(url),
  secrets,
  looksAtSecrets: false,
  heard: ({ body }) => {
    const [said] = (
      JSON.parse(body) as { messages: { sender: string; destinations: string[]; text: string }[] }
    ).messages;
    return said && { from: said.sender, to: said.destinations[0] ?? '', text: said.text };
  },
  refusal: {
    manners: { status: 200, body: JSON.stringify({ messages: [{ error: 'unknown number' }] }) },
    code: 'refused',
  },
  stranger: { status: 401 },
  says: ({ address }, { from, to, text, id }) =>
    signed(address, { results: [{ id, sender: from, recipient: to, content: { text } }] }),
  tells: (_rig, { body }, _part, state) => {
    const [said] = (JSON.parse(body) as { messages: { notify: string }[] }).messages;
    return signed(said?.notify ?? '', { state: state.toUpperCase(), reason: 'no such phone' });
  },
});

describe('any provider over HTTP', () => {
  const withRig = async (
    more: JsonObject,
    test: (rig: ProviderRig, provider: FakeProvider) => Promise<void> | void,
  ) => {
    await using provider = await FakeProvider.start(takes);
    await using rig = await ProviderRig.online(settings(provider.url, more), secrets);
    await test(rig, provider);
  };

  it('is asked by a template in which a text stays a text, wherever it stands', async () => {
    await using provider = await FakeProvider.start(takes);
    const nasty = 'a"b&c=d/../%0a?#é\r\nX: y {{token}}';
    const webhook = {
      url: `${provider.url}/send/{{to}}?t={{text}}`,
      headers: { 'X-Text': '{{text}}', 'X-Token': '{{token}}' },
      form: { text: '{{text}}', from: '{{from}}' },
    };
    await using rig = await ProviderRig.online({ ...settings(provider.url), webhook }, secrets);
    expect(await rig.send(rig.envelope(peer, nasty))).toMatchObject({ outcome: 'sent', parts: [{}] });
    const [asked] = provider.asked;
    expect(asked?.url.pathname).toBe(`/send/${encodeURIComponent(peer)}`);
    expect(asked?.url.searchParams.get('t')).toBe(nasty);
    expect(asked?.headers['x-text']).toBe(encodeURIComponent(nasty));
    expect(asked?.headers['x']).toBeUndefined();
    expect(asked?.headers['x-token']).toBe(webhookToken);
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({ text: nasty, from: ownNumber });
  });

  it('carries what a group says to each other, all members in one text and one conversation', () =>
    withRig(
      { inbound: { from: '/from', to: '/to', text: '/text', members: '/members' } },
      async (rig, provider) => {
        const other = '+12025550144';
        const group = `${[peer, other].sort().join(',')}/${ownNumber}`;
        const sent = await rig.send({
          ...rig.envelope(peer, 'hello all'),
          to: group,
          conversationKind: 'room',
        });
        expect(sent.outcome).toBe('sent');
        const [asked] = provider.asked;
        expect(JSON.parse(asked?.body ?? '')).toMatchObject({
          messages: [{ destinations: [peer, other].sort() }],
        });
        const said = { from: peer, to: ownNumber, text: 'hello you two', members: [ownNumber, peer, other] };
        expect(rig.call(signed(rig.address, said)).status).toBe(200);
        expect(await rig.handOver()).toBe('taken');
        expect(rig.house.heard()).toMatchObject([
          { conversation: group, conversationKind: 'room', author: { address: peer } },
        ]);
      },
    ));

  it('refuses a group where the template has one recipient', () =>
    withRig({ json: { to: '{{to}}', text: '{{text}}' } }, async (rig, provider) => {
      const to = `${peer},+12025550144/${ownNumber}`;
      expect(await rig.send({ ...rig.envelope(peer, 'x'), to })).toMatchObject({ outcome: 'refused' });
      expect(provider.asked).toEqual([]);
    }));

  it('is not used with a template that names what nothing stands for', async () => {
    await using provider = await FakeProvider.start(takes);
    await using rig = new ProviderRig(settings(provider.url, { json: { a: '{{texte}}' } }), secrets);
    await rig.state('needs-person');
    expect(rig.house.stateOf()).toMatchObject({
      code: 'unsupported',
      detail: expect.stringContaining('{{texte}}'),
    });
  });

  it('is refused where a call is forged, altered or not signed', () =>
    withRig({}, (rig) => {
      const right = signed(rig.address, {
        results: [{ sender: peer, recipient: ownNumber, content: { text: 'hi' } }],
      });
      const forged = { ...json, 'x-signature': `sha256=${signature(right.body, 'a guess')}` };
      expect(rig.call({ ...right, headers: forged }).status).toBe(403);
      expect(rig.call({ ...right, headers: json }).status).toBe(403);
      expect(rig.call({ ...right, body: Buffer.concat([right.body, Buffer.from(' ')]) }).status).toBe(403);
      expect(rig.waiting).toEqual([]);
      expect(rig.call(right).status).toBe(200);
    }));

  it('is believed only in time where it signs the time, so that nothing old is played again', () =>
    withRig(
      { signature: { way: 'base64', header: 'X-Sign', timestamp: 'X-Time', toleranceSeconds: 60 } },
      (rig) => {
        const body = Buffer.from(
          JSON.stringify({ results: [{ sender: peer, recipient: ownNumber, content: { text: 'x' } }] }),
        );
        const call = (time: string, signedTime = time) => {
          const sign = createHmac('sha256', webhookKey)
            .update(`${signedTime}.`)
            .update(body)
            .digest('base64');
          return rig.call({ url: rig.address, body, headers: { ...json, 'x-sign': sign, 'x-time': time } })
            .status;
        };
        const now = Date.UTC(2026, 0, 1) / 1_000;
        expect(call(String(now))).toBe(200);
        expect(call(String(now * 1_000 - 30_000))).toBe(200);
        expect(call(new Date(now * 1_000).toISOString())).toBe(200);
        expect(call(String(now - 61))).toBe(403);
        expect(call(String(now + 61))).toBe(403);
        expect(call(String(now), String(now - 61))).toBe(403);
        expect(call('soon')).toBe(403);
      },
    ));

  it('may show its key instead, and call with a form whose fields are named', async () => {
    const places = {
      inbound: { from: 'msisdn', to: 'shortcode', text: 'message', id: 'ref' },
      signature: { way: 'key', header: 'Authorization', prefix: 'Bearer ' },
    };
    await withRig(places, async (rig) => {
      const body = Buffer.from(
        new URLSearchParams({ msisdn: peer, shortcode: '12345', message: 'ä', ref: '7' }).toString(),
      );
      const headers = (key: string) => ({
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Bearer ${key}`,
      });
      expect(rig.call({ url: rig.address, body, headers: headers('a guess') }).status).toBe(403);
      expect(rig.call({ url: rig.address, body, headers: headers(webhookKey) }).status).toBe(200);
      expect(await rig.handOver()).toBe('taken');
      expect(rig.house.heard()).toMatchObject([{ conversation: `${peer}/12345`, content: { text: 'ä' } }]);
    });
  });

  it('tells fates by its own ids, in its own words; words that nobody has explained are nothing', () =>
    withRig({}, async (rig) => {
      const outcome = await rig.send(rig.envelope(peer, 'hello'));
      const [part] = outcome.outcome === 'sent' ? outcome.parts : [];
      const id = part?.remoteId?.id ?? '';
      for (const state of ['BUFFERED', 'DELIVERED', 'DELIVERED'])
        expect(rig.call(signed(rig.address, { id, state })).status).toBe(200);
      expect(await rig.handOver()).toBe('taken');
      expect(rig.house.receipts()).toMatchObject([
        { about: { remoteId: part?.remoteId }, state: 'delivered' },
      ]);
    }));

  it('is told that it says nothing that we know', () =>
    withRig({}, (rig) => {
      expect(rig.call(signed(rig.address, { hello: 'world' })).status).toBe(422);
      const body = Buffer.from('{');
      const headers = { ...json, 'x-signature': `sha256=${signature(body)}` };
      expect(rig.call({ url: rig.address, headers, body }).status).toBe(400);
    }));
});
