import { describe, expect, it } from '@jest/globals';
import { failure } from '#model';
import { lostAs, patienceMs, tell, type CallTale } from './tale.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));

describe('the tale of a call', () => {
  it('begins with whatever is told first', () => {
    expect(tell(undefined, { state: 'missed', at: at(0) })).toEqual({
      state: 'missed',
      legs: null,
      failure: null,
      answeredAt: null,
      endedAt: at(0),
    });
  });

  it('keeps when it was answered and when it was over', () => {
    let tale = tell(undefined, { state: 'ringing', at: at(0) });
    tale = tell(tale, { state: 'answered', at: at(1) });
    tale = tell(tale, { state: 'ended', at: at(5) });
    expect(tale).toMatchObject({ state: 'ended', answeredAt: at(1), endedAt: at(5) });
  });

  it('does not change by what is told late, twice or after its end', () => {
    const answered = tell(undefined, { state: 'answered', at: at(1) });
    expect(tell(answered, { state: 'ringing', at: at(2) })).toBe(answered);
    expect(tell(answered, { state: 'answered', at: at(2) })).toBe(answered);
    expect(tell(answered, { state: 'missed', at: at(2) })).toBe(answered);
    const ended = tell(answered, { state: 'ended', at: at(3) });
    expect(tell(ended, { state: 'failed', failure: failure('timeout'), at: at(4) })).toBe(ended);
  });

  it('has ends that go forward while it rings, and are down when it is over', () => {
    const first: CallTale = tell(undefined, {
      state: 'ringing',
      legs: { mine: 'ringing', theirs: 'waiting' },
      at: at(0),
    });
    const then = tell(first, { state: 'ringing', legs: { mine: 'answered', theirs: 'ringing' }, at: at(1) });
    expect(then).not.toBe(first);
    expect(tell(then, { state: 'ringing', legs: { mine: 'ringing', theirs: 'waiting' }, at: at(2) })).toBe(
      then,
    );
    expect(tell(then, { state: 'busy', at: at(3) }).legs).toEqual({ mine: 'ended', theirs: 'ended' });
  });

  it('says why it came to nothing', () => {
    const ringing = tell(undefined, { state: 'ringing', at: at(0) });
    const failed = tell(ringing, { state: 'failed', failure: failure('not-found'), at: at(1) });
    expect(failed.failure).toMatchObject({ code: 'not-found' });
  });

  it('of which nobody tells any more is over after a time', () => {
    expect(patienceMs('ringing')).toBeLessThan(patienceMs('answered') ?? 0);
    expect(patienceMs('missed')).toBeUndefined();
    expect([lostAs('calling'), lostAs('ringing'), lostAs('answered')]).toEqual(['failed', 'failed', 'ended']);
  });
});
