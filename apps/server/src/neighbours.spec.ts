import { expect, it } from '@jest/globals';
import { LoopbackServer } from '#connectors/loopback';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

it.each<[string, (network: LoopbackServer) => void, string | undefined]>([
  [
    'speaks garbage',
    (network) => {
      network.raw('this is no frame\n');
    },
    'protocol-violation',
  ],
  [
    'floods',
    (network) => {
      for (let one = 0; one < 5_000; one++) network.say('mallory', 'bob', `flood ${String(one)}`);
    },
    undefined,
  ],
  [
    'falls silent',
    (network) => {
      network.pause();
    },
    undefined,
  ],
  [
    'goes away',
    (network) => {
      void network.stop();
    },
    'network-unreachable',
  ],
])(
  'a network that %s hurts nobody else',
  async (_, harm, code) => {
    await using loop = await Loop.open();
    await using bad = await LoopbackServer.start();
    const { id } = await loop.ask<{ id: string }>('POST', '/v1/accounts', {
      connector: 'loopback',
      label: 'Bad',
      settings: { host: '127.0.0.1', port: bad.port, name: 'bob', backoffMs: 400, backoffMaxMs: 1_000 },
    });
    const session = async () =>
      (await loop.ask<{ session: { state: string; code?: string } }>('GET', `/v1/accounts/${id}`)).session;
    await eventually('the bad network is online', async () => (await session()).state === 'online');
    const good = await loop.with('carol');
    harm(bad);
    if (code !== undefined)
      await eventually(`its state says ${code}`, async () => (await session()).code === code);
    const began = Date.now();
    await loop.fate(await loop.send(good, 'as ever'), 'sent');
    loop.network.say('carol', 'alice', 'and back');
    await eventually('the good one is heard', async () =>
      (await loop.messages(good)).some(({ text }) => text === 'and back'),
    );
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await loop.ask('GET', `/v1/accounts/${loop.account}`)).toMatchObject({
      session: { state: 'online' },
    });
  },
  60_000,
);
