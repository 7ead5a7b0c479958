import { describe, expect, it, jest } from '@jest/globals';
import type { InboundIdentity } from '#connector';
import { TestContext, until } from '#connector/testing';
import type { AccountId } from '#model';
import { Inlet } from './inlet.js';

const account = '00000000-0000-4000-8000-000000000001' as AccountId;
const learnt = (name: string): InboundIdentity => ({
  type: 'identity',
  account,
  party: { address: name, kind: 'stable' },
  at: new Date(0),
});
const handler = { full: () => undefined, eased: () => undefined, fenced: () => undefined };

describe('the way of events into the house', () => {
  it('says at once that everything is stored where nothing was pushed', () => {
    const reached = jest.fn();
    new Inlet(new TestContext(), account, handler).settled(reached);
    expect(reached).toHaveBeenCalledTimes(1);
  });

  it('says that everything is stored only when it is, in the order it was asked', async () => {
    const inlet = new Inlet(new TestContext(), account, handler);
    const reached: string[] = [];
    inlet.push(learnt('alice'));
    inlet.settled(() => reached.push('alice'));
    inlet.push(learnt('bob'));
    inlet.settled(() => reached.push('bob'));
    inlet.flush();
    expect(reached).toEqual([]);
    await until('both are stored', () => reached.length === 2);
    expect(reached).toEqual(['alice', 'bob']);
  });

  it('says nothing while the storage is away, and all when it is back', async () => {
    const context = new TestContext();
    const inlet = new Inlet(context, account, handler);
    const reached = jest.fn();
    context.storage.failNext({ fault: 'not-stored', retryAfterMs: 10 }, 3);
    inlet.push(learnt('alice'));
    inlet.settled(reached);
    inlet.flush();
    reached.mockImplementation(() => {
      expect(context.storage.stored).toHaveLength(1);
    });
    await until('it is stored', () => reached.mock.calls.length === 1);
  });
});
