import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { lastAnswer, lastAsk, lastOf } from './0012.js';

const answered = (payload: string) =>
  lastOf(readStanza(`<iq type="result">${payload}</iq>`).getChildElements()[0]);

describe('last activity (XEP-0012)', () => {
  test('says how long ago, and with which words', () => {
    expect(answered(`<query xmlns='jabber:iq:last' seconds='903'>Heading Home</query>`)).toEqual({
      seconds: 903,
      note: 'Heading Home',
    });
    expect(answered(`<query xmlns='jabber:iq:last' seconds='123'/>`)).toEqual({ seconds: 123 });
  });

  test.each([
    `<query xmlns='jabber:iq:last'/>`,
    `<query xmlns='jabber:iq:last' seconds='-5'/>`,
    `<query xmlns='jabber:iq:last' seconds='99999999999999'/>`,
    `<query xmlns='jabber:iq:lost' seconds='5'/>`,
    '',
  ])('%s says nothing', (payload) => {
    expect(answered(payload)).toBeUndefined();
  });

  test('is asked and answered', () => {
    expect(serialise(lastAsk())).toBe('<query xmlns="jabber:iq:last"/>');
    expect(serialise(lastAnswer(12.9))).toBe('<query xmlns="jabber:iq:last" seconds="12"/>');
  });
});
