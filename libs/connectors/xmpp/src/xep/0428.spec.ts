import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { fallbackFor, fallbackIn, without } from './0428.js';

const message = (text: string) => readStanza(`<message><body>x</body>${text}</message>`);
const fallback = (content: string) =>
  fallbackIn(
    message(`<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>${content}</fallback>`),
    'urn:xmpp:reply:0',
  );

describe('fallback (XEP-0428)', () => {
  test('a stretch of a body is fallback for one XEP, and the rest is kept', () => {
    const body = '> Anna wrote:\n> Hi, how are you?\nGreat';
    const ranges = fallback(`<body start='0' end='33'/>`);
    expect(ranges).toEqual([{ start: 0, end: 33 }]);
    expect(without(body, ranges ?? 'whole')).toBe('Great');
    expect(
      fallbackIn(message(`<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'/>`), 'urn:xmpp:reply:0'),
    ).toBeUndefined();
  });

  test('offsets count code points', () => {
    expect(without('😀😀ab', [{ start: 0, end: 2 }])).toBe('ab');
  });

  test.each(['', '<body/>'])('without a stretch all of the body is fallback: %j', (content) => {
    expect(fallback(content)).toBe('whole');
  });

  test.each([
    `<subject/>`,
    `<body start='5' end='2'/>`,
    `<body start='a' end='b'/>`,
    `<body start='-1' end='2'/>`,
    `<body xmlns='urn:evil'/>`,
  ])('%s takes nothing away', (content) => {
    expect(fallback(content)).toBeUndefined();
  });

  test('stretches that overlap or lie outside do no harm', () => {
    expect(
      without('abcdef', [
        { start: 0, end: 3 },
        { start: 1, end: 2 },
        { start: 5, end: 900 },
      ]),
    ).toBe('de');
    expect(without('abc', [{ start: 90, end: 100 }])).toBe('abc');
  });

  test('is said', () => {
    expect(serialise(fallbackFor('urn:xmpp:reply:0', { start: 0, end: 33 }))).toBe(
      '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="33"/></fallback>',
    );
    expect(serialise(fallbackFor('urn:xmpp:sfs:0'))).toBe(
      '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:sfs:0"/>',
    );
  });
});
