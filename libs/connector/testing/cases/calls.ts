import { expect } from '@jest/globals';
import { can, type CallName, type InboundCall, type PlacesCalls } from '#connector';
import { newId, type CallState } from '#model';
import type { Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';

function exchange({ session }: Rig): PlacesCalls {
  if (!can(session, 'places-calls')) throw new Error('places-calls is declared and not there');
  return session;
}

/** What was told of calls with somebody, in order. */
function callsWith(rig: Rig, address: string): readonly InboundCall[] {
  return rig.context.storage.stored.filter(
    (event): event is InboundCall => event.type === 'call' && event.party.address === address,
  );
}

/** Waits until a call stands so, as it was told last. */
async function untilCall(rig: Rig, call: CallName, state: CallState): Promise<InboundCall> {
  return await rig.until(`the call is ${state}`, () => {
    const told = rig.context.storage.stored.filter(
      (event): event is InboundCall =>
        event.type === 'call' && JSON.stringify(event.call) === JSON.stringify(call),
    );
    const last = told.at(-1);
    return last?.state === state ? last : undefined;
  });
}

/** Somebody calls our person, and it is told. */
async function rings(rig: Rig, observer: Observer): Promise<CallName> {
  await observer.ring?.(rig.address);
  const told = await rig.until('it rings', () => callsWith(rig, observer.address).at(-1));
  expect(told).toMatchObject({ direction: 'in', state: 'ringing', account: rig.account });
  expect('remoteId' in told.call).toBe(true);
  return told.call;
}

export const calls: readonly Case[] = [
  {
    id: 'rung',
    sentence: 'tells who calls, and that it was missed when they give up (law 6)',
    needs: [{ act: 'calls' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const call = await rings(rig, observer);
      await observer.hangUp?.();
      await untilCall(rig, call, 'missed');
      // The next one is another call.
      const next = await rings(rig, await bench.observer());
      expect(next).not.toEqual(call);
    },
  },
  {
    id: 'declines',
    sentence: 'declines a call that rings, and knows no other (abilities, places-calls)',
    needs: [{ ability: 'places-calls' }, { act: 'calls' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const call = await rings(rig, observer);
      expect(await exchange(rig).endCall(rig.account, call)).toEqual({ outcome: 'ending' });
      await untilCall(rig, call, 'declined');
      await rig.until('the caller knows', () => observer.phone?.() === 'idle');
      const nothing = { outcome: 'refused', failure: { code: 'not-found' } };
      expect(await exchange(rig).endCall(rig.account, call)).toMatchObject(nothing);
      const none: CallName = { placed: newId<'CallId'>() };
      expect(await exchange(rig).endCall(rig.account, none)).toMatchObject(nothing);
    },
  },
  {
    id: 'places-calls',
    sentence:
      'calls our person’s phone, then theirs, tells how both stand, and hangs up (abilities, places-calls)',
    needs: [{ ability: 'places-calls' }, { act: 'calls' }],
    async run(bench) {
      const [mine, theirs] = [await bench.observer(), await bench.observer()];
      const rig = await bench.rig();
      const call = newId<'CallId'>();
      const order = { call, from: mine.address, to: theirs.address };
      expect(await exchange(rig).placeCall(rig.account, order)).toEqual({ outcome: 'placed' });
      await rig.until('my phone rings', () => mine.phone?.() === 'ringing');
      expect(theirs.phone?.()).toBe('idle');
      // The same order is the same call.
      expect(await exchange(rig).placeCall(rig.account, order)).toEqual({ outcome: 'placed' });
      await mine.pickUp?.();
      await rig.until('theirs rings', () => theirs.phone?.() === 'ringing');
      await theirs.pickUp?.();
      const answered = await untilCall(rig, { placed: call }, 'answered');
      expect(answered).toMatchObject({
        direction: 'out',
        party: { address: theirs.address },
        legs: { mine: 'answered', theirs: 'answered' },
      });
      await rig.until('both speak', () => mine.phone?.() === 'answered' && theirs.phone?.() === 'answered');
      expect(await exchange(rig).endCall(rig.account, { placed: call })).toEqual({ outcome: 'ending' });
      await untilCall(rig, { placed: call }, 'ended');
      await rig.until('both phones are down', () => mine.phone?.() === 'idle' && theirs.phone?.() === 'idle');
    },
  },
  {
    id: 'places-calls-in-vain',
    sentence: 'tells that they do not want to speak, and that nobody is there to place a call (law 6)',
    needs: [{ ability: 'places-calls' }, { act: 'calls' }],
    async run(bench) {
      const [mine, theirs] = [await bench.observer(), await bench.observer()];
      const rig = await bench.rig();
      const call = newId<'CallId'>();
      await exchange(rig).placeCall(rig.account, { call, from: mine.address, to: theirs.address });
      await rig.until('my phone rings', () => mine.phone?.() === 'ringing');
      await mine.pickUp?.();
      await rig.until('theirs rings', () => theirs.phone?.() === 'ringing');
      await theirs.hangUp?.();
      await untilCall(rig, { placed: call }, 'declined');
      await rig.until('my phone is down', () => mine.phone?.() === 'idle');
      const away = await bench.rig({ online: false });
      const order = { call: newId<'CallId'>(), from: mine.address, to: theirs.address };
      expect(await exchange(away).placeCall(away.account, order)).toMatchObject({ outcome: 'refused' });
    },
  },
];
