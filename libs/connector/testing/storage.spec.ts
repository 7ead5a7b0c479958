import { beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundEvent, InboundMessage } from '#connector';
import { failure, newId } from '#model';
import { ManualClock } from './clock.js';
import { MemoryStorage } from './storage.js';

const account = newId<'AccountId'>();

function message(text: string, id?: string): InboundMessage {
  return {
    type: 'message',
    account,
    conversation: 'bob',
    conversationKind: 'direct',
    author: { address: 'bob', kind: 'stable' },
    content: { text },
    origin: 'remote',
    mode: 'live',
    at: new Date(0),
    ...(id === undefined ? {} : { remoteId: { scope: 'x', id, by: 'network' } }),
  };
}

describe('storage in memory', () => {
  let clock: ManualClock;
  let storage: MemoryStorage;
  beforeEach(() => {
    clock = new ManualClock();
    storage = new MemoryStorage(clock);
  });
  const emit = (...events: InboundEvent[]) => storage.emit({ events }, undefined);
  const texts = () => storage.stored.map((event) => (event.type === 'message' ? event.content.text : ''));

  it('answers after the commit, never at once, and keeps the order of the calls', async () => {
    const both = Promise.all([emit(message('one')), emit(message('two'), message('three'))]);
    expect(texts()).toEqual([]);
    expect(storage.outstanding).toBe(3);
    expect(await both).toEqual([[{ outcome: 'stored' }], [{ outcome: 'stored' }, { outcome: 'stored' }]]);
    expect(texts()).toEqual(['one', 'two', 'three']);
    expect([storage.outstanding, storage.mostOutstanding]).toEqual([0, 3]);
  });

  it('drops what it has by the network’s id, and nothing for having none', async () => {
    expect(await emit(message('one', 'm1'), message('one', 'm1'))).toEqual([
      { outcome: 'stored' },
      { outcome: 'duplicate' },
    ]);
    expect(await emit(message('no id'), message('no id'))).toEqual([
      { outcome: 'stored' },
      { outcome: 'stored' },
    ]);
  });

  it('drops what it has by any of its ids, and by its sender’s not where the network tells two apart', async () => {
    const ids = (text: string, id: string | undefined, chosen: string): InboundMessage => {
      const own = { scope: 'bob', id: chosen, by: 'sender' } as const;
      return { ...message(text, id), ...(id === undefined ? { remoteId: own } : { otherIds: [own] }) };
    };
    const outcomes = [];
    for (const event of [
      ids('one', undefined, 'b1'),
      ids('one', 'm1', 'b1'),
      message('one', 'm1'),
      ids('other words', undefined, 'b1'),
      ids('one', 'm2', 'b1'),
    ])
      outcomes.push((await emit(event))[0]?.outcome);
    expect(outcomes).toEqual(['stored', 'duplicate', 'duplicate', 'stored', 'stored']);
  });

  it('fails the next batches as it is told, and then no more', async () => {
    storage.failNext({ fault: 'not-stored', retryAfterMs: 5 }, 2);
    storage.failNext({ fault: 'refused', failure: failure('internal') });
    storage.failNext({ fault: 'in-doubt', kept: true });
    const outcomes = [];
    for (const text of ['1', '2', '3', '4', '5']) outcomes.push((await emit(message(text)))[0]?.outcome);
    expect(outcomes).toEqual(['not-stored', 'not-stored', 'refused', 'in-doubt', 'stored']);
    expect(texts()).toEqual(['4', '5']);
  });

  it('withdraws at the deadline what it has not begun to commit, and what came behind it', async () => {
    storage.withhold();
    const early = emit(message('early'));
    const late = storage.emit({ events: [message('late')] }, 100);
    const behind = emit(message('behind'));
    clock.advance(100);
    expect(await late).toEqual([{ outcome: 'not-stored', retryAfterMs: 1_000 }]);
    expect(await behind).toEqual([{ outcome: 'not-stored', retryAfterMs: 1_000 }]);
    storage.release();
    expect(await early).toEqual([{ outcome: 'stored' }]);
    expect(texts()).toEqual(['early']);
  });

  it('keeps nothing that was handed in behind what it did not keep', async () => {
    storage.failNext({ fault: 'not-stored', retryAfterMs: 5 });
    const outcomes = await Promise.all([emit(message('1')), emit(message('2')), emit(message('3'))]);
    expect(outcomes.flat().map(({ outcome }) => outcome)).toEqual(['not-stored', 'not-stored', 'not-stored']);
    expect(texts()).toEqual([]);
  });

  it('forgets what it withheld when it is told that it crashed', async () => {
    storage.withhold();
    const lost = emit(message('lost'));
    expect(storage.waiting).toBe(1);
    storage.discard();
    expect(await lost).toEqual([{ outcome: 'in-doubt' }]);
    await emit(message('next'));
    expect(texts()).toEqual(['next']);
  });

  it('answers once for notes that come alone', async () => {
    const keyValues = [{ account, key: 'parts', value: 1 }];
    expect(await storage.emit({ events: [], keyValues }, undefined)).toEqual([{ outcome: 'stored' }]);
    storage.withhold();
    const waiting = storage.emit({ events: [], keyValues }, 5_000);
    clock.advance(5_000);
    expect(await waiting).toMatchObject([{ outcome: 'not-stored' }]);
  });

  it('keeps notes and positions with the batch that brings them', async () => {
    await storage.emit(
      {
        events: [],
        keyValues: [{ account, key: 'a', value: 1 }],
        checkpoint: { account, key: 'b', value: { n: 2 } },
      },
      undefined,
    );
    expect([storage.read(account, 'a'), storage.read(account, 'b')]).toEqual([1, { n: 2 }]);
    await storage.emit({ events: [], keyValues: [{ account, key: 'a', value: null }] }, undefined);
    expect(storage.read(account, 'a')).toBeUndefined();
  });
});
