import { expect, it } from '@jest/globals';
import { ManualClock, TestContext } from '#connector/testing';
import { failure, newId } from '#model';
import { readSettings } from './irc.settings.js';
import { plainNetwork } from './network.js';
import { Pace } from './pace.js';

const account = newId<'AccountId'>();
const usual = readSettings({ host: 'irc.example.org', nick: 'alice' });
const flooded = failure('rate-limited', 'Closing link: (alice@example.org) [Excess Flood]');
const safe = { ...plainNetwork, safeRate: true };

it('is as fast as the server bears where it throws nobody out, unless the person has said how fast', () => {
  const house = new TestContext();
  expect(new Pace(house, account, usual).rate(plainNetwork)).toEqual({ burst: 10, perSecond: 0.5 });
  expect(new Pace(house, account, usual).rate(safe).burst).toBeGreaterThan(10);
  const said = readSettings({ host: 'irc.example.org', nick: 'alice', burst: 3 });
  expect(new Pace(house, account, said).rate(safe)).toEqual({ burst: 3, perSecond: 0.5 });
});

it('is slower for some hours where we were thrown out for it, also after a restart, and never stands still', async () => {
  const clock = new ManualClock();
  const house = new TestContext({ clock });
  const pace = new Pace(house, account, usual);
  await house.emit({ events: [], keyValues: pace.ended(flooded) });
  expect(pace.rate(plainNetwork)).toEqual({ burst: 5, perSecond: 0.25 });
  expect(pace.rate(safe)).toEqual({ burst: 5, perSecond: 0.25 });
  const later = new Pace(house, account, usual);
  await later.load();
  expect(later.rate(plainNetwork)).toEqual({ burst: 5, perSecond: 0.25 });
  for (let time = 0; time < 9; time++) later.ended(flooded);
  expect(later.rate(plainNetwork)).toEqual({ burst: 1, perSecond: 0.0625 });
  clock.advance(7 * 3_600_000);
  expect(later.rate(plainNetwork)).toEqual({ burst: 10, perSecond: 0.5 });
});

it('learns nothing from other ends', () => {
  const pace = new Pace(new TestContext(), account, usual);
  for (const why of [undefined, failure('timeout'), failure('rate-limited', 'Reconnecting too fast')]) {
    expect(pace.ended(why)).toEqual([]);
  }
});
