import { describe, expect, it } from '@jest/globals';
import { callMayBecome, callStates, isOver, legsAfter } from './call.js';

describe('a call', () => {
  it('goes forward and never back', () => {
    expect(callMayBecome('calling', 'ringing')).toBe(true);
    expect(callMayBecome('ringing', 'answered')).toBe(true);
    expect(callMayBecome('calling', 'answered')).toBe(true);
    expect(callMayBecome('ringing', 'calling')).toBe(false);
    expect(callMayBecome('answered', 'ringing')).toBe(false);
    expect(callMayBecome('ringing', 'ringing')).toBe(false);
  });

  it('that was answered was not missed, declined or taken elsewhere', () => {
    const after = callStates.filter((state) => callMayBecome('answered', state));
    expect(after).toEqual(['failed', 'ended']);
  });

  it('stays as it ended', () => {
    for (const end of callStates.filter(isOver))
      for (const next of callStates)
        expect({ end, next, may: callMayBecome(end, next) }).toMatchObject({ may: false });
    expect(callStates.filter((state) => !isOver(state))).toEqual(['calling', 'ringing', 'answered']);
  });

  it('has ends of which neither goes back', () => {
    const before = { mine: 'answered', theirs: 'ringing' } as const;
    expect(legsAfter(before, { mine: 'ringing', theirs: 'ended' })).toEqual({
      mine: 'answered',
      theirs: 'ended',
    });
    expect(legsAfter(undefined, before)).toEqual(before);
  });
});
