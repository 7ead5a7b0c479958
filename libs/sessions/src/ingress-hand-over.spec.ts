import { describe, expect, it } from '@jest/globals';
import { DueSweep, Signals } from '#bus';
import type { JsonObject } from '#connector';
import { newId, type AccountId, type WorkspaceId } from '#model';
import { eventually } from '#peers';
import { Database } from '#platform';
import { TestClock } from '#platform/testing';
import { IngressHandOver } from './ingress-hand-over.js';
import { IngressStore, type WaitingItem } from './ingress.store.js';

const account = newId<'AccountId'>();
const workspace: WorkspaceId = newId<'WorkspaceId'>();

/** Tables in memory. */
class Rows extends IngressStore {
  rows: WaitingItem[] = [];
  readonly aside: JsonObject[] = [];
  isAway = false;
  looks = 0;

  put(...items: readonly JsonObject[]): void {
    for (const item of items) this.rows.push({ sequence: BigInt(this.rows.length + 1), item });
  }

  override waiting(_sql: unknown, _account: AccountId, limit: number): Promise<WaitingItem[]> {
    this.looks++;
    if (this.isAway) return Promise.reject(new Error('away'));
    return Promise.resolve(this.rows.slice(0, limit));
  }

  override taken(_sql: unknown, sequences: readonly bigint[]): Promise<void> {
    this.rows = this.rows.filter(({ sequence }) => !sequences.includes(sequence));
    return Promise.resolve();
  }

  override setAside(_sql: unknown, _about: unknown, item: JsonObject): Promise<void> {
    this.aside.push(item);
    return Promise.resolve();
  }
}

function house() {
  const clock = new TestClock();
  const store = new Rows();
  const signals = { subscribe: () => () => undefined } as unknown as Signals;
  const handOver = new IngressHandOver({} as Database, store, clock, new DueSweep(clock), signals);
  const offered: number[] = [];
  const open = (takeIn: (n: number) => 'taken' | 'later' | Promise<'taken' | 'later'>) =>
    handOver.open({
      workspace,
      account,
      takeIn: async (item) => {
        offered.push(item['n'] as number);
        return await takeIn(item['n'] as number);
      },
    });
  return { clock, store, offered, open };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

describe('handing over what providers told', () => {
  it('offers all of it in order, one after the other, and what is taken goes', async () => {
    const { store, offered, open } = house();
    store.put(...upTo(120));
    let under = 0;
    let most = 0;
    open(async (): Promise<'taken'> => {
      most = Math.max(most, ++under);
      await Promise.resolve();
      under--;
      return 'taken';
    });
    await eventually('all are gone', () => store.rows.length === 0);
    expect(offered).toEqual(upTo(120).map(({ n }) => n));
    expect(most).toBe(1);
  });

  it('waits longer and longer with all of it while the session wants the first later', async () => {
    const { clock, store, offered, open } = house();
    store.put(...upTo(3));
    let isReady = false;
    open(() => (isReady ? 'taken' : 'later'));
    const offers = async (count: number, afterMs: number) => {
      clock.advance(afterMs);
      await eventually('it is offered', () => offered.length === count && clock.waiting === 1);
    };
    await offers(1, 0);
    await offers(1, 249);
    await offers(2, 1);
    await offers(2, 499);
    await offers(3, 1);
    isReady = true;
    clock.advance(1_000);
    await eventually('all are gone', () => store.rows.length === 0);
    expect(offered).toEqual([0, 0, 0, 0, 1, 2]);
  });

  it('tries again when the tables are back', async () => {
    const { clock, store, offered, open } = house();
    store.put(...upTo(2));
    store.isAway = true;
    open(() => 'taken');
    await eventually('it has looked', () => store.looks === 1 && clock.waiting === 1);
    store.isAway = false;
    clock.advance(250);
    await eventually('all are gone', () => store.rows.length === 0);
    expect(offered).toEqual([0, 1]);
  });

  it('sets aside what the session breaks over, and goes on with the rest', async () => {
    const { store, offered, open } = house();
    store.put(...upTo(3));
    open((n) => (n === 1 ? Promise.reject(new Error('broken')) : 'taken'));
    await eventually('all are gone', () => store.rows.length === 0);
    expect(offered).toEqual([0, 1, 2]);
    expect(store.aside).toEqual([{ n: 1 }]);
  });

  it('ends at once, whatever the session is about, and leaves to the next what was not taken', async () => {
    const { store, offered, open } = house();
    store.put(...upTo(3));
    const end = open((n) => (n === 0 ? 'taken' : new Promise(() => undefined)));
    await eventually('the second is offered', () => offered.length === 2);
    await end();
    expect(store.rows.map(({ item }) => item)).toEqual([{ n: 1 }, { n: 2 }]);
    open(() => 'taken');
    await eventually('all are gone', () => store.rows.length === 0);
    expect(offered).toEqual([0, 1, 1, 2]);
  });
});
