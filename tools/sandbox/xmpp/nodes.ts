/* What people publish of themselves (XEP-0163 over XEP-0060): bookmarks, avatars, names. */
import type { Account, Node } from './account.js';
import { jid } from './addresses.js';
import { all, child, copy, el, elements, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Session } from './session.js';
import { bounce, payload, readForm, result } from './stanzas.js';
import type { World } from './world.js';

/** Nodes of which somebody with these features wants to hear. */
export function tellInterests(features: readonly string[]): readonly string[] {
  return features.filter((one) => one.endsWith('+notify')).map((one) => one.slice(0, -'+notify'.length));
}

function maySee(account: Account, node: Node, bare: string): boolean {
  if (bare === account.bare || node.access === 'open') return true;
  const item = account.roster.get(bare);
  return node.access === 'presence' && (item?.subscription === 'from' || item?.subscription === 'both');
}

function event(account: Account, to: Session, name: string, content: readonly Element[]): Element {
  const shown = content.map((one) => copy(one, { xmlns: ns.pubsubEvent }));
  const items = el('items', { node: name }, ...shown);
  return stanza(
    'message',
    { from: account.bare, to: to.full, type: 'headline' },
    el('event', ns.pubsubEvent, items),
  );
}

/** The latest item of each of these nodes, of one's own and of those whom one may see (XEP-0163 §4.3.4). */
export function showNodes(world: World, session: Session, names: readonly string[]): void {
  const contacts = [...session.account.roster.values()]
    .filter(({ subscription }) => subscription === 'to' || subscription === 'both')
    .map((item) => world.account(item.jid));
  for (const account of [session.account, ...contacts]) {
    for (const name of account === undefined ? [] : names) {
      const node = account?.nodes.get(name);
      const last = [...(node?.items.values() ?? [])].at(-1);
      if (!account || !node || !last || !maySee(account, node, session.account.bare)) continue;
      session.deliver(event(account, session, name, [last]));
    }
  }
}

function tell(world: World, account: Account, name: string, content: readonly Element[]): void {
  const node = account.nodes.get(name);
  for (const other of node === undefined ? [] : world.accounts.values()) {
    if (node === undefined || !maySee(account, node, other.bare)) continue;
    for (const session of other.available) {
      if (session.interests.includes(name)) {
        session.deliver(event(account, session, name, content));
      }
    }
  }
}

/** Answers a question about what an account has published; the account is that of the asker where none is named. */
export function pubsub(world: World, session: Session, iq: Element): void {
  const account = world.account(iq.attrs['to'] ?? session.account.bare);
  const [act] = elements(payload(iq) ?? iq);
  const name = act?.attrs['node'] ?? '';
  const isOwn = account === session.account;
  if (account === undefined || act === undefined || name === '') {
    session.deliver(bounce(iq, 'cancel', account === undefined ? 'item-not-found' : 'bad-request'));
    return;
  }
  const node = account.nodes.get(name);
  if (act.name === 'items' && iq.attrs['type'] === 'get') {
    if (node === undefined || !maySee(account, node, session.account.bare)) {
      session.deliver(bounce(iq, 'cancel', node === undefined ? 'item-not-found' : 'not-authorized'));
      return;
    }
    const wanted = all(act, 'item').map(({ attrs }) => attrs['id'] ?? '');
    const most = Number(act.attrs['max_items'] ?? Infinity);
    const found = [...node.items].filter(([id]) => wanted.length === 0 || wanted.includes(id)).slice(-most);
    const items = el('items', { node: name }, ...found.map(([, one]) => copy(one)));
    session.deliver(result(iq, el('pubsub', ns.pubsub, items)));
    return;
  }
  if (!isOwn) {
    session.deliver(bounce(iq, 'auth', 'forbidden'));
    return;
  }
  switch (act.name) {
    case 'publish':
      publish(world, session, iq, act, name);
      return;
    case 'retract': {
      const id = child(act, 'item')?.attrs['id'] ?? '';
      if (node?.items.delete(id) !== true) {
        session.deliver(bounce(iq, 'cancel', 'item-not-found'));
        return;
      }
      session.deliver(result(iq));
      tell(world, account, name, [el('retract', { xmlns: ns.pubsubEvent, id })]);
      return;
    }
    case 'delete':
    case 'purge':
      if (act.name === 'delete') account.nodes.delete(name);
      else node?.items.clear();
      session.deliver(result(iq));
      return;
    case 'configure':
      if (node !== undefined) configure(node, child(act, 'x', ns.data));
      session.deliver(node === undefined ? bounce(iq, 'cancel', 'item-not-found') : result(iq));
      return;
    default:
      session.deliver(bounce(iq, 'cancel', 'feature-not-implemented'));
  }
}

function configure(node: Node, options: Element | undefined): void {
  const fields = readForm(options);
  node.access = fields.get('pubsub#access_model')?.[0] ?? node.access;
  const most = fields.get('pubsub#max_items')?.[0];
  if (most !== undefined) node.most = most === 'max' ? 10_000 : Math.max(1, Number(most) || 1);
}

function publish(world: World, session: Session, iq: Element, act: Element, name: string): void {
  const { account } = session;
  const item = child(act, 'item');
  const options = child(child(payload(iq), 'publish-options'), 'x', ns.data);
  const existing = account.nodes.get(name);
  const node = existing ?? { items: new Map<string, Element>(), access: 'presence', most: 1 };
  const wanted = readForm(options).get('pubsub#access_model')?.[0];
  if (existing === undefined) configure(node, options);
  else if (wanted !== undefined && wanted !== existing.access) {
    const unmet = el('precondition-not-met', ns.pubsubErrors);
    session.deliver(bounce(iq, 'cancel', 'conflict', undefined, unmet));
    return;
  }
  account.nodes.set(name, node);
  const id = item?.attrs['id'] ?? world.nextId('item-');
  // The latest is the last.
  node.items.delete(id);
  const kept = el('item', { xmlns: ns.pubsub, id }, ...elements(item ?? act).map((one) => copy(one)));
  node.items.set(id, kept);
  while (node.items.size > node.most) node.items.delete(node.items.keys().next().value ?? '');
  const published = el('publish', { node: name }, el('item', { id }));
  session.deliver(result(iq, el('pubsub', ns.pubsub, published)));
  tell(world, account, name, [kept]);
}

/** Whether an address is one whose nodes may be asked for. */
export function isPerson(world: World, address: string | undefined): boolean {
  return address === undefined || (jid(address)?.resource === '' && world.account(address) !== undefined);
}
