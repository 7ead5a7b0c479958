import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EmitOutcome, InboundBatch, SessionContext } from '#connector';
import { ManualClock, TestContext } from '#connector/testing';
import { failure, newId, type Failure } from '#model';
import { Inlet } from './inlet.js';

const account = newId<'AccountId'>();
const stored: EmitOutcome = { outcome: 'stored' };
const turn = () => new Promise((done) => setImmediate(done));

/** A house whose answers are given by hand. */
class SlowHouse extends TestContext {
  readonly asked: { readonly texts: readonly string[]; answer(outcomes: readonly EmitOutcome[]): void }[] =
    [];

  override emit(batch: InboundBatch): ReturnType<SessionContext['emit']> {
    return new Promise((answer) => {
      const texts = batch.events.map((event) => (event.type === 'identity' ? event.party.address : ''));
      this.asked.push({ texts, answer });
    });
  }
}

describe('the inlet', () => {
  let clock: ManualClock;
  let house: SlowHouse;
  let inlet: Inlet;
  let settled: string[];
  let said: string[];
  beforeEach(() => {
    clock = new ManualClock();
    house = new SlowHouse({ clock, emitLimit: 4 });
    settled = [];
    said = [];
    inlet = new Inlet(house, {
      pressure: (high) => said.push(high ? 'pause' : 'flow'),
      answered: () => undefined,
      inDoubt: () => said.push('doubt'),
      fenced: () => said.push('fenced'),
      checkpoint: () => undefined,
    });
  });
  const take = (...names: string[]) => {
    inlet.take(
      names.map((address) => ({
        event: { type: 'identity', account, party: { address, kind: 'stable' }, at: new Date(0) },
        settled: (refused?: Failure) => settled.push(refused ? `${address}: ${refused.code}` : address),
      })),
    );
  };
  const answer = async (i: number, ...outcomes: EmitOutcome[]) => {
    house.asked[i]?.answer(outcomes);
    await turn();
  };
  const asked = () => house.asked.map(({ texts }) => texts.join(''));

  it('hands over at once, several batches at a time, never more than the limit', async () => {
    take('a', 'b');
    take('c', 'd', 'e', 'f');
    expect(asked()).toEqual(['ab', 'cd']);
    await answer(0, stored, stored);
    expect(settled).toEqual(['a', 'b']);
    expect(asked()).toEqual(['ab', 'cd', 'ef']);
  });

  it('asks for a pause when too much waits, and for more when it has drained', async () => {
    take(...Array.from({ length: 10 }, (_, i) => String(i)));
    expect(said).toEqual(['pause']);
    await answer(0, stored, stored, stored, stored);
    expect(said).toEqual(['pause', 'flow']);
  });

  it('tries again what was not stored, before what came later, after the time it was told', async () => {
    take('a', 'b', 'c', 'd', 'e');
    const away: EmitOutcome = { outcome: 'not-stored', retryAfterMs: 100 };
    await answer(0, stored, away, away, stored);
    expect(settled).toEqual(['a', 'd']);
    expect(asked()).toEqual(['abcd']);
    clock.advance(99);
    expect(asked()).toEqual(['abcd']);
    clock.advance(1);
    expect(asked()).toEqual(['abcd', 'bce']);
  });

  it('gives the link up when storage stays away', async () => {
    take('a');
    for (let i = 0; said.length === 0 && i < 100; i++) {
      await answer(i, { outcome: 'not-stored', retryAfterMs: 1_000 });
      clock.advance(1_000);
    }
    expect(said).toEqual(['doubt']);
    expect(clock.monotonic()).toBeGreaterThan(30_000);
  });

  it('settles what will never be stored with the reason', async () => {
    take('a', 'b');
    await answer(0, { outcome: 'refused', failure: failure('internal') }, stored);
    expect(settled).toEqual(['a: internal', 'b']);
  });

  it.each<[string, readonly EmitOutcome[]]>([
    ['says that it does not know', [{ outcome: 'in-doubt' }]],
    ['answers too little', []],
  ])('asks for redelivery when the house %s', async (_, outcomes) => {
    take('a');
    await answer(0, ...outcomes);
    expect(said).toEqual(['doubt']);
    expect(settled).toEqual([]);
  });

  it('says nothing more once fenced', async () => {
    take('a', 'b');
    await answer(0, stored, { outcome: 'fenced' });
    expect(said).toEqual(['fenced']);
  });

  it('does not try again what an earlier connection brought: that is delivered again', async () => {
    take('a', 'b', 'c', 'd', 'e');
    inlet.clear();
    take('x');
    await answer(0, stored, { outcome: 'not-stored', retryAfterMs: 1 }, { outcome: 'in-doubt' }, stored);
    clock.advance(10);
    expect(asked()).toEqual(['abcd', 'x']);
    expect(said).not.toContain('doubt');
  });

  it('is quiet when everything has its answer', async () => {
    let quiet = false;
    take('a');
    void inlet.quiet().then(() => (quiet = true));
    await turn();
    expect(quiet).toBe(false);
    await answer(0, stored);
    expect(quiet).toBe(true);
  });
});
