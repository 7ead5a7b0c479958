/* Calls on a trunk: those that a peer makes with SIPp, and those between two plain phones of an exchange that is a peer. */
import { afterEach, expect, it } from '@jest/globals';
import { can, type InboundCall, type PlacesCalls } from '#connector';
import { newId, type CallState } from '#model';
import {
  describeWithPeers,
  eventually,
  freeSipPort,
  playSipp,
  SipExchange,
  SipPhone,
  sippPeers,
} from '#peers';
import { domain, trunk, type Trunk } from '../trunk.fixture.js';

const address = `alice@${domain}`;

const told = ({ house }: Trunk): readonly InboundCall[] =>
  house.storage.stored.filter((event): event is InboundCall => event.type === 'call');
const untilTold = (at: Trunk, state: CallState): Promise<InboundCall> =>
  eventually(`a call is ${state}`, () => {
    const last = told(at).at(-1);
    return last?.state === state ? last : undefined;
  });
const lines = ({ session }: Trunk): PlacesCalls => {
  if (!can(session, 'places-calls')) throw new Error('SIP places calls');
  return session;
};

describeWithPeers('calls from a peer of a trunk', sippPeers, () => {
  it.each([
    ['SIP;cause=200;text="Call completed elsewhere"', 'answered-elsewhere'],
    ['SIP;cause=487', 'missed'],
  ] as const)('ring, and with %s are %s', async (reason, state) => {
    const here = await trunk([{ name: 'exchange', domains: ['example.com'], addresses: ['127.0.0.1'] }]);
    const words = { from: 'carol@example.com', to: address, reason, session: 'v=0' };
    expect(await playSipp('call', { to: here, words })).toMatchObject({ succeeded: 1, failed: 0 });
    await untilTold(here, state);
    const [ringing, over] = told(here);
    expect(ringing).toMatchObject({ state: 'ringing', direction: 'in', conversation: words.from });
    expect(over).toMatchObject({ call: ringing?.call, party: { address: words.from } });
  });

  it('do not ring for somebody whom the peer may not speak for, nor at nobody', async () => {
    const here = await trunk([{ name: 'exchange', domains: ['example.com'], addresses: ['127.0.0.1'] }]);
    const words = { from: 'carol@example.com', to: address, reason: 'SIP;cause=487', session: 'v=0' };
    for (const other of [{ from: 'carol@example.net' }, { to: `nobody@${domain}` }, { from: address }]) {
      const call = await playSipp('call', { to: here, words: { ...words, ...other } });
      expect(call).toMatchObject({ succeeded: 0, failed: 1 });
    }
    expect(told(here)).toEqual([]);
  });
});

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A trunk, and an exchange with two phones that is joined to it. */
async function joined(): Promise<{ here: Trunk; mine: SipPhone; theirs: SipPhone }> {
  const [exchange, port] = [
    await SipExchange.open('example.com', await freeSipPort()),
    await freeSipPort(),
  ] as const;
  exchange.join(address, port);
  const phone = (user: string): Promise<SipPhone> =>
    SipPhone.open({ port: exchange.port, domain: exchange.domain, user, password: '' });
  const [mine, theirs] = [await phone('mine'), await phone('theirs')];
  open.push(mine, theirs, exchange);
  const peer = { name: 'exchange', host: exchange.host, port: exchange.port, transport: 'tcp' };
  const here = await trunk([{ ...peer, domains: [exchange.domain], addresses: ['127.0.0.1'] }], {
    port,
    transport: 'tcp',
  });
  return { here, mine, theirs };
}

it('places a call between two phones of a peer, and hangs both up', async () => {
  const { here, mine, theirs } = await joined();
  const call = newId<'CallId'>();
  const order = { call, from: mine.address, to: theirs.address };
  expect(await lines(here).placeCall(here.account, order)).toEqual({ outcome: 'placed' });
  await eventually('mine rings', () => mine.phone === 'ringing');
  mine.pickUp();
  await eventually('theirs rings', () => theirs.phone === 'ringing');
  theirs.pickUp();
  expect(await untilTold(here, 'answered')).toMatchObject({
    call: { placed: call },
    direction: 'out',
    party: { address: theirs.address },
    legs: { mine: 'answered', theirs: 'answered' },
  });
  expect(await lines(here).endCall(here.account, { placed: call })).toEqual({ outcome: 'ending' });
  await untilTold(here, 'ended');
  await eventually('both are down', () => mine.phone === 'idle' && theirs.phone === 'idle');
});

it('calls nobody whom no peer reaches, and rings no phone for it that it need not', async () => {
  const { here, mine } = await joined();
  const call = newId<'CallId'>();
  const order = { call, from: 'mine@example.net', to: mine.address };
  expect(await lines(here).placeCall(here.account, order)).toEqual({ outcome: 'placed' });
  expect(await untilTold(here, 'failed')).toMatchObject({ call: { placed: call } });
  expect(mine.phone).toBe('idle');
});
