/* Calls through a server and with phones that are not ours, each side as its scenario is written. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { can, type InboundCall, type PlacesCalls } from '#connector';
import { Rigs, type Rig } from '#connectors/sip/testing';
import { newId, type CallState } from '#model';
import { describeWithPeers, eventually, Kamailio, kamailioPeers, playSipp, Sipp, sippPeers } from '#peers';

describeWithPeers('calls through Kamailio with SIPp', [...kamailioPeers, ...sippPeers], () => {
  let server: Kamailio;
  let rigs: Rigs;
  let alice: Rig;
  beforeAll(async () => {
    server = await Kamailio.start();
    rigs = new Rigs();
    alice = await rigs.begin({ server });
    await alice.until('online');
  });
  afterAll(async () => {
    await rigs[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const told = (): readonly InboundCall[] =>
    alice.house.storage.stored.filter((event): event is InboundCall => event.type === 'call');
  const untilTold = (state: CallState): Promise<InboundCall> =>
    eventually(`a call is ${state}`, () => {
      const last = told().at(-1);
      return last?.state === state ? last : undefined;
    });
  const lines = (): PlacesCalls => {
    if (!can(alice.session, 'places-calls')) throw new Error('SIP places calls');
    return alice.session;
  };
  const place = async (mine: Sipp, theirs: Sipp) => {
    const call = newId<'CallId'>();
    const at = ({ port }: Sipp): string => `peer${String(port)}@${server.domain}`;
    const order = { call, from: at(mine), to: at(theirs) };
    expect(await lines().placeCall(alice.account, order)).toEqual({ outcome: 'placed' });
    return { placed: call };
  };
  const well = { succeeded: 1, failed: 0, complaints: '' };

  it.each([
    ['SIP;cause=200;text="Call completed elsewhere"', 'answered-elsewhere', 'v=0'],
    ['SIP;cause=603', 'declined', 'm=audio\t\u0001 -1 \u00ff'],
    ['SIP;cause=487', 'missed', 'x'.repeat(3_000)],
  ] as const)('ring, and with %s are %s, whatever they bring', async (reason, state, session) => {
    const from = 'carol@elsewhere.example';
    const words = { from, to: alice.address, reason, session };
    expect(await playSipp('call', { to: server, words })).toMatchObject(well);
    expect(await untilTold(state)).toMatchObject({ direction: 'in', party: { address: from } });
  });

  it('are placed between two phones, each hears what the other said, and both are hung up', async () => {
    await using mine = await Sipp.start('phone', { words: { name: 'mine' } });
    await using theirs = await Sipp.start('phone', { words: { name: 'theirs' } });
    const call = await place(mine, theirs);
    expect(await untilTold('answered')).toMatchObject({
      call,
      legs: { mine: 'answered', theirs: 'answered' },
    });
    await eventually('mine has heard of theirs', async () => (await mine.messages()).includes('o=theirs'));
    expect(await lines().endCall(alice.account, call)).toEqual({ outcome: 'ending' });
    await untilTold('ended');
    expect(await mine.ended()).toMatchObject(well);
    expect(await theirs.ended()).toMatchObject(well);
    const [invite] = (await theirs.ended()).messages.split('ACK sip:');
    expect(invite).toContain('o=mine');
  });

  it.each([
    ['486 Busy Here', 'busy'],
    ['603 Decline', 'declined'],
    ['480 Temporarily Unavailable', 'failed'],
  ] as const)('and refused with %s are %s, and mine is hung up', async (answer, state) => {
    await using mine = await Sipp.start('phone', { words: { name: 'mine' } });
    await using theirs = await Sipp.start('phone-refuses', { words: { answer } });
    const call = await place(mine, theirs);
    expect(await untilTold(state)).toMatchObject({ call });
    expect(await mine.ended()).toMatchObject(well);
    expect(await theirs.ended()).toMatchObject(well);
  });
});
