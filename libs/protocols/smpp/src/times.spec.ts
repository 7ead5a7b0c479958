import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { absoluteTime, parseTime, relativeTime } from './times.js';

const near = new Date('2026-11-22T18:00:00Z');

describe('times of SMPP', () => {
  it('are absolute, with the quarters of an hour that they are ahead of UTC or behind', () => {
    expect(absoluteTime(new Date('2026-11-22T17:45:03.450Z'))).toBe('261122174503400+');
    expect(parseTime('261122174503404+', near)).toEqual(new Date('2026-11-22T16:45:03.400Z'));
    expect(parseTime('261122174503022-', near)).toEqual(new Date('2026-11-22T23:15:03Z'));
  });

  it('are read as they were written', () => {
    const some = fc.date({ min: new Date('2000-01-01'), max: new Date('2070-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(some, (at) => {
        const tenth = new Date(Math.floor(at.getTime() / 100) * 100);
        expect(parseTime(absoluteTime(at), at)).toEqual(tenth);
      }),
    );
  });

  it('are of the century that is closer', () => {
    expect(parseTime('991231235959000+', near)).toEqual(new Date('1999-12-31T23:59:59Z'));
    expect(parseTime('000101000000000+', new Date('1999-12-31T00:00:00Z'))).toEqual(new Date('2000-01-01'));
  });

  it('are relative, in days and what is shorter', () => {
    expect(relativeTime(2 * 86_400_000 + 3_600_000 + 61_000)).toBe('000002010101000R');
    expect(relativeTime(1)).toBe('000000000001000R');
    expect(relativeTime(-5)).toBe('000000000000000R');
    expect(relativeTime(500 * 86_400_000)).toBe('000099000000000R');
    expect(parseTime('010203040506000R', near)).toEqual({
      years: 1,
      months: 2,
      days: 3,
      hours: 4,
      minutes: 5,
      seconds: 6,
    });
  });

  it.each([
    '',
    '2611221745',
    '261322174503000+',
    '260230000000000+',
    '261122244503000+',
    '261122174503049+',
    'x',
  ])('are none in “%s”', (text) => {
    expect(parseTime(text, near)).toBeUndefined();
  });
});
