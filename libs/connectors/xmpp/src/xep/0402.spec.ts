import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { bookmarking, bookmarkOf, oldBookmarks, oldBookmarksOf } from './0402.js';
import { itemsIn } from './0060.js';

const payload = (text: string) => readStanza(`<iq type='result'>${text}</iq>`).getChildElements()[0];
const items = (text: string) =>
  itemsIn(
    payload(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'>${text}</items></pubsub>`,
    ),
    'urn:xmpp:bookmarks:1',
  ) ?? [];
const orchard = `<item id='orchard@conference.shakespeare.lit'><conference xmlns='urn:xmpp:bookmarks:1' name='The Orcard' autojoin='1'><nick>JC</nick><extensions><state xmlns='http://myclient.example/bookmark/state' minimized='true'/></extensions></conference></item>`;

describe('bookmarks (XEP-0402)', () => {
  test('are read from items whose id is the room', () => {
    const [play, bare] =
      items(`<item id='theplay@conference.shakespeare.lit'><conference xmlns='urn:xmpp:bookmarks:1' name='The Play&apos;s the Thing' autojoin='true'><nick>JC</nick></conference></item>
      <item id='a@b'><conference xmlns='urn:xmpp:bookmarks:1'/></item>`).map(bookmarkOf);
    expect(play).toEqual({
      jid: 'theplay@conference.shakespeare.lit',
      name: "The Play's the Thing",
      autojoin: true,
      nick: 'JC',
    });
    expect(bare).toEqual({ jid: 'a@b', autojoin: false });
  });

  test('what other clients keep in a bookmark is kept when we change it', () => {
    const [bookmark] = items(orchard).map(bookmarkOf);
    const changed = bookmark && serialise(bookmarking({ ...bookmark, name: 'The Orchard' }));
    expect(changed).toContain(
      '<publish node="urn:xmpp:bookmarks:1"><item id="orchard@conference.shakespeare.lit"><conference xmlns="urn:xmpp:bookmarks:1" name="The Orchard" autojoin="true"><nick>JC</nick><extensions><state xmlns="http://myclient.example/bookmark/state" minimized="true"/></extensions></conference></item></publish>',
    );
    for (const option of [
      'persist_items"><value>true',
      'max_items"><value>max',
      'send_last_published_item"><value>never',
      'access_model"><value>whitelist',
    ])
      expect(changed).toContain(option);
  });

  test('too large extensions are not carried about', () => {
    const [bookmark] = items(
      `<item id='a@b'><conference xmlns='urn:xmpp:bookmarks:1'><extensions><x xmlns='urn:x'>${'x'.repeat(20_000)}</x></extensions></conference></item>`,
    ).map(bookmarkOf);
    expect(bookmark?.extensions).toBeUndefined();
  });

  test.each([
    `<item><conference xmlns='urn:xmpp:bookmarks:1'/></item>`,
    `<item id='a@b'><conference xmlns='urn:xmpp:bookmarks:0'/></item>`,
    `<item id='a@b'/>`,
  ])('%s is none', (item) => {
    expect(items(item).map(bookmarkOf)).toEqual([undefined]);
  });
});

describe('bookmarks of old (XEP-0048)', () => {
  test('are one list', () => {
    const storage = payload(
      `<storage xmlns='storage:bookmarks'><conference name='Council of Oberon' autojoin='true' jid='council@conference.underhill.org'><nick>Puck</nick></conference><url name='Complete Works' url='http://example.org/'/><conference name='nowhere'/></storage>`,
    );
    const bookmarks = oldBookmarksOf(storage);
    expect(bookmarks).toEqual([
      { jid: 'council@conference.underhill.org', name: 'Council of Oberon', autojoin: true, nick: 'Puck' },
    ]);
    expect(oldBookmarksOf(payload(serialise(oldBookmarks(bookmarks))))).toEqual(bookmarks);
    expect(oldBookmarksOf(payload(`<storage xmlns='storage:evil'/>`))).toEqual([]);
    expect(oldBookmarksOf(undefined)).toEqual([]);
  });
});
