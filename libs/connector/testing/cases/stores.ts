import { expect } from '@jest/globals';
import { failure } from '#model';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';
import { expectLeft, heardBy } from './talks.js';

const redelivers = [{ act: 'redelivers' }] as const;

function unacknowledged(bench: Bench, rig: Rig): number {
  return bench.network.unacknowledged?.(rig.login) ?? 0;
}

async function sayMany(
  observer: Observer,
  to: string,
  mark: string,
  many: number,
): Promise<readonly string[]> {
  const texts = Array.from({ length: many }, (_, i) => `${mark} ${String(i)}`);
  for (const text of texts) await observer.say(to, text);
  return texts;
}

/** Waits until everything that bears the mark is stored, and looks that none of it is stored twice. */
async function onceEach(rig: Rig, mark: string, texts: readonly string[]): Promise<void> {
  await rig.until('all of it is stored', () => texts.every((text) => rig.heard(mark).includes(text)));
  await rig.quiet();
  expect([...rig.heard(mark)].sort()).toEqual([...texts].sort());
}

export const stores: readonly Case[] = [
  {
    id: 'commit-first',
    sentence: 'acknowledges nothing before it is stored, and everything after (law 2)',
    needs: redelivers,
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      await rig.until('nothing is owed', () => unacknowledged(bench, rig) === 0);
      rig.context.storage.withhold();
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, 5);
      await rig.until('the house has them', () => rig.context.storage.waiting >= texts.length);
      // What is said now leaves behind any acknowledgement: when it is heard, that would have been heard too.
      expectLeft((await rig.say(observer.address, `${mark} behind it`)).outcome);
      await heardBy(bench, observer, rig, `${mark} behind it`);
      await rig.quiet();
      expect(unacknowledged(bench, rig)).toBeGreaterThanOrEqual(texts.length);
      rig.context.storage.release();
      await rig.until('all are acknowledged', () => unacknowledged(bench, rig) === 0);
      expect(rig.heard(mark)).toEqual(texts);
    },
  },
  {
    id: 'loss-declared',
    sentence: 'declares what a network that cannot be acknowledged can lose (law 2)',
    needs: [{ without: 'redelivers' }],
    run({ connector }) {
      expect(connector.describe().losses.length).toBeGreaterThan(0);
      return Promise.resolve();
    },
  },
  {
    id: 'crash',
    sentence: 'gets again what was never stored before the link was lost, and each once (law 2)',
    needs: redelivers,
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      rig.context.storage.withhold();
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, 5);
      await rig.until('the house has them', () => rig.context.storage.waiting >= texts.length);
      rig.proxy.cut('rst');
      await rig.until('the link is lost', () => rig.context.stateOf()?.state !== 'online');
      rig.context.storage.discard();
      await onceEach(rig, mark, texts);
      await rig.until('all are acknowledged', () => unacknowledged(bench, rig) === 0);
    },
  },
  {
    id: 'redelivered-duplicates',
    sentence: 'acknowledges a duplicate as well as what is new (law 2)',
    needs: redelivers,
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      rig.context.storage.failNext({ fault: 'in-doubt', kept: true });
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, 3);
      await onceEach(rig, mark, texts);
      await rig.until('all are acknowledged', () => unacknowledged(bench, rig) === 0);
      expect(rig.context.storage.duplicates.length).toBeGreaterThan(0);
    },
  },
  {
    id: 'in-doubt',
    sentence: 'stays silent when storage does not say, and lets the network deliver again (law 2)',
    needs: redelivers,
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      rig.context.storage.failNext({ fault: 'in-doubt', kept: false });
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, 3);
      await onceEach(rig, mark, texts);
      await rig.until('all are acknowledged', () => unacknowledged(bench, rig) === 0);
    },
  },
  {
    id: 'not-stored',
    sentence: 'tries again what was not stored, in its order (§11, database down)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      rig.context.storage.failNext({ fault: 'not-stored', retryAfterMs: 10 }, 3);
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, 5);
      await onceEach(rig, mark, texts);
      expect(rig.heard(mark)).toEqual(texts);
      expect(rig.context.stateOf()?.state).toBe('online');
    },
  },
  {
    id: 'refused-event',
    sentence: 'goes on after an event that will never be stored (§6, quarantine)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      // What a network tells of itself at the beginning is not meant.
      await rig.quiet();
      rig.context.storage.failNext({ fault: 'refused', failure: failure('internal') });
      await observer.say(rig.address, `${mark} never`);
      await rig.until('it was refused', () => rig.context.storage.failed >= 1);
      await observer.say(rig.address, `${mark} next`);
      await rig.until('the next is stored', () => rig.heard(mark).includes(`${mark} next`));
      // This storage refuses it once: what the network keeps its archive may offer once more, but nobody says it again.
      const live = rig.context.heard().filter(({ mode }) => mode === 'live');
      expect(live.map(({ content }) => content.text).filter((text) => text.startsWith(mark))).toEqual([
        `${mark} next`,
      ]);
      expect(rig.context.stateOf()?.state).toBe('online');
      if (bench.harness.acts.includes('redelivers')) {
        await rig.until('nothing is owed', () => unacknowledged(bench, rig) === 0);
      }
    },
  },
  {
    id: 'fenced',
    sentence: 'closes and acknowledges nothing once another worker holds the link (§10)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      rig.context.storage.failNext({ fault: 'fenced' }, Infinity);
      const mark = bench.mark();
      await observer.say(rig.address, mark);
      await rig.until('the link is closed', () => rig.proxy.open === 0);
      const connects = rig.proxy.connects;
      rig.context.closed = true;
      await rig.quiet();
      expect(rig.proxy.connects).toBe(connects);
      expect(rig.heard(mark)).toEqual([]);
      if (bench.harness.acts.includes('redelivers')) expect(unacknowledged(bench, rig)).toBeGreaterThan(0);
      const { outcome } = await rig.session.send(
        rig.envelope(observer.address, mark),
        new AbortController().signal,
      );
      expect(['later', 'refused', 'unknown']).toContain(outcome);
    },
  },
  {
    id: 'storage-away',
    sentence:
      'pauses the transport while storage is away, holds a bounded number, and loses no order (law 9)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig({ emitLimit: 20 });
      rig.context.storage.withhold();
      const mark = bench.mark();
      const texts = await sayMany(observer, rig.address, mark, bench.harness.volume ?? 200);
      await rig.until('the house holds some', () => rig.context.storage.waiting > 0);
      await rig.quiet();
      rig.context.storage.release();
      rig.context.storage.slow(1);
      await onceEach(rig, mark, texts);
      expect(rig.heard(mark)).toEqual(texts);
      expect(rig.context.storage.mostOutstanding).toBeLessThanOrEqual(20);
    },
  },
];
