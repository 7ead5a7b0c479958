/* What is told by the second; servers, and archives that no honest one would keep, are in past.peers.spec.ts and past.spec.ts. */
import { expect, test } from '@jest/globals';
import { Timers } from '#connector/session';
import { ManualClock, TestContext, until } from '#connector/testing';
import { newId } from '#model';
import type { Archived } from './archive.js';
import { ArchiveCursors } from './archive-cursors.js';
import { CatchUp } from './catch-up.js';
import { readStanza } from './core/xml.js';
import { Moments } from './order.js';

const alice = 'alice@example.org';

test.each([
  ['never taken in before', undefined, 'history'],
  ['taken in before', 0, 'catch-up'],
] as const)('an archive %s keeps its order where it tells by the second', async (_, since, mode) => {
  const clock = new ManualClock();
  const context = new TestContext({ clock });
  const account = newId<'AccountId'>();
  const moments = new Moments();
  const second = Math.floor(clock.now() / 1_000) * 1_000;
  const message = readStanza('<message/>');
  const results = ['live', 'missed', 'later'].map((id, index) => ({
    id,
    at: new Date(index === 2 ? second + 1_000 : second),
    message,
  }));
  moments.placed(alice, 'live', second + 591);
  const read: [Archived, string][] = [];
  let isDone = false;
  new CatchUp({
    account,
    inlet: {
      push: noop,
      flush: noop,
      settled: (call) => {
        call();
      },
    },
    timers: new Timers(clock),
    clock,
    cursors: new ArchiveCursors(context, account),
    moments,
    archive: {
      ask: () => Promise.resolve({ answer: 'page', results, page: { complete: true, unstable: false } }),
    },
    serverNow: () => clock.now(),
    firstMs: 1_000,
    read: (_archive, archived, as) => {
      read.push([archived, as]);
      return [];
    },
    done: () => {
      isDone = true;
    },
  }).begin(alice, undefined, since);
  await until('it is taken in', () => isDone);
  // What came live is stored with its own time already.
  expect(read.slice(1).map(([{ id, at }, as]) => [id, at.getTime() - second, as])).toEqual([
    ['missed', 591, mode],
    ['later', 1_000, mode],
  ]);
});

function noop(): void {
  // Nothing of it matters here.
}
