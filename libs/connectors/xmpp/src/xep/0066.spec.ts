import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { oob, oobsIn } from './0066.js';

describe('out of band data (XEP-0066)', () => {
  test('an address goes with a message', () => {
    expect(
      oobsIn(
        readStanza(
          `<message><body>Yeah</body><x xmlns='jabber:x:oob'><url>http://www.jabber.org/images/psa-license.jpg</url><desc>A license to Jabber!</desc></x></message>`,
        ),
      ),
    ).toEqual([{ url: 'http://www.jabber.org/images/psa-license.jpg', description: 'A license to Jabber!' }]);
    expect(serialise(oob('https://example.org/a'))).toBe(
      '<x xmlns="jabber:x:oob"><url>https://example.org/a</url></x>',
    );
  });

  test.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    '',
    'not an address',
    `https://x.example/${'a'.repeat(5_000)}`,
  ])('%s is not taken for one', (url) => {
    expect(oobsIn(readStanza(`<message><x xmlns='jabber:x:oob'><url>${url}</url></x></message>`))).toEqual(
      [],
    );
  });

  test('other namespaces, missing addresses and a flood of them add nothing', () => {
    expect(
      oobsIn(
        readStanza(
          `<message><x xmlns='jabber:iq:oob'><url>https://example.org/</url></x><x xmlns='jabber:x:oob'/></message>`,
        ),
      ),
    ).toEqual([]);
    expect(
      oobsIn(
        readStanza(
          `<message>${`<x xmlns='jabber:x:oob'><url>https://example.org/</url></x>`.repeat(50)}</message>`,
        ),
      ),
    ).toHaveLength(20);
  });
});
