import { describe, expect, it } from '@jest/globals';
import type { InboundEvent, RemoteId } from '#connector';
import { newId } from '#model';
import { stretchesOf, type Taker, type Unit } from './inbound-units.js';

const account = newId<'AccountId'>();
const at = new Date();
const party = (address: string) => ({ address, kind: 'transient' as const });
const unit = (event: InboundEvent): Unit => ({ taker: {} as Taker, event, notes: [] });
const said = (by: string): InboundEvent => ({
  type: 'message',
  account,
  conversation: by,
  conversationKind: 'direct',
  author: party(by),
  content: { text: 'hello' },
  origin: 'remote',
  mode: 'live',
  at,
});
const renamed = (from: string, to: string): InboundEvent => ({
  type: 'identity',
  account,
  party: party(to),
  formerly: from,
  at,
});
const left = (address: string): InboundEvent => ({ type: 'departure', account, address, at });
const lengths = (...events: InboundEvent[]): number[] =>
  stretchesOf(events.map(unit)).map(({ length }) => length);

describe('what is taken in together', () => {
  it('is all of it, where no address changes hands after it was spoken from', () => {
    expect(lengths(said('bob'), renamed('carol', 'caro'), left('dave'), said('erin'), left('frank'))).toEqual(
      [5],
    );
    expect(lengths(renamed('bob', 'bobby'), renamed('bobby', 'bob'), said('bob'))).toEqual([3]);
    expect(lengths()).toEqual([]);
  });

  it('ends before an address that was spoken from is renamed, taken or left', () => {
    expect(lengths(said('bob'), renamed('bob', 'bobby'), said('bobby'))).toEqual([1, 2]);
    expect(lengths(said('bob'), renamed('mallory', 'bob'))).toEqual([1, 1]);
    expect(lengths(said('bob'), left('bob'), said('bob'), left('bob'))).toEqual([1, 2, 1]);
  });

  it('ends between a departure and a rename of the same address, whichever comes first', () => {
    expect(lengths(left('bob'), renamed('mallory', 'bob'))).toEqual([1, 1]);
    expect(lengths(renamed('bob', 'bobby'), left('bobby'), said('bobby'))).toEqual([1, 2]);
  });

  it('ends before a change of what was said in it, by whichever of its ids', () => {
    const [theirs, ours] = [
      { scope: 'archive', id: '7', by: 'network' },
      { scope: 'bob', id: 'b1', by: 'sender' },
    ] as const;
    const named = { ...said('bob'), remoteId: theirs, otherIds: [ours] } as InboundEvent;
    const change = (target: RemoteId): InboundEvent => ({
      type: 'retraction',
      account,
      conversation: 'bob',
      conversationKind: 'direct',
      author: party('bob'),
      target,
      origin: 'remote',
      mode: 'live',
      at,
    });
    expect(lengths(named, change(theirs), change(ours))).toEqual([1, 2]);
    expect(lengths(named, change(ours), named)).toEqual([1, 2]);
    expect(lengths(change(ours), named, change({ ...ours, id: 'b2' }))).toEqual([3]);
  });

  it('keeps accounts apart', () => {
    const elsewhere = { ...left('bob'), account: newId<'AccountId'>() };
    expect(lengths(said('bob'), elsewhere)).toEqual([2]);
  });
});
