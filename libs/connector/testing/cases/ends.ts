import { expect } from '@jest/globals';
import { newId, type AccountId } from '#model';
import { accountOf, type Rig } from '../bench.js';
import type { Case } from '../cases.js';
import { within } from '../until.js';
import { expectLeft, heardBy } from './talks.js';

/** Longer than the five seconds that an orderly end may take. */
const closeMs = 6_000;

/** Closes, and looks that it ends in time and that nothing connects afterwards. */
async function closes(rig: Rig): Promise<void> {
  const closed = await within(
    closeMs,
    rig.close().then(() => true),
  );
  expect(closed).toBe(true);
  const { connects } = rig.proxy;
  await rig.quiet();
  expect(rig.proxy.connects).toBe(connects);
}

export const ends: readonly Case[] = [
  {
    id: 'close',
    sentence:
      'ends in an orderly way: what is in flight settles, then it is offline and touches nothing (§8, MUST NOT)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const flying = Array.from({ length: 5 }, (_, i) =>
        rig.session.send(
          rig.envelope(observer.address, `${mark} ${String(i)}`),
          new AbortController().signal,
        ),
      );
      await closes(rig);
      for (const outcome of await Promise.all(flying)) expectLeft(outcome);
      expect(rig.context.stateOf()).toEqual({ state: 'offline' });
      await rig.until('the socket is closed', () => rig.proxy.open === 0);
      await rig.until('all arrived', () => observer.heard().length === 5);
      rig.session.connect();
      rig.session.attach(accountOf(newId<'AccountId'>(), undefined, []));
      await rig.session.detach(rig.account);
      await rig.session.close('shutdown');
      const { outcome } = await rig.session.send(
        rig.envelope(observer.address, mark),
        new AbortController().signal,
      );
      expect(['later', 'refused', 'unknown']).toContain(outcome);
      await observer.say(rig.address, `${mark} too late`);
      await rig.wait(bench.timing.quietMs);
      expect(rig.proxy.open).toBe(0);
    },
  },
  {
    id: 'close-unconnected',
    sentence:
      'ends before it was connected, while it waits its turn, while it connects, and while it backs off (§8)',
    async run(bench) {
      const idle = await bench.rig({ online: false });
      await closes(idle);

      const waiting = await bench.rig({ online: false });
      waiting.context.turnsAre = 'waiting';
      waiting.session.connect();
      await waiting.until('it asks for a turn', () => waiting.context.turns.length > 0);
      await closes(waiting);
      waiting.context.closeTurns();
      await waiting.wait(20);
      expect(waiting.proxy.connects).toBe(0);

      const connecting = await bench.rig({ online: false });
      connecting.proxy.swallow(true);
      connecting.session.connect();
      await connecting.until('it connects', () => connecting.proxy.connects > 0);
      await closes(connecting);

      const backing = await bench.rig({ online: false });
      await backing.proxy.deafen();
      backing.session.connect();
      await backing.untilState('backing-off');
      await closes(backing);
    },
  },
  {
    id: 'detach',
    sentence: 'takes an account off the link: it is offline, and nothing is sent for it (§8, detach)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const flying = rig.session.send(
        rig.envelope(observer.address, `${mark} last words`),
        new AbortController().signal,
      );
      await rig.session.detach(rig.account);
      expectLeft(await flying);
      expect(rig.context.stateOf(rig.account)).toEqual({ state: 'offline' });
      const { outcome } = await rig.session.send(
        rig.envelope(observer.address, mark),
        new AbortController().signal,
      );
      expect(['later', 'refused']).toContain(outcome);
      await heardBy(bench, observer, rig, mark);
    },
  },
  {
    id: 'detach-other',
    sentence:
      'keeps the other accounts of a shared link going when one leaves, each with its own messages (law 9)',
    needs: [{ act: 'shared-link' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const second = await bench.network.second?.(rig.login);
      if (!second) throw new Error('the harness declares shared-link');
      const other: AccountId = newId<'AccountId'>();
      rig.session.attach(accountOf(other, second.localAddress, []));
      await rig.untilState('online', other);
      const mark = bench.mark();
      await observer.say(rig.address, `${mark} to one`);
      await observer.say(second.address, `${mark} to the other`);
      await rig.until('both are heard', () => rig.heard(mark).length === 2);
      const byAccount = new Map(rig.context.heard().map(({ account, content }) => [account, content.text]));
      expect(byAccount.get(rig.account)).toBe(`${mark} to one`);
      expect(byAccount.get(other)).toBe(`${mark} to the other`);
      await rig.session.detach(rig.account);
      const { outcome } = await rig.say(observer.address, `${mark} from the other`, { account: other });
      expectLeft(outcome);
      expect((await heardBy(bench, observer, rig, `${mark} from the other`)).from).toBe(second.address);
      expect(rig.proxy.connects).toBe(1);
    },
  },
];
