/*
 * XEP-0402: PEP Native Bookmarks, and XEP-0048: Bookmarks, which it follows. The rooms that an account wants to be in,
 * known to all its devices. What other clients keep in a bookmark (`extensions`) is kept when we change it (§4.2).
 */
import { serialise, xml, type Element } from '../core/xml.js';
import type { FieldValue } from './0004.js';
import { publishing, type PubsubItem } from './0060.js';
import { attribute, isTrue, jidIn, listOf, textIn, worded, wordsOf } from './reading.js';

export const bookmarksNs = 'urn:xmpp:bookmarks:1';
/** Where bookmarks lay before (XEP-0048), as one list. */
export const oldBookmarksNs = 'storage:bookmarks';

const mostBookmarks = 1_000;
/** Longest extensions that are kept, in characters of XML; longer ones are not ours to carry about. */
const mostExtensions = 16_384;

export interface Bookmark {
  /** The room, as it is written. */
  readonly jid: string;
  readonly name?: string;
  readonly autojoin: boolean;
  readonly nick?: string;
  readonly password?: string;
  /** What other clients keep with it. */
  readonly extensions?: Element;
}

/** Reads an item of the node (§3); its id is the room. Undefined where it is no bookmark. */
export function bookmarkOf({ id, payload }: PubsubItem): Bookmark | undefined {
  if (id === undefined || payload?.is('conference', bookmarksNs) !== true) return undefined;
  const extensions = payload.getChild('extensions', bookmarksNs);
  const carried = extensions !== undefined && serialise(extensions).length <= mostExtensions;
  return { jid: id, ...conferenceOf(payload, bookmarksNs), ...(carried && { extensions }) };
}

/** Reads the one list of old (XEP-0048); empty where it is none. */
export function oldBookmarksOf(storage: Element | undefined): readonly Bookmark[] {
  if (storage?.is('storage', oldBookmarksNs) !== true) return [];
  return listOf(storage, 'conference', oldBookmarksNs, mostBookmarks, (conference) => {
    const jid = jidIn(conference, 'jid');
    return jid === undefined ? undefined : { jid, ...conferenceOf(conference, oldBookmarksNs) };
  });
}

function conferenceOf(conference: Element, ns: string): Omit<Bookmark, 'jid' | 'extensions'> {
  const name = wordsOf(conference, 'name', 512);
  const nick = textIn(conference, 'nick', ns, 1_023);
  const password = textIn(conference, 'password', ns);
  return {
    ...(name !== undefined && { name }),
    autojoin: isTrue(attribute(conference, 'autojoin')),
    ...(nick !== undefined && { nick }),
    ...(password !== undefined && { password }),
  };
}

/** How the node must be (§3.3): kept, whole, not sent unasked, seen by nobody else. */
export const bookmarkOptions: Readonly<Record<string, FieldValue>> = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
};

/** What some servers alone know of these as options of a publication; the rest is said to the node (`configuring`). */
export const leastBookmarkOptions: Readonly<Record<string, FieldValue>> = {
  'pubsub#persist_items': 'true',
  'pubsub#access_model': 'whitelist',
};

/**
 * Adds or changes a bookmark (§3.3); goes in an iq set.
 * @param options how the node must be; not less than what keeps others from seeing it.
 */
export function bookmarking(bookmark: Bookmark, options = bookmarkOptions): Element {
  const { jid, extensions } = bookmark;
  const payload = conference(bookmark, { xmlns: bookmarksNs });
  if (extensions !== undefined) payload.append(extensions);
  return publishing(bookmarksNs, payload, jid, options);
}

/** The one list of old; goes into private storage (XEP-0049) or an item `current`. */
export function oldBookmarks(bookmarks: readonly Bookmark[]): Element {
  return xml(
    'storage',
    { xmlns: oldBookmarksNs },
    ...bookmarks.map((bookmark) => conference(bookmark, { jid: bookmark.jid })),
  );
}

function conference(
  { name, autojoin, nick, password }: Bookmark,
  attributes: Readonly<Record<string, string>>,
): Element {
  return xml(
    'conference',
    { ...attributes, name, autojoin: autojoin ? 'true' : 'false' },
    worded('nick', nick),
    worded('password', password),
  );
}
