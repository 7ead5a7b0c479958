/* Two trunks with a network between them that loses every third datagram, as seeds have it. */
import { createSocket } from 'node:dgram';
import { expect, it } from '@jest/globals';
import { eventually, freeSipPort } from '#peers';
import { trunk, type Trunk } from './trunk.fixture.js';

/** A way between two UDP ports that loses datagrams: which ones, the seed says. */
async function lossyWay(to: number, seed: number): Promise<AsyncDisposable & { readonly port: number }> {
  let state = seed;
  const isLost = (): boolean => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < 1 / 3;
  };
  const [near, far] = [createSocket('udp4'), createSocket('udp4')];
  let from: number | undefined;
  await Promise.all(
    [near, far].map((socket) => new Promise<void>((done) => socket.bind(0, '127.0.0.1', done))),
  );
  near.on('message', (datagram, { port }) => {
    from = port;
    if (!isLost()) far.send(datagram, to, '127.0.0.1');
  });
  far.on('message', (datagram) => {
    if (from !== undefined && !isLost()) near.send(datagram, from, '127.0.0.1');
  });
  return {
    port: near.address().port,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([near, far].map((socket) => new Promise<void>((done) => socket.close(done))));
    },
  };
}

async function pair(seed: number): Promise<AsyncDisposable & { readonly alice: Trunk; readonly bob: Trunk }> {
  const port = await freeSipPort();
  const way = await lossyWay(port, seed);
  const listener = { name: 'alice', domains: ['example.org'], addresses: ['127.0.0.1'], rate: 10_000 };
  const bob = await trunk([listener], { port, domain: 'example.com', user: 'bob' });
  const speaker = { name: 'bob', host: '127.0.0.1', port: way.port, domains: ['example.com'], rate: 10_000 };
  const alice = await trunk([speaker]);
  return { alice, bob, [Symbol.asyncDispose]: () => way[Symbol.asyncDispose]() };
}

it.each([1, 2, 3])('loses and doubles nothing that it calls sent, by seed %i', async (seed) => {
  await using between = await pair(seed);
  const { alice, bob } = between;
  const texts = Array.from({ length: 60 }, (_, number) => `text ${String(number)}`);
  const outcomes = await Promise.all(texts.map((text) => alice.send('bob@example.com', text)));
  const heard = (): readonly string[] => bob.house.heard().map(({ content }) => content.text);
  const sent = texts.filter((_, at) => outcomes[at]?.outcome === 'sent');
  await eventually('all that was sent is heard', () => sent.every((text) => heard().includes(text)));
  expect(new Set(heard()).size).toBe(heard().length);
  expect(outcomes.every(({ outcome }) => outcome === 'sent' || outcome === 'unknown')).toBe(true);
  expect(sent.length).toBeGreaterThan(50);
});
