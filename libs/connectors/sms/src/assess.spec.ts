import { describe, expect, it } from '@jest/globals';
import type { Assessment, JsonObject } from '#connector';
import { createSms } from './sms.connector.js';

const settings: JsonObject = {
  driver: 'smpp',
  numbers: ['+1 202 555 0100', '12345'],
  region: 'US',
  smpp: { host: '127.0.0.1', port: 2775, systemId: 'alice' },
};
const noon = new Date('2026-11-20T17:00:00Z');
const connector = createSms();

function assessed(to: string, text = 'hello', more: JsonObject = {}, at = noon): Assessment | undefined {
  const kind = connector.addresses.kindOf(to) ?? 'direct';
  return connector.assess?.({ to, kind, content: { text }, settings: { ...settings, ...more }, at });
}

describe('the assessment of a text', () => {
  it('says how it is cut and counted, and by which digits it is priced', () => {
    expect(assessed('+12025550123/+12025550100', 'a'.repeat(161))).toEqual({
      parts: 2,
      coding: 'GSM-7',
      units: 161,
      unitsLeft: 145,
      destinations: ['12025550123'],
    });
    expect(assessed('+12025550123/+12025550100', 'жук')).toMatchObject({
      coding: 'UCS-2',
      units: 3,
      unitsLeft: 67,
    });
    expect(assessed('12345/+12025550100')?.destinations).toEqual(['12345']);
  });

  it('names every recipient of a group', () => {
    expect(assessed('+12025550123,+447700900456/+12025550100')?.destinations).toEqual([
      '12025550123',
      '447700900456',
    ]);
  });

  it('refuses what may not go, and then says nothing of the hour', () => {
    const night = new Date('2026-11-20T23:00:00Z');
    const more = { allowTo: ['US'], quietHours: { from: '21:00', until: '08:00' } };
    const refused = assessed('+4915550001234/+12025550100', 'hello', more, night);
    expect(refused?.failure).toMatchObject({ code: 'not-allowed', remedy: 'ask-person' });
    expect(refused).not.toHaveProperty('notBefore');
    expect(assessed('ACME/+12025550100')?.failure?.code).toBe('unsupported');
    expect(assessed('ACME/+12025550100')?.destinations).toEqual([]);
  });

  it('refuses what would come from a number that is not ours', () => {
    expect(assessed('+12025550123/+12025550199')?.failure?.detail).toBe(
      'The account has no number +1 202-555-0199 to send from.',
    );
    expect(assessed('+12025550123')?.failure?.code).toBe('not-allowed');
  });

  it('refuses what cannot be cut, with the reason', () => {
    expect(assessed('+12025550123/12345', 'a'.repeat(50_000))).toEqual({
      parts: 1,
      destinations: ['12025550123'],
      failure: {
        code: 'too-large',
        remedy: 'give-up',
        detail: 'A text message has at most 255 parts, which is 39015 characters of GSM-7.',
      },
    });
  });

  it('counts the links to files, known or not yet', () => {
    const attachments = [{ name: 'cat.jpg', mediaType: 'image/jpeg' }];
    const content = { text: 'a'.repeat(100), attachments };
    const ask = { to: '+12025550123/+12025550100', kind: 'direct' as const, settings, at: noon };
    expect(connector.assess?.({ ...ask, content }).parts).toBe(2);
    const short = [
      { ...attachments[0], name: 'cat.jpg', mediaType: 'image/jpeg', url: 'https://example.org/f/1' },
    ];
    expect(connector.assess?.({ ...ask, content: { ...content, attachments: short } })).toMatchObject({
      parts: 1,
      units: 132,
    });
  });

  it('asks to wait where it is late for whoever gets it', () => {
    const more = { quietHours: { from: '21:00', until: '08:00' } };
    const late = assessed('+4915550001234/+12025550100', 'hello', more, new Date('2026-11-20T21:40:00Z'));
    expect(late?.failure).toBeUndefined();
    expect(late?.notBefore).toEqual({
      at: new Date('2026-11-21T07:00:00Z'),
      why: 'It is 22:40 in Germany; quiet hours end at 08:00.',
    });
    expect(assessed('+12025550123/+12025550100', 'hello', more)).not.toHaveProperty('notBefore');
  });

  it('is made in far less than a millisecond', () => {
    const more = { quietHours: { from: '21:00', until: '08:00' }, allowTo: ['US', 'DE', '+447'] };
    assessed('+12025550123/+12025550100', 'hello', more);
    const times = Array.from({ length: 20 }, () => {
      const before = performance.now();
      for (let turn = 0; turn < 20; turn++) assessed('+12025550123/+12025550100', 'hello', more);
      return (performance.now() - before) / 20;
    });
    expect(Math.min(...times)).toBeLessThan(1);
  });
});
