import { expect } from '@jest/globals';
import { can } from '#connector';
import { failure, remedyOf, type ErrorCode } from '#model';
import { freePort } from '#peers';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import { within } from '../until.js';
import { expectLeft, heardBy } from './talks.js';

/** How a lost link may be named. */
const lost: readonly ErrorCode[] = ['network-unreachable', 'timeout', 'server-shutdown', 'refused'];

/** Cuts the link by `how`, and waits until it was lost and is back. */
async function thereAndBack(
  rig: Rig,
  how: () => void | Promise<void>,
  codes: readonly ErrorCode[],
): Promise<void> {
  const since = rig.context.states.length;
  const whole = rig.context.clock.now();
  await how();
  const { code, until } = await rig.untilStateSince(since, 'backing-off');
  expect(codes).toContain(code);
  // The next try is to come when it is told. However long the network then stays away, it was told after this began.
  expect(Date.parse(until)).toBeGreaterThanOrEqual(whole);
  await rig.untilStateSince(since, 'online');
}

/** Shows that a session is alive: something said to it is heard, and what it says arrives. */
export async function hears(bench: Bench, rig: Rig): Promise<void> {
  const observer = await bench.observer();
  const mark = bench.mark();
  let said = -Infinity;
  // Said again and again: the link may still be on its way down, and not every network delivers twice.
  await rig.until('it is heard', async () => {
    if (rig.heard(mark).length > 0) return true;
    if (performance.now() - said < bench.timing.quietMs * 5) return false;
    said = performance.now();
    await observer.say(rig.address, `${mark} still there?`);
    return false;
  });
  expectLeft((await rig.say(observer.address, `${mark} yes`)).outcome);
  await heardBy(bench, observer, rig, `${mark} yes`);
}

export const links: readonly Case[] = [
  {
    id: 'auth-failed',
    sentence: 'asks the person when the secrets are wrong, and does not try again (§11, credentials wrong)',
    needs: [{ act: 'refuses-secrets' }],
    async run(bench) {
      const rig = await bench.rig({ wrongSecrets: true, online: false });
      rig.session.connect();
      const state = await rig.untilState('needs-person');
      expect(state).toMatchObject({ code: 'auth-failed', remedy: remedyOf('auth-failed') });
      const { connects } = rig.proxy;
      await rig.wait(bench.timing.quietMs * 3);
      expect(rig.proxy.connects).toBe(connects);
      expect(connects).toBe(1);
      expect(rig.context.stateOf()).toEqual(state);
    },
  },
  {
    id: 'unreachable',
    sentence:
      'backs off from a dead port, longer each time and in its turn, and is online when it lives (§10, §11)',
    async run(bench) {
      const rig = await bench.rig({ online: false });
      await rig.proxy.deafen();
      rig.session.connect();
      const backings = () =>
        rig.context.states.flatMap(({ state, at }) =>
          state.state === 'backing-off' ? [{ ...state, at }] : [],
        );
      await rig.until('three tries have failed', () => backings().length >= 3);
      for (const { code } of backings()) expect(['network-unreachable', 'refused']).toContain(code);
      await rig.proxy.listen();
      await rig.untilState('online');
      const [first = 0, , third = 0] = rig.context.backoffs;
      expect(third).toBeGreaterThanOrEqual(first);
      for (const wait of rig.context.backoffs) expect(wait).toBeGreaterThan(0);
      const tries = rig.context.states.filter(({ state }) => state.state === 'connecting').length;
      expect(rig.context.turns.length).toBeGreaterThanOrEqual(tries);
    },
  },
  {
    id: 'judged-address',
    sentence: 'connects to the addresses of its turn, and looks up no name by itself (law 9)',
    async run(bench) {
      const rig = await bench.rig({ host: 'network.invalid' });
      expect(rig.context.turns).toEqual(['network.invalid']);
      expect(rig.proxy.connects).toBe(1);
      await hears(bench, rig);
    },
  },
  {
    id: 'refused-turn',
    sentence: 'does not connect where it may not, and says why (law 9)',
    async run(bench) {
      const rig = await bench.rig({ online: false });
      rig.context.turnsAre = failure('not-allowed', 'That address is not allowed.');
      rig.session.connect();
      expect(await rig.untilState('needs-person')).toMatchObject({ code: 'not-allowed' });
      await rig.quiet();
      expect(rig.proxy.connects).toBe(0);
      expect(rig.context.turns).toHaveLength(1);
      const later = await bench.rig({ online: false });
      later.context.turnsAre = failure('network-unreachable', 'The host was not found.');
      later.session.connect();
      expect(await later.untilState('backing-off')).toMatchObject({ code: 'network-unreachable' });
      later.context.turnsAre = 'given';
      await later.untilState('online');
    },
  },
  ...(['rst', 'fin'] as const).map((how): Case => ({
    id: `cut-${how}`,
    sentence: `comes back by itself when the link is cut (${how}), into its rooms, and nothing comes twice (§10)`,
    async run(bench) {
      const observer = await bench.observer();
      const rooms = bench.harness.acts.includes('rooms') ? [await bench.room(observer)] : [];
      const rig = await bench.rig({ rooms });
      const mark = bench.mark();
      const [to = rig.address] = rooms;
      await observer.say(to, `${mark} before`);
      await rig.until('it is heard', () => rig.heard(mark).length === 1);
      await thereAndBack(
        rig,
        () => {
          rig.proxy.cut(how);
        },
        lost,
      );
      // A link that goes on where it was cut has not been out of the room.
      const { session } = rig;
      if (can(session, 'has-rooms') && rooms.length > 0) {
        await rig.until('in the room again', () =>
          session.occupants(rig.account, to).some(({ address }) => address === rig.addressIn(to)),
        );
      }
      await observer.say(to, `${mark} after`);
      await rig.until('it is heard', () => rig.heard(mark).length >= 2);
      await rig.quiet();
      expect(rig.heard(mark)).toEqual([`${mark} before`, `${mark} after`]);
    },
  })),
  {
    id: 'send-while-lost',
    sentence: 'settles every send when the link drops: none hangs, none is refused (§8, MUST)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const { perLane } = bench.connector.describe().inFlight;
      rig.proxy.swallow(true);
      const mark = bench.mark();
      const flying = Array.from({ length: Math.min(30, perLane) }, (_, i) =>
        rig.session.send(
          rig.envelope(observer.address, `${mark} ${String(i)}`),
          new AbortController().signal,
        ),
      );
      await rig.quiet();
      rig.proxy.cut('rst');
      const settled = await within(bench.timing.factMs, Promise.all(flying));
      for (const { outcome } of settled ?? [{ outcome: 'hanging' }]) {
        expect(['unknown', 'pending', 'later', 'sent']).toContain(outcome);
      }
      await rig.until('the link is lost', () => rig.context.stateOf()?.state !== 'online');
      rig.proxy.swallow(false);
      const { outcome } = await rig.session.send(
        rig.envelope(observer.address, mark),
        new AbortController().signal,
      );
      expect(['later', 'unknown', 'sent', 'pending']).toContain(outcome);
    },
  },
  {
    id: 'sent-is-sent',
    sentence: 'calls sent, by an id of the network, only what arrived, and nothing arrives twice (law 6)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const { perLane } = bench.connector.describe().inFlight;
      const text = (i: number): string => `${mark} ${String(i)}.`;
      const send = (i: number) =>
        rig.session.send(rig.envelope(observer.address, text(i)), new AbortController().signal);
      const half = Math.min(30, Math.ceil(perLane / 2));
      const flying = Array.from({ length: half }, (_, i) => send(i));
      await rig.until('the first have arrived', () => observer.heard().length > 0);
      rig.proxy.swallow(true);
      if (perLane > 1) flying.push(...Array.from({ length: half }, (_, i) => send(half + i)));
      await rig.quiet();
      rig.proxy.cut('rst');
      rig.proxy.swallow(false);
      const outcomes = await Promise.all(flying);
      await rig.untilState('online');
      await rig.quiet();
      const heard = observer.heard().map(({ text }) => text);
      expect(new Set(heard).size).toBe(heard.length);
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.outcome !== 'sent' || outcome.parts[0]?.remoteId === undefined) continue;
        expect(heard).toContain(text(i));
      }
    },
  },
  {
    id: 'half-open',
    sentence:
      'notices a link that is silent but not closed, and comes back when it can (§11, a network down)',
    needs: [{ timing: 'silenceMs' }],
    async run(bench) {
      const rig = await bench.rig();
      await thereAndBack(rig, async () => {
        rig.proxy.freeze();
        await rig.until('the silence is noticed', () => rig.context.stateOf()?.state === 'backing-off');
        rig.proxy.cut('rst');
        rig.proxy.thaw();
      }, ['timeout', 'network-unreachable']);
      await hears(bench, rig);
    },
  },
  {
    id: 'slow',
    sentence: 'lives on a slow link (law 9)',
    async run(bench) {
      const rig = await bench.rig();
      rig.proxy.slow(100_000);
      await hears(bench, rig);
      expect(rig.context.states.some(({ state }) => state.state === 'backing-off')).toBe(false);
    },
  },
  {
    id: 'split',
    sentence: 'understands a stream that is split at every byte (law 9)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig({
        manners: (proxy) => {
          proxy.split(1);
        },
      });
      const mark = bench.mark();
      const text = `${mark} שלום 👩‍👩‍👧‍👦 é 日本語`;
      await observer.say(rig.address, text);
      await rig.until('it is heard', () => rig.heard(mark).length > 0);
      expect(rig.heard(mark)).toEqual([text]);
      expectLeft((await rig.say(observer.address, text)).outcome);
      expect((await heardBy(bench, observer, rig, mark)).text).toBe(text);
    },
  },
  {
    id: 'restart',
    sentence: 'comes back when its network does (§11, a network down)',
    needs: [{ act: 'restarts' }],
    async run(bench) {
      const rig = await bench.rig();
      await thereAndBack(
        rig,
        async () => {
          await bench.network.stop?.();
          await rig.until('the link is lost', () => rig.context.stateOf()?.state === 'backing-off');
          await bench.network.restart?.();
        },
        lost,
      );
      await hears(bench, rig);
    },
  },
  {
    id: 'clock-jump',
    sentence: 'does not mind that somebody sets the clock',
    async run(bench) {
      const rig = await bench.rig();
      for (const hours of [24, -48]) {
        rig.jump(hours * 3_600_000);
        await rig.quiet();
        await hears(bench, rig);
      }
      expect(rig.context.states.filter(({ state }) => state.state === 'online')).toHaveLength(1);
    },
  },
  {
    id: 'offline-send',
    sentence: 'holds nothing for later: what is sent while the link is down is told to come again (§6)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig({ online: false });
      await rig.proxy.deafen();
      rig.session.connect();
      await rig.untilState('backing-off');
      const mark = bench.mark();
      const sent = rig.session.send(rig.envelope(observer.address, mark), new AbortController().signal);
      expect(await within(bench.timing.factMs, sent)).toMatchObject({ outcome: 'later' });
      await rig.proxy.listen();
      await rig.untilState('online');
      await rig.quiet();
      expect(observer.heard()).toEqual([]);
    },
  },
  {
    id: 'listens',
    sentence:
      'says that a port is taken and waits for the person, and lets it go at its end (law 9, listening)',
    needs: [{ act: 'listens' }],
    async run(bench) {
      const settings = bench.network.listening?.(await freePort());
      if (!settings) throw new Error('the harness declares listens and has no settings for it');
      const first = await bench.rig({ settings });
      const second = await bench.rig({ settings, online: false });
      const points = bench.connector.listensOn?.({ ...second.login.settings, ...settings });
      expect(points).not.toHaveLength(0);
      second.session.connect();
      expect(await second.untilState('needs-person')).toMatchObject({ code: 'resource-conflict' });
      await first.close();
      await bench.rig({ settings });
    },
  },
];
