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

  describe('of three parts', () => {
    const refused = failure('refused', 'No.');
    const partNews: Record<string, { part: number; state: PartState; failure?: typeof refused }> = {
      'first arrived': { part: 0, state: 'delivered' },
      'second arrived': { part: 1, state: 'delivered' },
      'second failed': { part: 1, state: 'failed', failure: refused },
      'second is unknown': { part: 1, state: 'unknown' },
      'third arrived': { part: 2, state: 'delivered' },
      'third was read': { part: 2, state: 'read' },
    };
    const answer = [0, 1, 2].map((part) => ({ part, state: 'sent' as const }));

    /** What is known after one after another of these. */
    function after(news: readonly string[]) {
      let envelope = known('sending');
      let reason: string | undefined;
      for (const one of news) {
        const told = partNews[one];
        const settled = fold(
          envelope,
          told
            ? { envelope: envelope.id, parts: [told] }
            : { envelope: envelope.id, total: 3, parts: answer },
        );
        if (!settled) continue;
        if (settled.state !== undefined) reason = settled.failure?.detail;
        envelope = {
          ...envelope,
          state: settled.state ?? envelope.state,
          total: settled.total ?? envelope.total,
          parts: new Map([
            ...envelope.parts,
            ...settled.parts.map(({ part, state }) => [part, state] as const),
          ]),
          codes: new Map([
            ...(envelope.codes ?? []),
            ...settled.parts.flatMap((part) =>
              part.failure ? [[part.part, part.failure.code] as const] : [],
            ),
          ]),
        };
      }
      return { state: envelope.state, reason };
    }

    function* orders(items: readonly string[]): Generator<readonly string[]> {
      if (items.length === 0) yield [];
      for (const [index, item] of items.entries())
        for (const rest of orders(items.toSpliced(index, 1))) yield [item, ...rest];
    }

    it.each<[string[], EnvelopeState]>([
      [['first arrived'], 'sent'],
      [['first arrived', 'third was read'], 'sent'],
      [['first arrived', 'second arrived', 'third arrived'], 'delivered'],
      [['first arrived', 'second arrived', 'third was read'], 'delivered'],
      [['first arrived', 'second failed', 'third arrived'], 'failed'],
      [['second failed'], 'failed'],
      [['first arrived', 'second failed', 'second arrived', 'third arrived'], 'delivered'],
    ])('of which %s is %s, in whatever order that is told and the network answers', (told, state) => {
      for (const order of orders(['the answer', ...told])) {
        expect({ order, state: after(order).state }).toEqual({ order, state });
      }
    });

    it('says which failed and why, also where that was told before it was known how many there are', () => {
      expect(after(['the answer', 'second failed']).reason).toBe('Part 2 of 3 did not arrive: No.');
      expect(after(['second failed', 'the answer']).reason).toBe('Part 2 of 3 did not arrive.');
    });

    it('keeps the code of a part that failed before the number of parts was known', () => {
      const envelope = {
        ...known('sending', undefined, { 1: 'failed' }),
        codes: new Map([[1, 'refused' as const]]),
      };
      const settled = fold(envelope, { envelope: envelope.id, total: 3, parts: answer });
      expect(settled).toMatchObject({ state: 'failed', failure: { code: 'refused' } });
    });

    it('is of unknown fate with the part of which nobody can tell', () => {
      const envelope = known('sending', 3, { 0: 'delivered', 2: 'delivered' });
      const settled = fold(envelope, { envelope: envelope.id, parts: [{ part: 1, state: 'unknown' }] });
      expect(settled).toMatchObject({
        state: 'unknown',
        failure: {
          code: 'unknown',
          detail: 'Part 2 of 3 has an unknown fate: The network cannot tell what became of it.',
        },
      });
    });
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
