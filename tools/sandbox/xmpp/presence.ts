/* Presence of people (RFC 6121 §4), and what happens when a session begins to be seen and ends. */
import type { Account } from './account.js';
import { child, copy, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import { showNodes, tellInterests } from './nodes.js';
import { subscription } from './subscriptions.js';
import { addressed, type Session } from './session.js';
import { bounce, delay } from './stanzas.js';
import type { World } from './world.js';

/** Presence that a session sends to everybody or to a person. */
export function presence(world: World, session: Session, given: Element): void {
  const { to, type } = given.attrs;
  if (to === undefined) {
    if (type === undefined) available(world, session, given);
    else if (type === 'unavailable') unavailable(world, session, given);
    return;
  }
  if (type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed') {
    subscription(world, session, given, type);
  } else if (type === 'probe') probe(world, session, to);
  else direct(world, session, given);
}

/** Presence shown to somebody in particular, whatever they may see otherwise (RFC 6121 §4.6). */
function direct(world: World, session: Session, given: Element): void {
  const { to = '', type } = given.attrs;
  if (type === 'unavailable') session.shown.delete(to);
  else session.shown.add(to);
  toPerson(world, to, given, session.full);
}

function toPerson(world: World, to: string, given: Element, from: string): void {
  const account = world.account(to);
  if (account === undefined || account.blocks(from)) return;
  const one = world.session(to);
  for (const session of to.includes('/') ? (one ? [one] : []) : account.available) {
    session.deliver(addressed(given, session.full));
  }
}

/** Accounts that may see this one. */
function watchers(world: World, account: Account): readonly Account[] {
  return [...account.roster.values()].flatMap(({ subscription, jid }) => {
    const one = world.account(jid);
    const sees = subscription === 'from' || subscription === 'both';
    return one !== undefined && sees && !account.blocks(jid) && !one.blocks(account.bare) ? [one] : [];
  });
}

function available(world: World, session: Session, given: Element): void {
  const { account } = session;
  const isFirst = session.presence === undefined;
  session.presence = copy(given, { from: session.full });
  tell(world, session, session.presence);
  learnCaps(world, session, given);
  if (!isFirst) return;
  for (const item of account.roster.values()) {
    const contact = world.account(item.jid);
    if (item.subscription !== 'to' && item.subscription !== 'both') continue;
    if (contact === undefined || contact.blocks(account.bare) || account.blocks(item.jid)) continue;
    for (const { presence } of contact.available)
      if (presence) session.deliver(addressed(presence, session.full));
  }
  for (const other of account.available) {
    if (other !== session && other.presence) session.deliver(addressed(other.presence, session.full));
  }
  for (const asked of account.asking.values()) session.deliver(asked);
  if (session.priority < 0) return;
  for (const message of account.offline.splice(0)) session.deliver(addressed(message, account.bare));
}

function unavailable(world: World, session: Session, given: Element): void {
  if (session.presence === undefined && session.shown.size === 0) return;
  const shown = copy(given, { from: session.full, type: 'unavailable' });
  tell(world, session, shown);
  session.presence = undefined;
  for (const to of session.shown) world.route(copy(shown, { to }), session);
  session.shown.clear();
}

/** Tells everybody who may see it, the session itself and the other resources too (RFC 6121 §4.2.2). */
function tell(world: World, { account }: Session, shown: Element): void {
  for (const one of [account, ...watchers(world, account)]) {
    for (const session of one.available) session.deliver(addressed(shown, session.full));
  }
}

function probe(world: World, session: Session, to: string): void {
  const contact = world.account(to);
  const item = contact?.roster.get(session.account.bare);
  if (contact !== session.account && item?.subscription !== 'from' && item?.subscription !== 'both') return;
  for (const { presence } of contact?.available ?? []) {
    if (presence) session.deliver(addressed(presence, session.full));
  }
}

/** Asks what a client understands, once for each hash (XEP-0115 §6.2), and gives it what it wants to know (XEP-0163). */
function learnCaps(world: World, session: Session, given: Element): void {
  const caps = child(given, 'c', ns.caps);
  const { node = '', ver = '' } = caps?.attrs ?? {};
  if (caps === undefined || ver === '') return;
  const key = `${node}#${ver}`;
  const known = world.caps.get(key);
  const learnt = (features: readonly string[]): void => {
    const before = session.interests;
    session.interests = tellInterests(features);
    showNodes(
      world,
      session,
      session.interests.filter((one) => !before.includes(one)),
    );
  };
  if (known !== undefined) {
    learnt(known);
    return;
  }
  session.ask({ name: 'query', attrs: { xmlns: ns.discoInfo, node: key }, children: [] }, (answer) => {
    const query = child(answer, 'query', ns.discoInfo);
    if (query === undefined) return;
    const features = query.children
      .filter((one) => typeof one !== 'string' && one.name === 'feature')
      .map((one) => (typeof one === 'string' ? '' : (one.attrs['var'] ?? '')));
    world.caps.set(key, features);
    learnt(features);
  });
}

/** Ends a session; what it did not acknowledge goes to whom it may (XEP-0198 §4, XEP-0160). */
export function endSession(session: Session, condition?: string, words?: string): void {
  if (session.isEnded) return;
  const { world, account } = session;
  session.isEnded = true;
  clearTimeout(session.waitTimer);
  clearTimeout(session.askTimer);
  if (account.sessions.get(session.resource) === session) account.sessions.delete(session.resource);
  const { carrier } = session;
  session.carrier = undefined;
  unavailable(world, session, stanza('presence', { type: 'unavailable' }));
  carrier?.ended(condition, words);
  for (const { stanza: left } of session.managed?.unacknowledged ?? []) giveAway(world, session, left);
}

function giveAway(world: World, { account }: Session, left: Element): void {
  const { type = 'normal' } = left.attrs;
  if (left.name === 'iq' && (type === 'get' || type === 'set')) {
    world.route(bounce(left, 'wait', 'recipient-unavailable'));
    return;
  }
  // Copies, errors and what a room said are not for later, nor is what the archive gave.
  if (left.name !== 'message' || (type !== 'chat' && type !== 'normal')) return;
  if (text(child(left, 'body')) === '') return;
  const others = account.available.filter(({ priority }) => priority >= 0);
  if (others.length === 0) keepForLater(world, account, left);
  for (const other of others) other.deliver(addressed(left, other.full));
}

/** Keeps a message until somebody comes (XEP-0160), with the time at which it was said. */
export function keepForLater(world: World, account: Account, message: Element): void {
  const kept = copy(message);
  if (child(kept, 'delay', ns.delay) === undefined) kept.children.push(delay(world.now(), world.domain));
  account.offline.push(kept);
}
