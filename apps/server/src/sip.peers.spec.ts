/*
 * The main job on a SIP server that is not ours, with phones that are not ours: a person adds an account over the API,
 * writes and is written to; an admin joins the server to a trunk, and whoever is under the trunk's domain is reached.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  describeWithPeers,
  eventually,
  freeSipPort,
  Kamailio,
  kamailioPeers,
  playSipp,
  Sipp,
  sippPeers,
} from '#peers';
import { House } from '../testing/house.js';

interface Shape {
  readonly id: string;
  readonly text: string;
  readonly author: { readonly address: string } | null;
  readonly envelopes: readonly {
    readonly state: string;
    readonly failure: { readonly code: string } | null;
  }[];
}

const ours = 'example.org';

describeWithPeers('a person with SIP accounts on Kamailio', [...kamailioPeers, ...sippPeers], () => {
  let server: Kamailio;
  let house: House;
  let trunkPort: number;
  let account: string;
  /** On a trunk. */
  let office: string;

  beforeAll(async () => {
    trunkPort = await freeSipPort();
    server = await Kamailio.start({
      asksForMessages: false,
      trunks: [{ domain: ours, port: trunkPort, transport: 'udp' }],
    });
    await server.createAccount('alice', 'alice secret');
    await server.createAccount('bob', 'bob secret');
    house = await House.open();
    account = await add({
      connector: 'sip',
      label: 'Work',
      settings: { address: `alice@${server.domain}`, host: server.host, port: server.port, transport: 'tcp' },
      secrets: { password: 'alice secret' },
    });
  }, 120_000);
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const add = async (body: object): Promise<string> => {
    const { id } = await house.ask<{ id: string }>('POST', '/v1/accounts', body);
    await eventually(
      'the account is online',
      async () =>
        (await house.ask<{ session: { state: string } }>('GET', `/v1/accounts/${id}`)).session.state ===
        'online',
      30_000,
    );
    return id;
  };
  const send = async (from: string, address: string, text: string): Promise<string> => {
    const { results } = await house.ask<{ results: readonly { readonly message: Shape }[] }>(
      'POST',
      '/v1/messages',
      {
        to: [{ account: from, address }],
        text,
      },
    );
    return results[0]?.message.id ?? '';
  };
  const envelope = async (message: string) =>
    (await house.ask<Shape>('GET', `/v1/messages/${message}`)).envelopes[0];
  const told = async (address: string): Promise<readonly Shape[]> => {
    const { items } = await house.ask<{ items: { id: string; address: string }[] }>(
      'GET',
      '/v1/conversations?limit=200',
    );
    const found = items.find((one) => one.address === address);
    if (found === undefined) return [];
    return (await house.ask<{ items: Shape[] }>('GET', `/v1/conversations/${found.id}/messages?limit=200`))
      .items;
  };

  it('is told what phones say, and what became of what was said to them', async () => {
    await using phone = await Sipp.start('answer-messages', { words: { answer: '200 OK' }, calls: 'any' });
    const carol = `peer${String(phone.port)}@${server.domain}`;
    const message = await send(account, carol, 'hello carol');
    await eventually('it is sent', async () => (await envelope(message))?.state === 'sent');
    expect(await phone.messages()).toContain('hello carol');
    const said = await playSipp('message', {
      to: server,
      words: { from: `bob@${server.domain}`, to: `alice@${server.domain}` },
      fields: [['hello alice']],
    });
    expect(said).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
    await eventually('it is here', async () => (await told(`bob@${server.domain}`)).length === 1);
    const nobody = await send(account, `nobody@${server.domain}`, 'is anybody there?');
    await eventually('it has failed', async () => (await envelope(nobody))?.state === 'failed');
    expect((await envelope(nobody))?.failure?.code).toBe('not-found');
  });

  it('is reached at the domain of a trunk, by everybody on the server that is joined to it', async () => {
    const link = await house.ask<{ id: string }>('POST', '/v1/links', {
      connector: 'sip',
      label: 'Trunk',
      settings: {
        mode: 'trunk',
        trunk: {
          domains: [ours],
          listen: [{ transport: 'udp', host: '127.0.0.1', port: trunkPort }],
          peers: [
            {
              name: 'kamailio',
              host: server.host,
              port: server.port,
              domains: [server.domain],
              addresses: ['127.0.0.1'],
            },
          ],
        },
      },
    });
    office = await add({ link: link.id, label: 'Office', localAddress: `office@${ours}` });
    const said = await playSipp('message', {
      to: server,
      words: { from: `bob@${server.domain}`, to: `office@${ours}` },
      fields: [['to the office']],
    });
    expect(said).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
    const lost = await playSipp('message', {
      to: server,
      words: { from: `bob@${server.domain}`, to: `nobody@${ours}` },
      fields: [['to nobody']],
    });
    expect(lost.complaints).toContain('404');
    await send(office, `alice@${server.domain}`, 'from the office');
    await eventually('it is there', async () =>
      (await told(`office@${ours}`)).some(({ text }) => text === 'from the office'),
    );
  });

  it('sees on the trunk who asks to see them, and lets them in', async () => {
    interface Entry {
      readonly address: string;
      readonly asks: boolean;
      readonly answer?: string;
    }
    const roster = `/v1/accounts/${office}/roster`;
    const bob = `bob@${server.domain}`;
    const entry = async (): Promise<Entry | undefined> =>
      (await house.ask<{ items: readonly Entry[] }>('GET', roster)).items.find(
        ({ address }) => address === bob,
      );
    await using watcher = await Sipp.start('watch', {
      to: server,
      as: { user: 'bob', password: 'bob secret' },
      words: { from: bob, to: `office@${ours}` },
    });
    await eventually('bob asks', async () => (await entry())?.asks === true);
    await house.ask('POST', `${roster}/${bob}/approve`);
    expect(await watcher.ended()).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
    await eventually('bob asks no more', async () => (await entry())?.asks !== true);
  });

  it('shows on one account what another shows, as the person says how they are', async () => {
    const alice = `alice@${server.domain}`;
    await house.ask('PUT', `/v1/accounts/${office}/roster/${alice}`, {});
    await house.ask('PUT', '/v1/presence', { presence: 'busy', note: 'in a meeting' });
    const shown = async () =>
      (
        await house.ask<{ items: readonly { address: string; presence: object }[] }>(
          'GET',
          `/v1/accounts/${office}/roster`,
        )
      ).items.find(({ address }) => address === alice)?.presence;
    await eventually('alice is busy', async () => {
      const seen = await shown();
      return seen !== undefined && 'presence' in seen && seen.presence === 'busy' ? seen : undefined;
    });
    expect(await shown()).toMatchObject({ note: 'in a meeting' });
  });
});
