import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { wireIdOf } from '#connector';
import { describeDriver, FakeProvider, ownNumber, ProviderRig, type Asked } from '#connectors/sms/testing';
import { parseHeader } from '#protocols/smpp';

const password = randomBytes(12).toString('hex');
const secrets = { password };
const peer = '+12025550123';
const plain = { 'content-type': 'text/plain' };

/** The fields of a query as octets: a text need not be UTF-8. */
function octetsOf({ url }: Asked): ReadonlyMap<string, Buffer> {
  const pairs = url.search.slice(1).split('&');
  return new Map(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return [name, Buffer.from(unescape(value), 'latin1')];
    }),
  );
}

function unescape(value: string): string {
  return value.replace(/%([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As sendsms of Kannel answers, user and password first. */
function sendsms(asked: Asked) {
  const said = octetsOf(asked);
  if (said.get('username')?.toString() !== 'parley' || said.get('password')?.toString() !== password) {
    return { status: 403, headers: plain, body: 'Authorization failed for sendsms' };
  }
  if (!said.has('to')) return { status: 400, headers: plain, body: 'Missing receiver number, rejected' };
  return { status: 202, headers: plain, body: '0: Accepted for delivery' };
}

const settingsOf = ({ url }: FakeProvider) => ({
  driver: 'kannel',
  numbers: [ownNumber, '12345'],
  kannel: { url: `${url}/cgi-bin/sendsms`, username: 'parley' },
});

/** What a phone is shown of one request. */
function shown(said: ReadonlyMap<string, Buffer>): string {
  const text = said.get('text') ?? Buffer.alloc(0);
  if (said.get('coding')?.toString() !== '2')
    return text.toString('utf8').replace(/\p{So}|\p{Script=Cyrl}/gu, '?');
  return Buffer.from(text).swap16().toString('utf16le');
}

const escaped = (octets: Buffer) =>
  [...octets].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');
const utf16 = (text: string) => escaped(Buffer.from(text, 'utf16le').swap16());
const call = (address: string, query: string) => ({ method: 'GET', url: `${address}?${query}` });

describeDriver({
  name: 'for Kannel',
  start: () => FakeProvider.start(sendsms),
  settings: settingsOf,
  secrets,
  looksAtSecrets: true,
  heard: (asked) => {
    const said = octetsOf(asked);
    if (!said.has('to')) return undefined;
    return {
      from: said.get('from')?.toString() ?? '',
      to: said.get('to')?.toString() ?? '',
      text: shown(said),
    };
  },
  refusal: { manners: { status: 403, body: 'Not routable. Do not try again.' }, code: 'not-allowed' },
  stranger: { status: 403, body: 'Authorization failed for sendsms' },
  says: ({ address }, { from, to, text, id }) =>
    call(
      address,
      `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}&text=${utf16(text)}&coding=2&charset=UTF-16BE&udh=&id=${id}`,
    ),
  tells: (_rig, asked, _part, state) => {
    const url = octetsOf(asked).get('dlr-url')?.toString() ?? '';
    const answer = 'id:1 sub:001 dlvrd:000 stat:UNDELIV err:042';
    const filled = url
      .replace('%d', state === 'failed' ? '2' : '1')
      .replace('%A', encodeURIComponent(answer));
    return { method: 'GET', url: filled };
  },
});

describe('Kannel', () => {
  const withRig = async (test: (rig: ProviderRig, provider: FakeProvider) => Promise<void>) => {
    await using provider = await FakeProvider.start(sendsms);
    await using rig = await ProviderRig.online(settingsOf(provider), secrets);
    await test(rig, provider);
  };

  it('is told the coding of every text, without which it sends question marks and says that all is well', () =>
    withRig(async (rig, provider) => {
      await rig.send(rig.envelope(peer, '€ and é'));
      await rig.send(rig.envelope(peer, 'a 🧿'));
      const [, gsm, unicode] = provider.asked.map((asked) => octetsOf(asked));
      expect([gsm?.get('coding'), gsm?.get('charset')].map(String)).toEqual(['0', 'UTF-8']);
      expect([unicode?.get('coding'), unicode?.get('charset')].map(String)).toEqual(['2', 'UTF-16BE']);
      expect(unicode?.get('text')).toEqual(Buffer.from('a 🧿', 'utf16le').swap16());
    }));

  it('is given long texts part by part, each with a header and a receipt of its own', () =>
    withRig(async (rig, provider) => {
      const text = `${'longer and longer 🧿 '.repeat(12)}end`;
      const envelope = rig.envelope(peer, text);
      const outcome = await rig.send(envelope);
      const sent = provider.asked.slice(1).map((asked) => octetsOf(asked));
      expect(outcome).toEqual({ outcome: 'sent', parts: sent.map(() => ({})) });
      expect(sent.length).toBeGreaterThan(2);
      expect(sent.map(shown).join('')).toBe(text);
      const references = sent.map((said, part) => {
        const header = parseHeader(said.get('udh') ?? Buffer.alloc(0));
        const concatenation = 'elements' in header ? header.concatenation : undefined;
        expect(concatenation).toMatchObject({ size: 8, of: sent.length, number: part + 1 });
        expect(said.get('dlr-mask')?.toString()).toBe('31');
        expect(said.get('dlr-url')?.toString()).toContain(
          `type=%d&answer=%A&part=${wireIdOf(envelope.id, part)}`,
        );
        return concatenation?.reference;
      });
      expect(new Set(references).size).toBe(1);
    }));

  it('tells of a text of which only the first parts went what became of each', () =>
    withRig(async (rig, provider) => {
      provider.next.push(
        { status: 202, body: '3: Queued for later delivery' },
        { status: 503, body: 'Temporal failure, try again later.' },
      );
      const envelope = rig.envelope(peer, 'to be cut '.repeat(40));
      expect(await rig.send(envelope)).toMatchObject({ outcome: 'sent' });
      expect(provider.asked).toHaveLength(3);
      expect(rig.house.receipts().map(({ about, state }) => ({ about, state }))).toEqual(
        [1, 2].map((part) => ({ about: { wireId: wireIdOf(envelope.id, part) }, state: 'failed' })),
      );
    }));

  it('brings texts in the octets of their charset', () =>
    withRig(async (rig) => {
      const from = `from=${encodeURIComponent(peer)}&to=12345`;
      const calls = [
        `${from}&text=${utf16('щи 👩‍👧')}&coding=2&charset=UTF-16BE`,
        `${from}&text=${utf16('no charset')}&coding=2&charset=`,
        `${from}&text=gr%C3%BC%C3%9Fe+1%2B1&coding=0&charset=UTF-8`,
        `${from}&text=gr%FC%DFe+%80&coding=0&charset=WINDOWS-1252`,
        `${from}&text=gr%FC%DFe&coding=0&charset=nothing-known`,
        `${from}&text=%00%01%02&coding=1&charset=binary`,
      ];
      for (const query of calls)
        expect(rig.call(call(rig.address, query))).toMatchObject({ status: 200, body: '' });
      expect(await rig.handOver()).toBe('taken');
      expect(rig.house.heard().map(({ content }) => content.text)).toEqual([
        'щи 👩‍👧',
        'no charset',
        'grüße 1+1',
        'grüße €',
        'grüße',
        '[3 bytes of data that is no text]',
      ]);
    }));

  it('brings parts that belong together as one text, a character torn between two among them', () =>
    withRig(async (rig) => {
      const octets = Buffer.from('left 🧿 right', 'utf16le').swap16();
      const halves = [octets.subarray(0, 12), octets.subarray(12)];
      for (const [n, half] of [...halves.entries()].reverse()) {
        const udh = escaped(Buffer.from([5, 0, 3, 77, 2, n + 1]));
        const query = `from=${encodeURIComponent(peer)}&to=12345&text=${escaped(half)}&coding=2&charset=UTF-16BE&udh=${udh}&id=p${String(n)}`;
        expect(rig.call(call(rig.address, query)).status).toBe(200);
      }
      expect(await rig.handOver()).toBe('taken');
      expect(rig.house.heard().map(({ content }) => content.text)).toEqual(['left 🧿 right']);
    }));

  it.each([
    [8, 'sent'],
    [16, 'failed'],
    [1, 'delivered'],
    [2, 'failed'],
    [4, undefined],
  ])('says %i of a text, which is %s', (type, state) =>
    withRig(async (rig) => {
      const part = wireIdOf(rig.envelope(peer, 'x').id, 0);
      rig.call(call(rig.address, `type=${String(type)}&answer=NACK%2F11%2FInvalid&part=${part}`));
      expect(await rig.handOver()).toBe('taken');
      expect(rig.house.receipts().map((receipt) => receipt.state)).toEqual(
        state === undefined ? [] : [state],
      );
    }),
  );

  it.each([
    ['', 422],
    ['from=1&to=', 422],
    ['type=1&part=not-ours', 422],
    ['type=x&part=', 422],
    ['a=1&'.repeat(5_000), 400],
  ])('is told that %.20s says nothing', (query, status) =>
    withRig((rig) => {
      expect(rig.call(call(rig.address, query)).status).toBe(status);
      return Promise.resolve();
    }),
  );
});
