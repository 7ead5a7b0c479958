/* Who may see whom (RFC 6121 §3), and the roster in which it is written (RFC 6121 §2, XEP-0237). */
import type { Account, RosterItem } from './account.js';
import { jid } from './addresses.js';
import { all, copy, el, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import { addressed, type Session } from './session.js';
import { bounce, payload, result } from './stanzas.js';
import type { World } from './world.js';

type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

function item(account: Account, bare: string): RosterItem {
  const found = account.roster.get(bare) ?? {
    jid: bare,
    groups: [],
    subscription: 'none',
    ask: false,
    approved: false,
  };
  account.roster.set(bare, found);
  return found;
}

function itemElement({ jid, name, subscription, ask, approved, groups }: RosterItem): Element {
  return el(
    'item',
    { jid, name, subscription, ask: ask ? 'subscribe' : undefined, approved: approved ? 'true' : undefined },
    ...groups.map((group) => el('group', {}, group)),
  );
}

/** Tells every session that has asked for the roster what has changed. */
function push(world: World, account: Account, changed: Element): void {
  const ver = String(++account.rosterVersion);
  for (const session of account.sessions.values()) {
    if (!session.wantsRoster) continue;
    const query = el('query', { xmlns: ns.roster, ver }, copy(changed));
    session.deliver(stanza('iq', { type: 'set', id: world.nextId('push-'), to: session.full }, query));
  }
}

function changed(world: World, account: Account, one: RosterItem): void {
  push(world, account, itemElement(one));
}

const sides = { to: { none: 'to', from: 'both' }, from: { none: 'from', to: 'both' } } as const;

/** Gives a side of a subscription to an item, or takes it away. */
function side(one: RosterItem, which: 'to' | 'from', isGiven: boolean): void {
  const has = one.subscription === which || one.subscription === 'both';
  if (has === isGiven) return;
  const other = which === 'to' ? 'from' : 'to';
  if (!isGiven) one.subscription = one.subscription === 'both' ? other : 'none';
  else if (one.subscription === 'none' || one.subscription === other) {
    one.subscription = one.subscription === 'none' ? sides[which].none : 'both';
  }
}

function sees(one: RosterItem | undefined, which: 'to' | 'from'): boolean {
  return one?.subscription === which || one?.subscription === 'both';
}

/** Answers a question about the roster. */
export function roster(world: World, session: Session, iq: Element): void {
  const { account } = session;
  const query = payload(iq);
  if (iq.attrs['type'] === 'get') {
    session.wantsRoster = true;
    const ver = query?.attrs['ver'];
    const isVersioned = world.has('roster-versioning') && ver !== undefined;
    if (isVersioned && ver === String(account.rosterVersion)) {
      session.deliver(result(iq));
      return;
    }
    const items = [...account.roster.values()].map(itemElement);
    const known = isVersioned ? String(account.rosterVersion) : undefined;
    session.deliver(result(iq, el('query', { xmlns: ns.roster, ver: known }, ...items)));
    return;
  }
  const [given, ...more] = all(query, 'item');
  const bare = jid(given?.attrs['jid'] ?? '')?.bare;
  if (given === undefined || bare === undefined || more.length > 0) {
    session.deliver(bounce(iq, 'modify', 'bad-request'));
    return;
  }
  if (given.attrs['subscription'] === 'remove') {
    remove(world, session, iq, bare);
    return;
  }
  const one = item(account, bare);
  const name = given.attrs['name'];
  if (name === undefined || name === '') delete one.name;
  else one.name = name;
  one.groups = [...new Set(all(given, 'group').map((group) => text(group)))];
  session.deliver(result(iq));
  changed(world, account, one);
}

function remove(world: World, session: Session, iq: Element, bare: string): void {
  const { account } = session;
  const one = account.roster.get(bare);
  if (one === undefined) {
    session.deliver(bounce(iq, 'cancel', 'item-not-found'));
    return;
  }
  // RFC 6121 §2.5.2: what there was between the two ends with it.
  if (sees(one, 'to')) outbound(world, account, bare, 'unsubscribe');
  if (sees(one, 'from')) outbound(world, account, bare, 'unsubscribed');
  account.roster.delete(bare);
  session.deliver(result(iq));
  push(world, account, el('item', { jid: bare, subscription: 'remove' }));
}

/** A session asks somebody, or answers them. */
export function subscription(world: World, session: Session, given: Element, type: SubscriptionType): void {
  const bare = jid(given.attrs['to'] ?? '')?.bare;
  if (bare !== undefined) outbound(world, session.account, bare, type, given);
}

function outbound(
  world: World,
  account: Account,
  bare: string,
  type: SubscriptionType,
  given: Element = stanza('presence', {}),
): void {
  const one = type === 'subscribe' || type === 'subscribed' ? item(account, bare) : account.roster.get(bare);
  switch (type) {
    case 'subscribe':
      if (one !== undefined && !sees(one, 'to')) one.ask = true;
      break;
    case 'subscribed':
      if (one === undefined) return;
      if (!account.asking.delete(bare)) {
        // Nobody has asked: they may as soon as they do (RFC 6121 §3.4).
        if (!sees(one, 'from') && world.has('pre-approval')) {
          one.approved = true;
          changed(world, account, one);
        }
        return;
      }
      side(one, 'from', true);
      break;
    case 'unsubscribe':
      if (one !== undefined) {
        side(one, 'to', false);
        one.ask = false;
      }
      break;
    case 'unsubscribed':
      account.asking.delete(bare);
      if (one !== undefined) {
        one.approved = false;
        if (sees(one, 'from')) hide(world, account, bare);
        side(one, 'from', false);
      }
  }
  if (one !== undefined) changed(world, account, one);
  const sent = copy(given, { from: account.bare, to: bare, type });
  inbound(world, account, bare, sent, type);
  if (type === 'subscribed') show(world, account, bare);
}

/** What the other side's server does with it. */
function inbound(world: World, from: Account, bare: string, given: Element, type: SubscriptionType): void {
  const account = world.account(bare);
  if (account === undefined) {
    if (type === 'subscribe') refused(world, from, bare);
    return;
  }
  if (account.blocks(from.bare)) return;
  const one = account.roster.get(from.bare);
  switch (type) {
    case 'subscribe':
      if (sees(one, 'from') || one?.approved === true) {
        if (one !== undefined && !sees(one, 'from')) {
          side(one, 'from', true);
          one.approved = false;
          changed(world, account, one);
        }
        inbound(
          world,
          account,
          from.bare,
          stanza('presence', { from: account.bare, to: from.bare, type: 'subscribed' }),
          'subscribed',
        );
        show(world, account, from.bare);
        return;
      }
      account.asking.set(from.bare, given);
      break;
    case 'subscribed':
      if (one?.ask !== true) return;
      one.ask = false;
      side(one, 'to', true);
      changed(world, account, one);
      break;
    case 'unsubscribe':
      if (!account.asking.delete(from.bare) && !sees(one, 'from')) return;
      if (one !== undefined) {
        side(one, 'from', false);
        changed(world, account, one);
      }
      hide(world, account, from.bare);
      break;
    case 'unsubscribed':
      if (one === undefined || (!one.ask && !sees(one, 'to'))) return;
      one.ask = false;
      side(one, 'to', false);
      changed(world, account, one);
  }
  for (const session of account.available) session.deliver(given);
}

/** There is nobody of that name (RFC 6121 §3.1.3). */
function refused(world: World, asker: Account, bare: string): void {
  const one = asker.roster.get(bare);
  if (one !== undefined) {
    one.ask = false;
    changed(world, asker, one);
  }
  const answer = stanza('presence', { from: bare, to: asker.bare, type: 'unsubscribed' });
  for (const session of asker.available) session.deliver(answer);
}

function show(world: World, account: Account, bare: string): void {
  for (const { presence } of account.available) {
    if (presence === undefined) continue;
    for (const session of world.account(bare)?.available ?? []) {
      session.deliver(addressed(presence, session.full));
    }
  }
}

function hide(world: World, account: Account, bare: string): void {
  for (const { full } of account.available) {
    for (const session of world.account(bare)?.available ?? []) {
      session.deliver(stanza('presence', { type: 'unavailable', from: full, to: session.full }));
    }
  }
}
