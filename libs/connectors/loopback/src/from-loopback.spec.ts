import { describe, expect, it } from '@jest/globals';
import { wireIdOf } from '#connector';
import { newId } from '#model';
import { fromLoopback, withoutCapabilities, type Reading } from './from-loopback.js';

const account = newId<'AccountId'>();
const reading: Reading = { account, scope: 'loopback:test', mode: 'live' };
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const told = { from: { address: 'bob' }, conversation: 'bob', room: false, at };
const ours = wireIdOf(newId<'EnvelopeId'>(), 0);

describe('from the loopback protocol', () => {
  it('a message of somebody else is remote, with the network’s id in the network’s scope', () => {
    expect(fromLoopback({ kind: 'message', ...told, id: 'm1', text: 'hello' }, reading)).toEqual({
      type: 'message',
      account,
      conversation: 'bob',
      conversationKind: 'direct',
      author: { address: 'bob', kind: 'stable' },
      content: { text: 'hello' },
      origin: 'remote',
      mode: 'live',
      at: new Date(at),
      remoteId: { scope: 'loopback:test', id: 'm1', by: 'network' },
    });
  });

  it('an own message is ours only by a wire id of our making', () => {
    const own = { kind: 'message', ...told, id: 'm1', text: 'hello', own: true } as const;
    expect(fromLoopback({ ...own, wire: ours }, reading)).toMatchObject({ origin: 'own', wireId: ours });
    expect(fromLoopback({ ...own, wire: 'another client’s' }, reading)).toMatchObject({
      origin: 'other-device',
    });
    expect(fromLoopback(own, reading)).toMatchObject({ origin: 'other-device' });
  });

  it('an emote, a notice and a reply say so', () => {
    const message = {
      kind: 'message',
      ...told,
      id: 'm2',
      text: 'waves',
      emote: true,
      notice: true,
      reply: 'm1',
    } as const;
    expect(fromLoopback(message, reading)).toMatchObject({
      content: { text: 'waves', emote: true, notice: true },
      replyTo: { id: 'm1', by: 'network' },
    });
  });

  it('the first character of an address says what it promises', () => {
    const kindOf = (address: string) => {
      const event = fromLoopback({ kind: 'identity', party: { address }, at }, reading);
      return event.type === 'identity' ? event.party.kind : undefined;
    };
    expect([kindOf('alice'), kindOf('~guest'), kindOf('+4930')]).toEqual([
      'stable',
      'transient',
      'reassignable',
    ]);
  });

  it('a rename carries the former address and what the network vouches for', () => {
    const party = { address: '~new', name: 'New', stable: 'account' };
    expect(fromLoopback({ kind: 'identity', party, formerly: '~old', at }, reading)).toMatchObject({
      party: { address: '~new', kind: 'transient', name: 'New', stableAddress: 'account' },
      formerly: '~old',
    });
  });

  it('edits, retractions and reactions are about a message of the network', () => {
    const target = { scope: 'loopback:test', id: 'm1', by: 'network' };
    expect(fromLoopback({ kind: 'edit', ...told, target: 'm1', text: 'better' }, reading)).toMatchObject({
      type: 'edit',
      target,
      content: { text: 'better' },
    });
    const retraction = fromLoopback({ kind: 'retraction', ...told, target: 'm1' }, reading);
    expect(retraction).toMatchObject({ type: 'retraction', target });
    expect(retraction).not.toHaveProperty('content');
    const reaction = { kind: 'reaction', ...told, target: 'm1', emoji: '👍', removed: true } as const;
    expect(fromLoopback(reaction, reading)).toMatchObject({
      type: 'reaction',
      target,
      reaction: { emoji: '👍', removed: true },
    });
  });

  it('a failed receipt carries a failure with its remedy', () => {
    const receipt = { kind: 'receipt', wire: ours, state: 'failed', code: 'not-found', at } as const;
    expect(fromLoopback(receipt, reading)).toEqual({
      type: 'receipt',
      account,
      about: { wireId: ours },
      state: 'failed',
      failure: { code: 'not-found', remedy: 'give-up' },
      at: new Date(at),
    });
  });

  it('a kick says who did it and that we are out', () => {
    const kick = {
      kind: 'room',
      conversation: '#lobby',
      act: 'kick',
      by: { address: 'op' },
      joined: false,
      at,
    } as const;
    expect(fromLoopback(kick, reading)).toMatchObject({
      type: 'room',
      conversationKind: 'room',
      act: 'kick',
      joined: false,
      by: { address: 'op', kind: 'stable' },
    });
  });

  it('a room offers what the account can, less what the room lacks', () => {
    expect(withoutCapabilities({ rooms: 'native', edits: 'native', maxTextBytes: 9 }, ['edits'])).toEqual({
      rooms: 'native',
      maxTextBytes: 9,
    });
  });
});
