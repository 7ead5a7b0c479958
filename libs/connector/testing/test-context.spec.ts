import { describe, expect, it } from '@jest/globals';
import type { InboundEvent } from '#connector';
import { newId, type SessionState } from '#model';
import { TestContext } from './test-context.js';

const account = newId<'AccountId'>();
const at = new Date(0);
const author = { address: 'bob', kind: 'stable' } as const;
const said = { account, conversation: 'bob', conversationKind: 'direct', author, mode: 'live', at } as const;
const message = { type: 'message', ...said, content: { text: 'x' }, origin: 'remote' } as const;

describe('the house of a test notes as a breach', () => {
  it.each<[string, InboundEvent]>([
    ['a time that is none', { ...message, at: new Date(NaN) }],
    ['a conversation without an address', { ...message, conversation: '' }],
    ['an author with a line end', { ...message, author: { ...author, address: 'bob\n' } }],
    ['an id without a scope', { ...message, remoteId: { scope: '', id: 'm1', by: 'network' } }],
    ['an own live message without a wire id', { ...message, origin: 'own' }],
    ['somebody else’s message with our wire id', { ...message, wireId: 'w' }],
    [
      'an edit without content',
      { type: 'edit', ...said, origin: 'remote', target: { scope: 'x', id: 'm', by: 'network' } },
    ],
    [
      'a failed receipt without a failure',
      { type: 'receipt', account, about: { wireId: 'w' }, state: 'failed', at },
    ],
    ['a gap without a reason', { type: 'gap', account, from: at, until: at, reason: '' }],
  ])('%s', async (_, event) => {
    const context = new TestContext();
    await context.emit({ events: [event] });
    expect(context.breaches).toHaveLength(1);
  });

  it.each<[string, SessionState]>([
    [
      'a code that is not on the list',
      { state: 'backing-off', until: at.toISOString(), code: 'oops' as 'unknown' },
    ],
    ['a time that is none', { state: 'backing-off', until: 'soon', code: 'timeout' }],
    ['a local address with a line end', { state: 'online', localAddress: 'alice\r' }],
  ])('%s', (_, state) => {
    const context = new TestContext();
    context.state(account, state);
    expect(context.breaches).toHaveLength(1);
  });

  it('more events than may be outstanding', () => {
    const context = new TestContext({ emitLimit: 1 });
    void context.emit({ events: [message, message] });
    expect(context.breaches).toHaveLength(1);
  });

  it('anything at all after the end', async () => {
    const context = new TestContext();
    context.closed = true;
    context.state(account, { state: 'offline' });
    context.wake(account);
    await context.secrets();
    await context.turn({ host: '127.0.0.1', port: 1 });
    expect(context.breaches).toHaveLength(4);
  });

  it('and nothing of what is right', async () => {
    const context = new TestContext();
    context.state(account, { state: 'online', localAddress: 'alice' });
    await context.emit({ events: [message, { ...message, origin: 'own', wireId: 'w' }] });
    expect(context.breaches).toEqual([]);
  });
});
