import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { page, pageIn } from './0059.js';

const set = (text: string) =>
  readStanza(`<iq><query xmlns="urn:q">${text}</query></iq>`).getChildElements()[0];

describe('pages (XEP-0059)', () => {
  test.each([
    [
      `<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>stpeter@jabber.org</first><last>peterpan@neverland.lit</last><count>800</count></set>`,
      { first: 'stpeter@jabber.org', firstIndex: 0, last: 'peterpan@neverland.lit', count: 800 },
    ],
    [`<set xmlns='http://jabber.org/protocol/rsm'><count>790</count></set>`, { count: 790 }],
    [
      `<set xmlns='http://jabber.org/protocol/rsm'><first index='minus'>a</first><last>b</last><count>many</count></set>`,
      { first: 'a', last: 'b' },
    ],
    [`<set xmlns='http://jabber.org/protocol/rsm'><last>${'x'.repeat(5_000)}</last></set>`, {}],
    [`<set xmlns='urn:evil'><last>b</last></set>`, undefined],
    ['', undefined],
  ])('%# is read', (text, found) => {
    expect(pageIn(set(text) ?? readStanza('<iq/>'))).toEqual(found);
  });

  test.each([
    [page({ max: 10 }), '<set xmlns="http://jabber.org/protocol/rsm"><max>10</max></set>'],
    [
      page({ max: 10, after: 'p' }),
      '<set xmlns="http://jabber.org/protocol/rsm"><max>10</max><after>p</after></set>',
    ],
    [
      page({ max: 10, before: '' }),
      '<set xmlns="http://jabber.org/protocol/rsm"><max>10</max><before/></set>',
    ],
    [
      page({ max: 10, before: 'p' }),
      '<set xmlns="http://jabber.org/protocol/rsm"><max>10</max><before>p</before></set>',
    ],
  ])('%# is asked for as the examples say', (element, text) => {
    expect(serialise(element)).toBe(text);
  });
});
