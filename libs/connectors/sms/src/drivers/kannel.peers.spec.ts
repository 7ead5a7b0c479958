import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { wireIdOf } from '#connector';
import { ownNumber, ProviderRig } from '#connectors/sms/testing';
import {
  describeWithPeers,
  eventually,
  Kannel,
  kannelInbound,
  kannelPeers,
  openWebDesk,
  type WebDesk,
} from '#peers';

const peer = '+12025550123';
const escaped = (octets: Buffer) =>
  [...octets].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');

describeWithPeers('the driver for Kannel, with Kannel', kannelPeers, () => {
  let desk: WebDesk;
  let kannel: Kannel;
  let rig: ProviderRig;
  let called = 0;
  beforeAll(async () => {
    desk = await openWebDesk();
    kannel = await Kannel.start({ inbound: kannelInbound(`${desk.url}/in`) });
    const settings = { url: kannel.url, username: kannel.username, smsc: Kannel.phones };
    rig = new ProviderRig(
      { driver: 'kannel', numbers: [ownNumber, '12345'], kannel: settings },
      { password: kannel.password },
    );
    Object.assign(rig.house, { ingressUrl: () => `${desk.url}/in` });
    await rig.state('online');
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await kannel[Symbol.asyncDispose]();
    await desk[Symbol.asyncDispose]();
  });

  /** Passes on all that Kannel has called with since. */
  const handOver = async (): Promise<void> => {
    for (const { path, query } of desk.told.slice(called)) {
      called++;
      const pairs = Object.entries(query).map(([name, octets]) => `${name}=${escaped(octets)}`);
      expect(rig.call({ method: 'GET', url: `${desk.url}${path}?${pairs.join('&')}` }).status).toBe(200);
    }
    await rig.handOver();
  };

  it('is let in with its password and not without', async () => {
    const settings = { url: kannel.url, username: kannel.username };
    await using stranger = new ProviderRig(
      { driver: 'kannel', numbers: [ownNumber], kannel: settings },
      { password: 'a guess' },
    );
    await stranger.state('needs-person');
    expect(stranger.house.stateOf()).toMatchObject({ code: 'auth-failed' });
  });

  it.each([
    ['a word', 'hello', 1],
    ['what GSM has', 'Grüße, 5 € {x}', 1],
    ['what only Unicode has', 'щи 🧿', 1],
    ['a text in parts', 'long and longer 🧿 '.repeat(10), 3],
  ])('brings %s to the phone whole, and tells what became of each part', async (_, text, parts) => {
    const before = kannel.heard.length;
    const envelope = rig.envelope(peer, text);
    const outcome = await rig.send(envelope);
    expect(outcome).toEqual({ outcome: 'sent', parts: Array.from({ length: parts }, () => ({})) });
    await eventually('the phone has it', () => kannel.heard.length === before + parts);
    const said = kannel.heard.slice(before).map(({ coding, octets, udh }) =>
      // With a header, the line protocol of its phones does not say the coding.
      coding === 'ucs-2' || udh.length > 0
        ? Buffer.from(octets).swap16().toString('utf16le')
        : octets.toString('utf8'),
    );
    expect(said.join('')).toBe(text);
    for (let part = 0; part < parts; part++) {
      const wireId = wireIdOf(envelope.id, part);
      await eventually(`part ${String(part)} is told to be delivered`, async () => {
        await handOver();
        return rig.house
          .receipts()
          .some(({ about, state }) => state === 'delivered' && 'wireId' in about && about.wireId === wireId);
      });
    }
  });

  it('brings what a phone writes to the number that it wrote to', async () => {
    kannel.say(peer, '12345', 'plain words');
    await eventually('it is heard', async () => {
      await handOver();
      return rig.house.heard().length > 0;
    });
    expect(rig.house.heard()).toMatchObject([
      { conversation: `${peer}/12345`, content: { text: 'plain words' } },
    ]);
  });
});
