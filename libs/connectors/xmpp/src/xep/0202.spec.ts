import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { timeAnswer, timeAsk, timeOf } from './0202.js';

const answered = (text: string) => timeOf(readStanza(`<iq>${text}</iq>`).getChildElements()[0]);

describe('entity time (XEP-0202)', () => {
  test('an answer tells the moment and how far the place is from UTC', () => {
    expect(
      answered(`<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>`),
    ).toEqual({ at: new Date('2006-12-19T17:58:35Z'), offsetMinutes: -360 });
    expect(
      answered(`<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>2006-12-19T17:58:35Z</utc></time>`)
        ?.offsetMinutes,
    ).toBe(0);
  });

  test.each([
    `<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo></time>`,
    `<time xmlns='urn:xmpp:time'><utc>2006-12-19T17:58:35Z</utc></time>`,
    `<time xmlns='urn:evil'/>`,
    '',
  ])('%s tells nothing', (text) => {
    expect(answered(text)).toBeUndefined();
  });

  test('ours does not tell where we are', () => {
    expect(serialise(timeAnswer(new Date('2006-12-19T17:58:35.123Z')))).toBe(
      '<time xmlns="urn:xmpp:time"><tzo>+00:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>',
    );
    expect(serialise(timeAsk())).toBe('<time xmlns="urn:xmpp:time"/>');
  });
});
