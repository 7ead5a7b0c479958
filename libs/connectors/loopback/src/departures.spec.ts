import { beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundReceipt } from '#connector';
import { ManualClock } from '#connector/testing';
import { failure, newId } from '#model';
import { Departures, type PartAnswer } from './departures.js';

const account = newId<'AccountId'>();
const accepted = (id: string): PartAnswer => ({
  said: 'accepted',
  remoteId: { scope: 'x', id, by: 'network' },
});
const refused: PartAnswer = { said: 'refused', failure: failure('not-found') };
const later = (ms: number): PartAnswer => ({ said: 'later', ms, failure: failure('rate-limited') });
const lost = failure('network-unreachable');

describe('what has left', () => {
  let clock: ManualClock;
  let receipts: InboundReceipt[];
  let departures: Departures;
  beforeEach(() => {
    clock = new ManualClock();
    receipts = [];
    departures = new Departures(clock, 1_000, (learnt) => receipts.push(...learnt));
  });
  const leave = (...wires: string[]) => departures.add(account, wires, new AbortController().signal);

  it('is sent when every part is accepted, with their ids in order', async () => {
    const told = leave('a', 'b');
    departures.answer('b', accepted('2'));
    departures.answer('a', accepted('1'));
    expect(await told).toMatchObject({
      outcome: 'sent',
      parts: [{ remoteId: { id: '1' } }, { remoteId: { id: '2' } }],
    });
    expect(receipts).toEqual([]);
    expect(clock.timers).toBeLessThanOrEqual(1);
  });

  it('is later or refused when every part is', async () => {
    const [one, two] = [leave('a', 'b'), leave('c')];
    departures.answer('a', later(10));
    departures.answer('b', later(30));
    departures.answer('c', refused);
    expect(await one).toMatchObject({ outcome: 'later', retryAfterMs: 30 });
    expect(await two).toMatchObject({ outcome: 'refused', failure: { code: 'not-found' } });
  });

  it('is told part by part when its parts fare differently', async () => {
    const told = leave('a', 'b');
    departures.answer('a', accepted('1'));
    departures.answer('b', refused);
    expect(await told).toEqual({ outcome: 'pending', parts: 2 });
    expect(receipts).toMatchObject([
      { about: { wireId: 'a' }, state: 'sent', remoteId: { id: '1' } },
      { about: { wireId: 'b' }, state: 'failed', failure: { code: 'not-found' } },
    ]);
  });

  it('is pending when no answer comes in time, and the late answer is a receipt', async () => {
    const first = leave('a');
    clock.advance(600);
    const second = leave('b');
    clock.advance(400);
    expect(await first).toEqual({ outcome: 'pending', parts: 1 });
    departures.answer('a', accepted('1'));
    expect(receipts).toMatchObject([{ about: { wireId: 'a' }, state: 'sent' }]);
    clock.advance(600);
    expect(await second).toEqual({ outcome: 'pending', parts: 1 });
  });

  it('is unknown when the link drops, but for the parts that were answered', async () => {
    const told = leave('a', 'b');
    departures.answer('a', accepted('1'));
    departures.drop(lost);
    expect(await told).toEqual({ outcome: 'unknown', failure: lost });
    expect(receipts).toMatchObject([{ about: { wireId: 'a' }, state: 'sent' }]);
    departures.answer('b', accepted('2'));
    expect(receipts).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('says at once what it knows when asked to hurry', async () => {
    const hurry = new AbortController();
    const told = departures.add(account, ['a'], hurry.signal);
    hurry.abort();
    expect(await told).toEqual({ outcome: 'pending', parts: 1 });
    expect(departures.size).toBe(0);
  });

  it('of one account is let go without the others', async () => {
    const mine = leave('a');
    const other = departures.add(newId<'AccountId'>(), ['b'], new AbortController().signal);
    departures.dropAccount(account, lost);
    expect(await mine).toMatchObject({ outcome: 'unknown' });
    departures.answer('b', accepted('1'));
    expect(await other).toMatchObject({ outcome: 'sent' });
  });

  it('remembers a bounded number of those that nobody answers', () => {
    for (let i = 0; i < 6_000; i++) {
      void leave(String(i));
      if (i % 1_000 === 999) clock.advance(1_000);
    }
    departures.answer('0', accepted('1'));
    expect(receipts).toEqual([]);
    departures.answer('5999', accepted('2'));
    expect(receipts).toHaveLength(1);
  });
});
