import { describe, expect, it } from '@jest/globals';
import { consentIn } from './consent-words.js';

const none = { words: { out: [], in: [], help: [] }, answers: {} };

function actOf(text: string): string | undefined {
  return consentIn(text, 'direct', none)?.act;
}

describe('consent words', () => {
  it.each([
    ['out', ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'ARRET']],
    ['in', ['START', 'UNSTOP']],
    ['help', ['HELP', 'INFO']],
  ])('ask for %s: %j', (act, words) => {
    for (const word of words) expect(actOf(word)).toBe(act);
  });

  it.each([
    'stop',
    'Stop.',
    ' STOP! ',
    '"stop"',
    '‘Stop’',
    '«Arrêt»',
    'ＳＴＯＰ',
    'stop all',
    'Opt-out',
    'opt out',
    'Stop 😡',
    'STOP\n',
    '\u200bSTOP',
    'S.T.O.P.',
  ])('count however they are dressed: %j', (text) => {
    expect(actOf(text)).toBe('out');
  });

  it.each([
    'please stop sending',
    'Stop it',
    'do not stop',
    'STOP 1',
    'stopp',
    'yes',
    'the end',
    'startup',
    '',
    '!!!',
    '\ud800',
    `stop${' '.repeat(200)}`,
    'stop'.repeat(100_000),
  ])('are not found in what says something else: %j', (text) => {
    expect(actOf(text)).toBeUndefined();
  });

  it('are nothing in a group: they are said to the others', () => {
    expect(consentIn('STOP', 'room', none)).toBeUndefined();
  });

  it('may be an account’s own, in any script, and answered in its own words', () => {
    const own = {
      words: { out: ['abmelden', 'СТОП'], in: ['los'], help: [] },
      answers: { out: 'Abgemeldet.', help: ' ' },
    };
    expect(consentIn('Abmelden!', 'direct', own)).toEqual({ act: 'out', answer: 'Abgemeldet.' });
    expect(consentIn('стоп', 'direct', own)).toEqual({ act: 'out', answer: 'Abgemeldet.' });
    expect(consentIn('Los', 'direct', own)).toMatchObject({
      act: 'in',
      answer: expect.stringMatching(/STOP/),
    });
    expect(consentIn('help', 'direct', own)).toEqual({ act: 'help' });
    expect(consentIn('stop', 'direct', own)).toEqual({ act: 'out', answer: 'Abgemeldet.' });
  });

  it('are taken for the wish to be left alone where an account uses one for more', () => {
    const own = { words: { out: [], in: ['stop'], help: ['STOP'] }, answers: {} };
    expect(consentIn('stop', 'direct', own)).toMatchObject({ act: 'out' });
  });

  it('are answered with what can be done, in one part', () => {
    for (const word of ['stop', 'start', 'help']) {
      const { answer = '' } = consentIn(word, 'direct', none) ?? {};
      expect(answer.length).toBeLessThanOrEqual(160);
      expect(answer).toMatch(/START|STOP/);
    }
  });
});
