import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import { usualTimings } from './timings.js';
import { findWayIn, type WayIn } from './way-in.js';
import { jidOf } from './xmpp.addresses.js';
import { readSettings } from './xmpp.settings.js';

const servers: Server[] = [];
const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>`;

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers every stream with the same text; it counts who comes. */
async function serve(text: (port: number) => string): Promise<{ port: number; calls: () => number }> {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(header + text((server.address() as AddressInfo).port)));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as AddressInfo).port, calls: () => calls };
}

async function enter(port: number): Promise<{ way: WayIn; house: TestContext }> {
  const house = new TestContext();
  const jid = jidOf('alice@example.org');
  if (jid === undefined) throw new Error('no address');
  const way = await findWayIn({
    context: house,
    settings: readSettings({ jid: 'alice@example.org', host: 'xmpp.example.org', port, security: 'none' }),
    jid,
    credentials: { password: 'secret' },
    timings: { ...usualTimings, connect: 2_000, negotiate: 2_000, close: 200 },
    signal: new AbortController().signal,
  });
  return { way, house };
}

const elsewhere = (place: string): string =>
  `<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${place}</see-other-host></stream:error></stream:stream>`;
const failed = ({ way }: { way: WayIn }): unknown => way.way === 'none' && way.failure.code;

it('goes where the server sends it, by a turn of its own', async () => {
  const there = await serve(() => `<stream:features/>`);
  const here = await serve(() => elsewhere(`other.example.org:${String(there.port)}`));
  const entered = await enter(here.port);
  expect(entered.house.turns).toEqual(['xmpp.example.org', 'other.example.org']);
  expect([here.calls(), there.calls()]).toEqual([1, 1]);
  expect(failed(entered)).toBe('auth-method');
});

it('is not sent round in circles', async () => {
  const here = await serve((port) => elsewhere(`127.0.0.1:${String(port)}`));
  const entered = await enter(here.port);
  expect(failed(entered)).toBe('network-unreachable');
  expect(here.calls()).toBe(4);
});

it('goes nowhere where it may not be sent', async () => {
  const there = await serve(() => `<stream:features/>`);
  const here = await serve(() => elsewhere('nowhere at all'));
  const entered = await enter(here.port);
  expect(failed(entered)).toBe('network-unreachable');
  expect([here.calls(), there.calls()]).toEqual([1, 0]);
});
