import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { delay, delaysIn } from './0203.js';

describe('delayed delivery (XEP-0203)', () => {
  test('a delay says when, and who says so', () => {
    expect(
      delaysIn(
        readStanza(
          `<message><body>x</body><delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>Offline Storage</delay></message>`,
        ),
      ),
    ).toEqual([{ at: new Date('2002-09-10T23:08:25Z'), from: 'capulet.com' }]);
    expect(
      delaysIn(
        readStanza(`<message><x xmlns='jabber:x:delay' from='a@b' stamp='20020910T23:08:25'/></message>`),
      ),
    ).toEqual([{ at: new Date('2002-09-10T23:08:25Z'), from: 'a@b' }]);
    expect(serialise(delay(new Date(0), 'a@b'))).toBe(
      '<delay xmlns="urn:xmpp:delay" from="a@b" stamp="1970-01-01T00:00:00.000Z"/>',
    );
  });

  test('several are all told, each with who says so, up to a bound', () => {
    const many = `<delay xmlns='urn:xmpp:delay' from='evil.example' stamp='1970-01-01T00:00:00Z'/>`.repeat(
      50,
    );
    expect(delaysIn(readStanza(`<message>${many}</message>`))).toHaveLength(10);
  });

  test.each([
    `<delay xmlns='urn:xmpp:delay'/>`,
    `<delay xmlns='urn:xmpp:delay' stamp='soon'/>`,
    `<delay xmlns='urn:x' stamp='2002-09-10T23:08:25Z'/>`,
  ])('%s is none', (text) => {
    expect(delaysIn(readStanza(`<message>${text}</message>`))).toEqual([]);
  });
});
