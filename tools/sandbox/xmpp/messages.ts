/* What people say to each other (RFC 6121 §5 and §8.5): to whom it goes, the copies (XEP-0280), what is kept (XEP-0313). */
import type { Account } from './account.js';
import { isKept } from './archive.js';
import { jid } from './addresses.js';
import { child, copy, el, has, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import { keepForLater } from './presence.js';
import { addressed, type Session } from './session.js';
import { bounce } from './stanzas.js';
import type { World } from './world.js';

/** Takes a message to a person; `sender` is the session that said it, where one of ours did. */
export function message(world: World, given: Element, sender?: Session): void {
  const { to = '', from = '', type = 'normal' } = given.attrs;
  const target = jid(to);
  const account = world.account(to);
  if (sender !== undefined && sender.account.blocks(to)) {
    const blocked = el('blocked', ns.blockingErrors);
    sender.deliver(bounce(given, 'cancel', 'not-acceptable', 'You have blocked them.', blocked));
    return;
  }
  if (sender !== undefined) keepAndCopySent(world, sender, given);
  if (account === undefined || account.blocks(from)) {
    refuse(world, given, 'service-unavailable');
    return;
  }
  if (type === 'groupchat') {
    refuse(world, given, 'service-unavailable');
    return;
  }
  const received = keep(world, account, given, from);
  const exact = target?.resource === '' ? undefined : world.session(to);
  if (exact !== undefined) {
    exact.deliver(received);
    copies(account, 'received', received, [exact]);
    return;
  }
  const reached = account.available.filter(({ priority }) => priority >= 0);
  // RFC 6121 §8.5.3.2: what was meant for a resource that has gone is for all where it was said in a conversation.
  if (type === 'error') return;
  if (target?.resource !== '' && type !== 'chat') {
    if (type === 'normal') refuse(world, given, 'service-unavailable');
    return;
  }
  if (reached.length > 0) {
    for (const session of reached) session.deliver(addressed(received, to));
    copies(account, 'received', received, reached);
    return;
  }
  if (type === 'headline' || child(given, 'body') === undefined) return;
  if (world.has('offline')) keepForLater(world, account, received);
  else if (!world.has('archive')) refuse(world, given, 'service-unavailable');
}

function refuse(world: World, given: Element, condition: string): void {
  if (given.attrs['type'] !== 'error') world.route(bounce(given, 'cancel', condition));
}

/** Keeps a message for an account; what it is given has the id under which it is kept (XEP-0359), and no forged one. */
function keep(world: World, account: Account, given: Element, withWhom: string): Element {
  const received = copy(given);
  received.children = received.children.filter(
    (one) =>
      typeof one === 'string' ||
      world.mischief.leaveForgedIds === true ||
      one.name !== 'stanza-id' ||
      one.attrs['xmlns'] !== ns.sid ||
      one.attrs['by'] !== account.bare,
  );
  if (!world.has('archive') || !isKept(given)) return received;
  const id = world.nextId('kept-');
  account.archive.add({ id, at: world.now(), with: bareOf(withWhom), message: copy(received) });
  if (world.has('stanza-ids')) {
    received.children.push(el('stanza-id', { xmlns: ns.sid, by: account.bare, id }));
  }
  return received;
}

function bareOf(address: string): string {
  return jid(address)?.bare ?? address;
}

function keepAndCopySent(world: World, sender: Session, given: Element): void {
  const { account } = sender;
  const to = given.attrs['to'] ?? '';
  if (given.attrs['type'] === 'error') return;
  // What one says to oneself is kept once, as received.
  const sent = bareOf(to) === account.bare ? copy(given) : keep(world, account, given, to);
  if (bareOf(to) !== account.bare) copies(account, 'sent', sent, [sender]);
}

/** Copies for the other resources that have asked for them (XEP-0280 §6.1). */
function copies(
  account: Account,
  kind: 'sent' | 'received',
  original: Element,
  except: readonly Session[],
): void {
  const { type = 'normal' } = original.attrs;
  const isForThem =
    type === 'chat' ||
    (type === 'normal' && child(original, 'body') !== undefined) ||
    has(original, ns.receipts) ||
    has(original, ns.markers);
  if (!isForThem || type === 'groupchat' || type === 'error' || type === 'headline') return;
  if (has(original, ns.carbons, 'private') || has(original, ns.hints, 'no-copy')) return;
  // A private word in a room is for the resource that is in the room (XEP-0280 §6.1, XEP-0045 §7.5).
  if (kind === 'received' && has(original, ns.mucUser)) return;
  for (const session of account.sessions.values()) {
    if (!session.hasCarbons || except.includes(session)) continue;
    session.deliver(
      stanza(
        'message',
        { from: account.bare, to: session.full, type: original.attrs['type'] },
        el(kind, ns.carbons, el('forwarded', ns.forward, copy(original))),
      ),
    );
  }
}
