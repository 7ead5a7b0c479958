/*
 * RFC 6121: roster and presence. Who is on the roster, who may see whom, and how reachable somebody is. Whether an
 * element counts is for the caller (§2.1.6: a roster push from nobody but our own account).
 */
import type { Presence, PresenceState } from '#model';
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, cut, isTrue, jidIn, listOf, oneOf, worded, wordsOf } from './reading.js';

export const rosterNs = 'jabber:iq:roster';
/** The stream features by which a server says what its roster can do (§2.6, §3.4). */
export const rosterVersionsNs = 'urn:xmpp:features:rosterver';
export const preApprovalNs = 'urn:xmpp:features:pre-approval';

const mostItems = 20_000;
const mostGroups = 100;
const mostName = 512;

const subscriptions = ['none', 'to', 'from', 'both', 'remove'] as const;

export interface RosterItem {
  /** As it is written. */
  readonly jid: string;
  readonly name?: string;
  /** `to`: we see their presence; `from`: they see ours; `remove`, in a push alone: they are off the roster. */
  readonly subscription: (typeof subscriptions)[number];
  /** We have asked to see their presence, and wait. */
  readonly asked: boolean;
  /** They may see ours as soon as they ask (§3.4). */
  readonly approved: boolean;
  readonly groups: readonly string[];
}

export interface Roster {
  /** What to say when asking again (§2.6). */
  readonly version?: string;
  readonly items: readonly RosterItem[];
}

/** Asks for the roster; with a version, even the empty one, for what has changed since (§2.6.2). Goes in an iq get. */
export function rosterAsk(version?: string): Element {
  return xml('query', { xmlns: rosterNs, ver: version });
}

/** Reads a roster or a push of it; undefined where it is none. */
export function rosterOf(query: Element | undefined): Roster | undefined {
  if (query?.is('query', rosterNs) !== true) return undefined;
  const version: unknown = query.attrs['ver'];
  return {
    ...(typeof version === 'string' && version.length <= 1_024 && { version }),
    items: listOf(query, 'item', rosterNs, mostItems, itemOf),
  };
}

function itemOf(item: Element): RosterItem | undefined {
  const jid = jidIn(item, 'jid');
  if (jid === undefined) return undefined;
  const name = wordsOf(item, 'name', mostName);
  const groups = childrenOf(item, 'group', rosterNs, mostGroups).flatMap(
    (group) => cut(group.getText(), mostName) ?? [],
  );
  return {
    jid,
    ...(name !== undefined && { name }),
    subscription: oneOf(attribute(item, 'subscription'), subscriptions) ?? 'none',
    asked: item.attrs['ask'] === 'subscribe',
    approved: isTrue(attribute(item, 'approved')),
    groups: [...new Set(groups)],
  };
}

/** Puts somebody on the roster, or changes their name and groups there (§2.3, §2.4); goes in an iq set. */
export function rosterItem({ jid, name, groups }: Pick<RosterItem, 'jid' | 'name' | 'groups'>): Element {
  return xml(
    'query',
    { xmlns: rosterNs },
    xml(
      'item',
      { jid, name },
      groups.map((group) => xml('group', {}, group)),
    ),
  );
}

/** Takes somebody off the roster, with all subscriptions (§2.5); goes in an iq set. */
export function rosterRemoval(jid: string): Element {
  return xml('query', { xmlns: rosterNs }, xml('item', { jid, subscription: 'remove' }));
}

const subscribing = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const;
/** Asks to see somebody's presence, lets them see ours, and takes either back (§3). */
export type Subscribing = (typeof subscribing)[number];

/** The step that a presence stanza takes; undefined where it takes none. */
export function subscribingOf(presence: Element): Subscribing | undefined {
  return oneOf(attribute(presence, 'type'), subscribing);
}

/** A step to take with somebody. A `status` goes with asking (§3.1.1), and a nick (XEP-0172) may. */
export function subscription(to: string, step: Subscribing, status?: string, ...others: Element[]): Element {
  return xml('presence', { to, type: step }, worded('status', status), ...others);
}

const shows = { chat: 'chatty', away: 'away', xa: 'extended-away', dnd: 'busy' } as const satisfies Record<
  string,
  Presence
>;

export interface ResourcePresence {
  readonly presence: Exclude<Presence, 'unknown'>;
  readonly note?: string;
  /** From -128 to 127; who has a negative one gets nothing that is sent to the account (§4.7.2.3). */
  readonly priority: number;
}

/** How reachable one resource says it is; undefined where the presence says something else (a subscription, an error). */
export function presenceOf(stanza: Element): ResourcePresence | undefined {
  const type = stanza.attrs['type'];
  if (type !== undefined && type !== 'unavailable') return undefined;
  const ns = stanza.attrs['xmlns'];
  const show = oneOf(
    stanza.getChild('show', ns)?.getText().trim(),
    Object.keys(shows) as (keyof typeof shows)[],
  );
  const note = cut(stanza.getChild('status', ns)?.getText(), 1_024);
  return {
    // A word that is none of the four is as if there were none (§4.7.2.1).
    presence: type === 'unavailable' ? 'offline' : show === undefined ? 'available' : shows[show],
    ...(note !== undefined && { note }),
    priority: priorityOf(stanza.getChild('priority', ns)?.getText()),
  };
}

/** What is no priority, or lies outside of what one may be, is as if there were none: 0 (§4.7.2.3). */
function priorityOf(text: string | undefined): number {
  const number = text !== undefined && /^\s*[+-]?\d{1,3}\s*$/.test(text) ? Number(text) : 0;
  return number >= -128 && number <= 127 ? number : 0;
}

/**
 * Our own presence, to everybody who may see it or, with `to`, to one. `unknown` is nothing that can be told: it goes out
 * as `available`.
 * @param others goes with it: capabilities, the picture's hash.
 */
export function presence(
  { presence: state, note }: PresenceState,
  { to, priority }: { readonly to?: string; readonly priority?: number } = {},
  ...others: readonly (Element | undefined)[]
): Element {
  const offline = state === 'offline';
  const show = Object.entries(shows).find(([, word]) => word === state)?.[0];
  return xml(
    'presence',
    { to, type: offline ? 'unavailable' : undefined },
    worded('show', show),
    worded('status', note),
    worded('priority', offline || priority === undefined ? undefined : String(priority)),
    ...others,
  );
}
