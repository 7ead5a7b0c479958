/*
 * XEP-0045: Multi-User Chat. What a room says of its occupants and what is said to it. Whether an element counts is for
 * the caller: only what comes from the room itself (its bare JID, or an occupant's own full JID) does.
 */
import { xml, type Element } from '../core/xml.js';
import { valueIn, type Form } from './0004.js';
import { isA, type DiscoInfo } from './0030.js';
import {
  attribute,
  childrenOf,
  cut,
  jidIn,
  listOf,
  oneOf,
  textIn,
  wholeNumber,
  worded,
  wordsIn,
} from './reading.js';

export const mucNs = 'http://jabber.org/protocol/muc';
export const mucUserNs = `${mucNs}#user`;
export const mucAdminNs = `${mucNs}#admin`;
export const mucOwnerNs = `${mucNs}#owner`;

const roles = ['moderator', 'participant', 'visitor', 'none'] as const;
const affiliations = ['owner', 'admin', 'member', 'none', 'outcast'] as const;
export type Role = (typeof roles)[number];
export type Affiliation = (typeof affiliations)[number];

/** Status codes (§15.6) that we act on. */
export const status = {
  notAnonymous: 100,
  self: 110,
  created: 201,
  nickChangedByService: 210,
  banned: 301,
  renamed: 303,
  kicked: 307,
  affiliationLost: 321,
  membersOnly: 322,
  shutdown: 332,
  technical: 333,
  configChanged: 104,
} as const;

const mostStatuses = 20;
const mostListed = 5_000;
const mostNick = 1_023;

/** What is said of somebody in a room (§7.2.2, §15.6). */
export interface MucItem {
  readonly role?: Role;
  readonly affiliation?: Affiliation;
  /** Their own address, where the room shows it. */
  readonly jid?: string;
  /** Their nick; in a rename the new one. */
  readonly nick?: string;
  readonly reason?: string;
  /** Who did it. */
  readonly actor?: { readonly jid?: string; readonly nick?: string };
}

export interface MucUser {
  readonly statuses: ReadonlySet<number>;
  readonly item?: MucItem;
  readonly invites: readonly MucInvite[];
  readonly decline?: { readonly from?: string; readonly reason?: string };
  readonly destroyed?: { readonly alternate?: string; readonly reason?: string };
  readonly password?: string;
}

export interface MucInvite {
  /** Who invites, as the room says it. */
  readonly from?: string;
  readonly reason?: string;
}

/** What a room has added to a presence or message; undefined where it has added nothing. */
export function mucUserIn(stanza: Element): MucUser | undefined {
  const x = stanza.getChild('x', mucUserNs);
  if (x === undefined) return undefined;
  const [item] = mucItemsIn(x, mucUserNs, 1);
  const decline = x.getChild('decline', mucUserNs);
  const destroy = x.getChild('destroy', mucUserNs);
  const password = textIn(x, 'password', mucUserNs);
  const alternate = destroy && jidIn(destroy, 'jid');
  return {
    statuses: new Set(
      listOf(x, 'status', mucUserNs, mostStatuses, (code) => wholeNumber(attribute(code, 'code'), 999)),
    ),
    ...(item !== undefined && { item }),
    invites: childrenOf(x, 'invite', mucUserNs, 5).map(spokenFor),
    ...(decline !== undefined && { decline: spokenFor(decline) }),
    ...(destroy !== undefined && {
      destroyed: { ...(alternate !== undefined && { alternate }), ...reasonIn(destroy) },
    }),
    ...(password !== undefined && { password }),
  };
}

function spokenFor(element: Element): MucInvite {
  const from = jidIn(element, 'from');
  return { ...(from !== undefined && { from }), ...reasonIn(element) };
}

function reasonIn(element: Element): { readonly reason?: string } {
  const reason = wordsIn(element, 'reason', element.attrs['xmlns'] ?? mucUserNs);
  return reason === undefined ? {} : { reason };
}

function mucItemsIn(parent: Element, ns: string, most: number): readonly MucItem[] {
  return childrenOf(parent, 'item', ns, most).map((item) => {
    const role = oneOf(attribute(item, 'role'), roles);
    const affiliation = oneOf(attribute(item, 'affiliation'), affiliations);
    const jid = jidIn(item, 'jid');
    const nick = attribute(item, 'nick', mostNick);
    const actor = item.getChild('actor', ns);
    const actorJid = actor && jidIn(actor, 'jid');
    const actorNick = actor && attribute(actor, 'nick', mostNick);
    return {
      ...(role !== undefined && { role }),
      ...(affiliation !== undefined && { affiliation }),
      ...(jid !== undefined && { jid }),
      ...(nick !== undefined && { nick }),
      ...reasonIn(item),
      ...(actor !== undefined && {
        actor: {
          ...(actorJid !== undefined && { jid: actorJid }),
          ...(actorNick !== undefined && { nick: actorNick }),
        },
      }),
    };
  });
}

export interface JoinAsk {
  readonly password?: string;
  /** How much of what was said before is wanted (§7.2.14): at most so many, or none at all with 0; and not from before. */
  readonly most?: number;
  readonly since?: Date;
}

/** What makes a presence to `room/nick` a join (§7.2.2). */
export function joining({ password, most, since }: JoinAsk = {}): Element {
  const history = most === 0 ? { maxchars: 0 } : { maxstanzas: most, since: since?.toISOString() };
  return xml(
    'x',
    { xmlns: mucNs },
    (most ?? since) === undefined ? undefined : xml('history', history),
    worded('password', password),
  );
}

/**
 * The subject that a message sets (§8.1): the empty text takes it away. Undefined where the message sets none: one with a
 * body or a thread only says what it is about.
 */
export function subjectIn(message: Element): string | undefined {
  const ns = message.attrs['xmlns'] ?? '';
  const subject = message.getChild('subject', ns);
  if (subject === undefined || message.getChild('body', ns) !== undefined) return undefined;
  if (message.getChild('thread', ns) !== undefined) return undefined;
  return cut(subject.getText(), 16_384) ?? '';
}

/** Invites somebody through the room (§7.8.2); goes in a message to it. */
export function inviting(to: string, reason?: string): Element {
  return xml('x', { xmlns: mucUserNs }, xml('invite', { to }, worded('reason', reason)));
}

/** Declines an invitation through the room (§7.8.2); `to` is who invited. */
export function declining(to: string, reason?: string): Element {
  return xml('x', { xmlns: mucUserNs }, xml('decline', { to }, worded('reason', reason)));
}

/** A message to `room/nick` is private (§7.5): marked, so that our server's copies to our other devices show it right. */
export function privately(): Element {
  return xml('x', { xmlns: mucUserNs });
}

export type ListChange =
  | { readonly nick: string; readonly role: Role; readonly reason?: string }
  | { readonly jid: string; readonly affiliation: Affiliation; readonly reason?: string };

/** Changes roles (kick, voice: §8.2 to §8.4, §9.6) or affiliations (ban, membership: §9.1 to §9.5); goes in an iq set. */
export function changing(changes: readonly ListChange[]): Element {
  return xml(
    'query',
    { xmlns: mucAdminNs },
    ...changes.map(({ reason, ...item }) => xml('item', item, worded('reason', reason))),
  );
}

/** Asks for the list of those with an affiliation or a role (§9.2, §9.5); goes in an iq get. */
export function listAsk(of: { readonly affiliation: Affiliation } | { readonly role: Role }): Element {
  return xml('query', { xmlns: mucAdminNs }, xml('item', of));
}

/** Reads such a list, at most 5,000 of it; undefined where it is none. */
export function listOfQuery(query: Element | undefined): readonly MucItem[] | undefined {
  return query?.is('query', mucAdminNs) === true ? mucItemsIn(query, mucAdminNs, mostListed) : undefined;
}

/** Asks for the form that configures a room (§10.2), or with a form answers it. An empty form accepts the defaults (§10.1.2). */
export function ownerQuery(form?: Element): Element {
  return xml('query', { xmlns: mucOwnerNs }, form);
}

/** Destroys a room (§10.9). */
export function destroying(reason?: string, alternate?: string): Element {
  return ownerQuery(xml('destroy', { jid: alternate }, worded('reason', reason)));
}

/** What a room says of itself before it is entered (§6.4, §15.3). */
export interface RoomInfo {
  readonly name?: string;
  readonly description?: string;
  readonly subject?: string;
  readonly occupants?: number;
  readonly features: ReadonlySet<string>;
  readonly membersOnly: boolean;
  readonly moderated: boolean;
  readonly hidden: boolean;
  readonly passwordProtected: boolean;
  readonly persistent: boolean;
  /** Everybody sees everybody's own address. */
  readonly nonAnonymous: boolean;
}

/** Reads what a room says of itself; undefined where it is no room. A room has a local part: a service has the same identity. */
export function roomInfoOf(info: DiscoInfo): RoomInfo | undefined {
  const features = new Set(info.features);
  if (!isA(info, 'conference') || !features.has(mucNs)) return undefined;
  const form: Form | undefined = info.forms.find(({ formType }) => formType === `${mucNs}#roominfo`);
  const name = cut(
    valueIn(form, 'muc#roomconfig_roomname') ??
      info.identities.find(({ category }) => category === 'conference')?.name,
    512,
  );
  const description = cut(valueIn(form, 'muc#roominfo_description'), 4_096);
  const subject = cut(valueIn(form, 'muc#roominfo_subject'), 4_096);
  const occupants = wholeNumber(valueIn(form, 'muc#roominfo_occupants'));
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(subject !== undefined && { subject }),
    ...(occupants !== undefined && { occupants }),
    features,
    membersOnly: features.has('muc_membersonly'),
    moderated: features.has('muc_moderated'),
    hidden: features.has('muc_hidden'),
    passwordProtected: features.has('muc_passwordprotected'),
    persistent: features.has('muc_persistent'),
    nonAnonymous: features.has('muc_nonanonymous'),
  };
}
