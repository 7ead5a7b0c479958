import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#connector';
import { describeDriver, FakeProvider, ownNumber, ProviderRig, type Asked } from '#connectors/sms/testing';
import { twilioFailure } from './twilio-failures.js';
import { twilioSignature } from './twilio-ingress.js';

const accountSid = `AC${randomBytes(16).toString('hex')}`;
const authToken = randomBytes(16).toString('hex');
const secrets = { authToken };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const peer = '+12025550123';

let made = 0;
const sidOf = () => `SM${(++made).toString(16).padStart(32, '0')}`;

/** What the API answers to a text that it takes, field by field as it does. */
function accepted(asked: Asked) {
  if (asked.method === 'GET')
    return { status: 200, body: JSON.stringify({ messages: [], page: 0, page_size: 1 }) };
  const said = new URLSearchParams(asked.body);
  const answer = {
    sid: sidOf(),
    account_sid: accountSid,
    api_version: '2010-04-01',
    body: said.get('Body'),
    date_created: 'Thu, 01 Jan 2026 00:00:00 +0000',
    date_sent: null,
    direction: 'outbound-api',
    error_code: null,
    error_message: null,
    from: said.get('From'),
    num_media: '0',
    num_segments: '1',
    price: null,
    status: 'queued',
    to: said.get('To'),
  };
  return { status: 201, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) };
}

function refusal(status: number, code: number) {
  const message = 'The words of the provider';
  const body = JSON.stringify({ code, message, more_info: 'https://www.example.org/errors', status });
  return { status, headers: { 'content-type': 'application/json' }, body };
}

function signed(url: string, fields: Readonly<Record<string, string>>, token = authToken) {
  const signature = twilioSignature(token, url, Object.entries(fields));
  const body = Buffer.from(new URLSearchParams(fields).toString());
  return { method: 'POST', url, headers: { ...form, 'x-twilio-signature': signature }, body };
}

function inbound(fields: Readonly<Record<string, string>>) {
  return {
    ToCountry: 'US',
    SmsMessageSid: fields['MessageSid'] ?? '',
    NumMedia: '0',
    SmsSid: fields['MessageSid'] ?? '',
    SmsStatus: 'received',
    NumSegments: '1',
    AccountSid: accountSid,
    ApiVersion: '2010-04-01',
    ...fields,
  };
}

const settingsOf = (provider: FakeProvider, more: JsonObject = {}): JsonObject => ({
  driver: 'twilio',
  numbers: [ownNumber, '12345'],
  twilio: { accountSid, url: provider.url, ...more },
});

describeDriver({
  name: 'for Twilio',
  start: () => FakeProvider.start(accepted),
  settings: (provider) => settingsOf(provider),
  secrets,
  looksAtSecrets: true,
  heard: ({ method, body }) => {
    const said = new URLSearchParams(body);
    if (method !== 'POST') return undefined;
    return { from: said.get('From') ?? '', to: said.get('To') ?? '', text: said.get('Body') ?? '' };
  },
  refusal: { manners: refusal(400, 21_610), code: 'opted-out' },
  stranger: refusal(401, 20_003),
  says: ({ address }, { from, to, text, id }) =>
    signed(address, inbound({ MessageSid: `SM${id}`, From: from, To: to, Body: text })),
  tells: (_rig, asked, part, state) => {
    const callback = new URLSearchParams(asked.body).get('StatusCallback') ?? '';
    const status = state === 'failed' ? 'undelivered' : state;
    const fields = {
      MessageSid: `SM${String(part)}`,
      MessageStatus: status,
      SmsStatus: status,
      From: ownNumber,
      To: peer,
    };
    return signed(callback, state === 'failed' ? { ...fields, ErrorCode: '30005' } : fields);
  },
});

describe('Twilio', () => {
  const withRig = async (
    test: (rig: ProviderRig, provider: FakeProvider) => Promise<void>,
    more: JsonObject = {},
    others: Readonly<Record<string, string>> = {},
  ) => {
    await using provider = await FakeProvider.start(accepted);
    await using rig = await ProviderRig.online(settingsOf(provider, more), { ...secrets, ...others });
    await test(rig, provider);
  };

  it('signs as the provider’s own documentation shows', () => {
    // The example of Twilio's security page, word for word.
    const url = 'https://example.com/myapp.php?foo=1&bar=2';
    const fields = {
      Digits: '1234',
      To: '+18005551212',
      From: '+14158675310',
      Caller: '+14158675310',
      CallSid: 'CA1234567890ABCDE',
    };
    expect(twilioSignature('12345', url, Object.entries(fields))).toBe('L/OH5YylLD5NRKLltdqwSvS0BnU=');
  });

  it('is asked in its own way: by account and token, or by an API key, and told where to call', () =>
    withRig(
      async (rig, provider) => {
        await rig.send(rig.envelope(peer, 'hello'));
        const [, asked] = provider.asked;
        expect(asked?.url.pathname).toBe(`/2010-04-01/Accounts/${accountSid}/Messages.json`);
        expect(asked?.headers.authorization).toBe(
          `Basic ${Buffer.from('SK1:of the key').toString('base64')}`,
        );
        const said = new URLSearchParams(asked?.body);
        expect(said.get('MessagingServiceSid')).toBe('MG1');
        expect(said.get('StatusCallback')?.startsWith(`${rig.address}?part=`)).toBe(true);
      },
      { apiKey: 'SK1', messagingService: 'MG1' },
      { apiKeySecret: 'of the key' },
    ));

  it('is refused where a call is forged, for another address, altered, or not signed', () =>
    withRig((rig) => {
      const right = signed(
        rig.address,
        inbound({ MessageSid: 'SM1', From: peer, To: ownNumber, Body: 'hi' }),
      );
      const forged = [
        signed(rig.address, inbound({ MessageSid: 'SM1', From: peer, To: ownNumber, Body: 'hi' }), 'a guess'),
        { ...right, url: right.url.replace('parley.', 'parlez.') },
        { ...right, url: `${right.url}?more=1` },
        { ...right, body: Buffer.concat([right.body, Buffer.from('&NumMedia=1')]) },
        { ...right, headers: form },
        { ...right, method: 'GET' },
      ];
      for (const call of forged) expect(rig.call(call).status).toBe(403);
      expect(rig.waiting).toEqual([]);
      expect(rig.call(right)).toMatchObject({
        status: 200,
        headers: { 'content-type': 'text/xml; charset=utf-8' },
      });
      return Promise.resolve();
    }));

  it('is believed whether it signs with the usual port or without, and a field that comes twice', () =>
    withRig((rig) => {
      const withPort = rig.address.replace('.org/', '.org:443/');
      const fields = inbound({ MessageSid: 'SM2', From: peer, To: ownNumber, Body: 'hi' });
      const signature = twilioSignature(authToken, withPort, Object.entries(fields));
      const call = signed(rig.address, fields);
      expect(rig.call({ ...call, headers: { ...form, 'x-twilio-signature': signature } }).status).toBe(200);
      const twice: [string, string][] = [...Object.entries(fields), ['Tag', 'b'], ['Tag', 'a'], ['Tag', 'b']];
      const body = Buffer.from(new URLSearchParams(twice).toString());
      const both = twilioSignature(authToken, rig.address, twice);
      expect(rig.call({ ...call, body, headers: { ...form, 'x-twilio-signature': both } }).status).toBe(200);
      return Promise.resolve();
    }));

  it('is believed with JSON, whose hash stands in the signed address', () =>
    withRig(async (rig) => {
      const body = Buffer.from(
        JSON.stringify(inbound({ MessageSid: 'SM3', From: peer, To: ownNumber, Body: 'as JSON' })),
      );
      const url = `${rig.address}?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
      const headers = {
        'content-type': 'application/json',
        'x-twilio-signature': twilioSignature(authToken, url),
      };
      const other = Buffer.from(body.toString().replace('as JSON', 'altered'));
      expect(rig.call({ url, headers, body: other }).status).toBe(403);
      expect(rig.call({ url, headers, body }).status).toBe(200);
      await rig.handOver();
      expect(rig.house.heard().map(({ content }) => content.text)).toEqual(['as JSON']);
    }));

  it('tells a fate again and in another order without moving it, and what nobody waits for is nothing', () =>
    withRig(async (rig) => {
      for (const state of ['queued', 'sending', 'sent', 'delivered', 'sent', 'read']) {
        const fields = { MessageSid: 'SM9', MessageStatus: state, SmsStatus: state };
        expect(rig.call(signed(rig.address, fields)).status).toBe(200);
      }
      await rig.handOver();
      expect(rig.house.receipts().map(({ about, state }) => [about, state])).toEqual(
        ['sent', 'delivered', 'read'].map((state) => [
          { remoteId: { scope: 'sent', id: 'SM9', by: 'network' } },
          state,
        ]),
      );
    }));

  it('brings texts of a group, and none of other networks', () =>
    withRig(async (rig) => {
      const group = { OtherRecipients0: '+12025550124', 'OtherRecipients[1]': '+12025550125' };
      const fields = inbound({ MessageSid: 'SM4', From: peer, To: ownNumber, Body: 'all of you', ...group });
      expect(rig.call(signed(rig.address, fields)).status).toBe(200);
      const abroad = inbound({
        MessageSid: 'SM5',
        From: `whatsapp:${peer}`,
        To: `whatsapp:${ownNumber}`,
        Body: 'x',
      });
      expect(rig.call(signed(rig.address, abroad)).status).toBe(422);
      await rig.handOver();
      expect(rig.house.heard()).toMatchObject([
        { conversation: `${peer},+12025550124,+12025550125/${ownNumber}`, conversationKind: 'room' },
      ]);
    }));

  it('brings files: fetched with our password there and nowhere else; what cannot be fetched is told', async () => {
    const photo = randomBytes(70_000);
    await using store = await FakeProvider.start(({ headers }) =>
      headers.authorization === undefined
        ? { status: 200, headers: { 'content-type': 'image/jpeg' }, body: photo }
        : { status: 400 },
    );
    await using provider = await FakeProvider.start((asked) => {
      if (!asked.url.pathname.includes('/Media/')) return accepted(asked);
      if (asked.headers.authorization === undefined) return { status: 401 };
      if (asked.url.pathname.endsWith('ME2')) return { status: 403 };
      return { status: 307, headers: { location: `${store.url}/bucket/photo` } };
    });
    await using rig = await ProviderRig.online(settingsOf(provider), secrets);
    const media = (n: number) =>
      `${provider.url}/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/ME${String(n)}`;
    const fields = inbound({
      MessageSid: 'MM1',
      From: peer,
      To: ownNumber,
      Body: 'look',
      NumMedia: '3',
      MediaUrl0: media(1),
      MediaContentType0: 'image/jpeg',
      MediaUrl1: media(2),
      MediaContentType1: 'video/mp4',
      MediaUrl2: 'file:///etc/passwd',
      MediaContentType2: 'text/plain',
    });
    rig.call(signed(rig.address, fields));
    expect(await rig.handOver()).toBe('taken');
    const [message] = rig.house.heard();
    expect(message?.content.text).toBe(
      'look\n[video-2.mp4: the file could not be fetched]\n[text-3.txt: the file could not be fetched]',
    );
    expect(message?.content.attachments).toMatchObject([{ name: 'image-1.jpg', size: photo.length }]);
    expect(rig.house.inbox.received[0]?.bytes.equals(photo)).toBe(true);
  });

  it('takes files with a text, by the address where the house has them', () =>
    withRig(async (rig, provider) => {
      const url = 'https://parley.example.org/f/token';
      const attachments = [{ name: 'photo.png', mediaType: 'image/png', url }];
      await rig.send(rig.envelope(peer, 'look', { attachments }));
      expect(new URLSearchParams(provider.asked[1]?.body).getAll('MediaUrl')).toEqual([url]);
    }));

  it('refuses at once what it says has failed, and takes no group', () =>
    withRig(async (rig, provider) => {
      provider.next.push({
        status: 201,
        body: JSON.stringify({ sid: 'SM1', status: 'failed', error_code: 30_034 }),
      });
      expect(await rig.send(rig.envelope(peer, 'x'))).toMatchObject({
        outcome: 'refused',
        failure: { code: 'not-allowed' },
      });
      const group = rig.envelope(`${peer},+12025550124/${ownNumber}`, 'x');
      expect(await rig.send(group)).toMatchObject({ outcome: 'refused', failure: { code: 'unsupported' } });
    }));

  it.each([
    [20_003, 'auth-failed', 'ask-person'],
    [20_429, 'rate-limited', 'retry'],
    [21_211, 'not-found', 'give-up'],
    [21_610, 'opted-out', 'give-up'],
    [21_614, 'not-found', 'give-up'],
    [30_003, 'network-unreachable', 'give-up'],
    [30_004, 'refused', 'give-up'],
    [30_005, 'not-found', 'give-up'],
    [30_006, 'not-found', 'give-up'],
    [30_007, 'refused', 'give-up'],
    [30_008, 'unknown', 'give-up'],
    [63_016, 'refused', 'give-up'],
    [99_999, 'refused', 'give-up'],
  ])('complains with %i, which is %s here, and the remedy %s', (error, code, remedy) => {
    expect(twilioFailure(error)).toMatchObject({ code, remedy });
    expect(twilioFailure(error)?.detail).toContain(String(error));
  });
});
