import { describe, expect, it } from '@jest/globals';
import { failure, newId, type EnvelopeState } from '#model';
import { fold, type KnownEnvelope, type PartState } from './settle.js';

function known(state: EnvelopeState, total?: number, parts: Record<number, PartState> = {}): KnownEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account: newId<'AccountId'>(),
    conversation: newId<'ConversationId'>(),
    message: newId<'MessageId'>(),
    state,
    total,
    parts: new Map(Object.entries(parts).map(([part, partState]) => [Number(part), partState])),
  };
}

describe('folding news into an envelope', () => {
  it('is sent when every part is sent', () => {
    const envelope = known('sending', 2, { 0: 'sent' });
    expect(fold(envelope, { envelope: envelope.id, parts: [{ part: 1, state: 'sent' }] })?.state).toBe(
      'sent',
    );
  });

  it('stays on its way while a part is missing', () => {
    const envelope = known('sending', 3, { 0: 'sent' });
    expect(
      fold(envelope, { envelope: envelope.id, parts: [{ part: 1, state: 'sent' }] })?.state,
    ).toBeUndefined();
  });

  it('says nothing of the whole before the number of parts is known', () => {
    const envelope = known('sending');
    const settled = fold(envelope, { envelope: envelope.id, parts: [{ part: 0, state: 'delivered' }] });
    expect(settled).toMatchObject({ parts: [{ part: 0, state: 'delivered' }] });
    expect(settled?.state).toBeUndefined();
  });

  it('takes a receipt that came before the answer to its submit into account when the answer comes', () => {
    const envelope = known('sending', undefined, { 0: 'delivered' });
    const settled = fold(envelope, { envelope: envelope.id, total: 1, parts: [{ part: 0, state: 'sent' }] });
    expect(settled?.state).toBe('delivered');
  });

  it('fails as a whole when one part fails, with that part’s reason', () => {
    const envelope = known('sending', 2, { 0: 'sent' });
    const why = failure('too-large');
    const settled = fold(envelope, {
      envelope: envelope.id,
      parts: [{ part: 1, state: 'failed', failure: why }],
    });
    expect(settled).toMatchObject({ state: 'failed', failure: why });
  });

  it.each<[EnvelopeState, EnvelopeState]>([
    ['sent', 'unknown'],
    ['delivered', 'waiting'],
    ['read', 'withdrawn'],
    ['withdrawn', 'failed'],
    ['expired', 'unknown'],
    ['sending', 'withdrawn'],
  ])('never goes from %s back to %s', (from, to) => {
    const envelope = known(from, 1, from === 'sent' ? { 0: 'sent' } : {});
    const whole =
      to === 'waiting'
        ? { state: to, reason: 'rate' as const }
        : to === 'withdrawn'
          ? { state: to }
          : { state: to as 'failed' | 'unknown', failure: failure('unknown') };
    expect(fold(envelope, { envelope: envelope.id, whole })?.state).toBeUndefined();
  });

  it('lets a late receipt settle what had an unknown fate', () => {
    const envelope = known('unknown');
    const settled = fold(envelope, { envelope: envelope.id, parts: [{ part: 0, state: 'sent' }] });
    expect(settled).toMatchObject({ state: 'sent', total: 1 });
  });

  it('keeps the id that the network gave to a part whose state does not move', () => {
    const envelope = known('delivered', 1, { 0: 'delivered' });
    const settled = fold(envelope, {
      envelope: envelope.id,
      parts: [{ part: 0, state: 'sent', remoteIds: [{ scope: 's', id: 'x', by: 'network' }] }],
    });
    expect(settled).toMatchObject({ parts: [{ state: 'delivered', remoteIds: [{ id: 'x' }] }] });
    expect(settled?.state).toBeUndefined();
  });
});
