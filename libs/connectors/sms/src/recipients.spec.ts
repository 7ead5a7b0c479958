import { describe, expect, it } from '@jest/globals';
import { readCourtesy } from './courtesy.settings.js';
import type { JsonObject } from '#connector';
import { phoneOf } from './numbers.js';
import { refusalOf, waitFor } from './recipients.js';
import { zonesOf } from './zones.js';

const own = '+12025550100';
const route = { peers: ['+12025550123'], own, region: 'US' };

function refusal(changes: Partial<typeof route>, settings: JsonObject = {}): string | undefined {
  return refusalOf({ ...route, ...changes }, readCourtesy(settings))?.detail;
}

describe('whether a text may go', () => {
  it('is up to no rule where none is set', () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({ peers: ['+4915550001234', '+447700900123', '12345', '2025550123'] })).toBeUndefined();
  });

  it('is up to the countries and beginnings that are allowed', () => {
    const allowTo = ['US', '+4915'];
    expect(refusal({}, { allowTo })).toBeUndefined();
    expect(refusal({ peers: ['+4915550001234'] }, { allowTo })).toBeUndefined();
    expect(refusal({ peers: ['+49301234567'] }, { allowTo })).toBe(
      'This account may not write to +49 30 1234567 in Germany.',
    );
    // Of no country: what is not known is not allowed.
    expect(refusal({ peers: ['+88213300655'] }, { allowTo })).toBe(
      'This account may not write to +882 13 30 0655.',
    );
    expect(refusal({ peers: ['+12025550123', '+447700900123'] }, { allowTo })).toMatch(
      /in the United Kingdom\.$/,
    );
  });

  it('is up to those that are denied before all', () => {
    const settings = { allowTo: ['US'], denyTo: ['+1202', 'CU'] };
    expect(refusal({}, settings)).toBe('This account may not write to +1 202-555-0123 in the United States.');
    expect(refusal({ peers: ['+13125550123'] }, settings)).toBeUndefined();
  });

  it.each([
    ['112', 'US'],
    ['911', 'US'],
    ['999', undefined],
    ['110', 'DE'],
    ['000', 'AU'],
  ])('is no question for the emergency number %s', (peer, region) => {
    const refused = refusalOf({ peers: [peer], own: '+4915550001234', region }, readCourtesy({}));
    expect(refused).toMatchObject({ code: 'not-allowed', remedy: 'give-up' });
    expect(refused?.detail).toBe(
      `${peer} is an emergency number: call it, for no text is sure to arrive there.`,
    );
  });

  it('is up to what each side is: nobody can write to a name', () => {
    expect(refusal({ peers: ['ACME'] })).toBe('ACME is a name and no number: nobody can write to it.');
    expect(refusal({ own: 'ACME', peers: ['+4915550001234'] })).toBeUndefined();
    expect(refusal({ own: 'ACME' })).toBe(
      'Phones in the United States show no names as senders; send from a number.',
    );
  });

  it('is up to where short codes belong', () => {
    expect(refusal({ own: '12345' })).toBeUndefined();
    expect(refusal({ own: '12345', peers: ['+4915550001234'] })).toBe(
      'The short code 12345 belongs to the United States and does not reach Germany; send from another number.',
    );
    expect(refusal({ own: '12345', peers: ['+4915550001234'] }, { shortCodesAbroad: true })).toBeUndefined();
    expect(refusal({ peers: ['12345'] })).toBeUndefined();
    expect(refusal({ peers: ['12345'], own: '+4915550001234' })).toBe(
      'The short code 12345 belongs to the United States and cannot be written to from +49 15550 001234.',
    );
  });
});

describe('the quiet hours of those who are written to', () => {
  const quietHours = { from: '21:00', until: '08:00' };

  function wait(
    peers: readonly string[],
    at: string,
    settings: JsonObject = { quietHours },
  ): string | undefined {
    const found = waitFor({ peers }, readCourtesy(settings), new Date(at));
    return found && `${found.at.toISOString()} ${found.why}`;
  }

  it.each([
    [
      '+4915550001234',
      '2026-11-20T21:40:00Z',
      '2026-11-21T07:00:00.000Z It is 22:40 in Germany; quiet hours end at 08:00.',
    ],
    [
      '+447700900123',
      '2026-11-20T21:40:00Z',
      '2026-11-21T08:00:00.000Z It is 21:40 in the United Kingdom; quiet hours end at 08:00.',
    ],
    [
      '+12025550123',
      '2026-11-20T12:40:00Z',
      '2026-11-20T13:00:00.000Z It is 07:40 in the United States (New York); quiet hours end at 08:00.',
    ],
    [
      '+18085550123',
      '2026-11-20T12:40:00Z',
      '2026-11-20T18:00:00.000Z It is 02:40 in the United States (Honolulu); quiet hours end at 08:00.',
    ],
    [
      '+16055550123',
      '2026-11-20T14:30:00Z',
      '2026-11-20T15:00:00.000Z It may be 07:30 in the United States (Denver); quiet hours end at 08:00.',
    ],
    [
      '+5511955501234',
      '2026-11-20T11:30:00Z',
      '2026-11-20T13:00:00.000Z It may be 06:30 in Brazil (Eirunepe); quiet hours end at 08:00.',
    ],
    [
      '+38344123456',
      '2026-11-20T21:40:00Z',
      '2026-11-21T07:00:00.000Z It is 22:40 in Kosovo; quiet hours end at 08:00.',
    ],
  ])('are by their clocks: %s at %s', (peer, at, said) => {
    expect(wait([peer], at)).toBe(said);
  });

  it('are nobody’s where it is day, where no hours are set, and where nobody knows the clock', () => {
    expect(wait(['+4915550001234'], '2026-11-20T12:00:00Z')).toBeUndefined();
    expect(wait(['+4915550001234'], '2026-11-20T23:00:00Z', {})).toBeUndefined();
    expect(wait(['12345', '+88213300655', '2025550123'], '2026-11-20T23:00:00Z')).toBeUndefined();
  });

  it('of a group are those of all its members', () => {
    expect(wait(['+4915550001234', '+12025550123'], '2026-11-20T21:40:00Z')).toBe(
      '2026-11-21T13:00:00.000Z It is 22:40 in Germany; quiet hours end at 08:00.',
    );
  });

  it('are known in a country of several clocks by the area, where that tells', () => {
    const zones = (party: string): readonly string[] => {
      const phone = phoneOf(party);
      return phone ? zonesOf(phone) : [];
    };
    expect(zones('+12125550123')).toEqual(['America/New_York']);
    expect(zones('+14805550123')).toEqual(['America/Phoenix']);
    expect(zones('+14165550123')).toEqual(['America/New_York']);
    expect(zones('+19075550123')).toEqual(['America/Anchorage', 'America/Adak']);
    expect(zones('+17095550123')).toEqual(['America/Halifax', 'America/St_Johns']);
    // An area that nobody has: any of the country's.
    expect(zones('+15550123456')).toContain('Pacific/Honolulu');
    expect(zones('+17875550123')).toEqual(['America/Puerto_Rico']);
  });

  it('take far less than a turn may take, in the night in which clocks change', () => {
    const peers = ['+15550123456', '+79161234567', '+61491570156', '+5511955501234', '+12025550123'];
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      wait(peers, '2026-03-08T05:00:00Z');
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(20);
  });
});
