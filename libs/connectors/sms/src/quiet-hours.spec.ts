import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clockIn, quietIn } from './quiet-hours.js';

const night = { from: '21:00', until: '08:00' };
const berlin = ['Europe/Berlin'];

function until(zones: readonly string[], at: string, hours = night): string | undefined {
  return quietIn(zones, hours, new Date(at))?.until.toISOString();
}

describe('quiet hours', () => {
  it.each([
    ['2026-11-20T19:59:59Z', undefined],
    ['2026-11-20T20:00:00Z', '2026-11-21T07:00:00.000Z'],
    ['2026-11-20T23:30:00Z', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21T06:59:59.999Z', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21T07:00:00Z', undefined],
    ['2026-07-20T18:59:00Z', undefined],
    ['2026-07-20T19:00:00Z', '2026-07-21T06:00:00.000Z'],
  ])('are those of the clock where somebody is, over midnight: at %s until %s', (at, end) => {
    expect(until(berlin, at)).toBe(end);
  });

  it('may lie within one day, and may be none', () => {
    const siesta = { from: '13:00', until: '15:30' };
    expect(until(berlin, '2026-11-20T11:59:00Z', siesta)).toBeUndefined();
    expect(until(berlin, '2026-11-20T12:00:00Z', siesta)).toBe('2026-11-20T14:30:00.000Z');
    expect(until(berlin, '2026-11-20T12:00:00Z', { from: '13:00', until: '13:00' })).toBeUndefined();
    expect(until([], '2026-11-20T23:00:00Z')).toBeUndefined();
  });

  it('end by the clock in nights in which it is put forward or back', () => {
    // Forward at 2026-03-29T01:00Z, back at 2026-10-25T01:00Z.
    expect(until(berlin, '2026-03-28T22:00:00Z')).toBe('2026-03-29T06:00:00.000Z');
    expect(until(berlin, '2026-10-24T22:00:00Z')).toBe('2026-10-25T07:00:00.000Z');
    // New York: 2026-03-08T07:00Z, 2026-11-01T06:00Z.
    expect(until(['America/New_York'], '2026-03-08T03:00:00Z')).toBe('2026-03-08T12:00:00.000Z');
    expect(until(['America/New_York'], '2026-11-01T02:00:00Z')).toBe('2026-11-01T13:00:00.000Z');
  });

  it('end when the clock jumps over their end', () => {
    expect(until(berlin, '2026-03-28T22:00:00Z', { from: '21:00', until: '02:30' })).toBe(
      '2026-03-29T01:00:00.000Z',
    );
    expect(until(['Australia/Lord_Howe'], '2026-10-03T12:00:00Z', { from: '21:00', until: '02:15' })).toBe(
      '2026-10-03T15:30:00.000Z',
    );
  });

  it('are over when they are in all zones that may be meant', () => {
    const wide = ['America/New_York', 'America/Los_Angeles'];
    expect(until(wide, '2026-01-10T12:00:00Z')).toBe('2026-01-10T16:00:00.000Z');
    expect(quietIn(wide, night, new Date('2026-01-10T14:00:00Z'))).toMatchObject({
      zone: 'America/Los_Angeles',
      clock: '06:00',
    });
    // By the time that it is morning in the one, it is night in the other.
    expect(until(['Asia/Kamchatka', 'Europe/Kaliningrad'], '2026-01-10T19:30:00Z')).toBe(
      '2026-01-11T06:00:00.000Z',
    );
    expect(
      until(['Pacific/Auckland', 'Europe/London'], '2026-01-10T22:00:00Z', { from: '20:00', until: '09:00' }),
    ).toBe('2026-01-11T09:00:00.000Z');
  });

  it('count in any one of the zones where there is no moment that is in none', () => {
    const always = { from: '09:00', until: '08:00' };
    const at = new Date('2026-01-10T12:00:00Z');
    expect(quietIn(['Europe/London', 'Asia/Tokyo', 'America/Denver'], always, at)?.until.toISOString()).toBe(
      '2026-01-10T15:00:00.000Z',
    );
  });

  it('end at the first moment at which it is quiet nowhere, whatever the zones, the hours and the day', () => {
    const zones = fc.uniqueArray(
      fc.constantFrom(
        'Europe/Berlin',
        'America/New_York',
        'America/Los_Angeles',
        'Asia/Kolkata',
        'Australia/Lord_Howe',
        'Africa/Casablanca',
        'America/St_Johns',
      ),
      { minLength: 1, maxLength: 2 },
    );
    const time = fc
      .integer({ min: 0, max: 1_439 })
      .map((minutes) => new Date(minutes * 60_000).toISOString().slice(11, 16));
    const moment = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(zones, time, time, moment, (where, from, until, at) => {
        const quietAt = (moment: number): boolean =>
          where.some((zone) => {
            const shown = clockIn(zone, moment);
            return from <= until ? from <= shown && shown < until : shown >= from || shown < until;
          });
        const quiet = quietIn(where, { from, until }, at);
        expect(quiet !== undefined).toBe(quietAt(at.getTime()));
        if (!quiet) return;
        // Somewhere else it may be quiet just then, where it always is somewhere; otherwise nowhere.
        let first = Math.floor(at.getTime() / 60_000) * 60_000;
        while (quietAt(first) && first - at.getTime() < 49 * 3_600_000) first += 60_000;
        if (!quietAt(first)) expect(quiet.until.toISOString()).toBe(new Date(first).toISOString());
        expect(quiet.until.getTime()).toBeGreaterThan(at.getTime());
      }),
      { numRuns: 150 },
    );
  });
});
