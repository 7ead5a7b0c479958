/* Whom one will not hear (XEP-0191). */
import { jid } from './addresses.js';
import { all, copy, el, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Session } from './session.js';
import { bounce, payload, result } from './stanzas.js';
import type { World } from './world.js';

export function blocking(world: World, session: Session, iq: Element): void {
  const { account } = session;
  const act = payload(iq);
  const item = (address: string): Element => el('item', { jid: address });
  if (act?.name === 'blocklist' && iq.attrs['type'] === 'get') {
    session.wantsBlocked = true;
    session.deliver(result(iq, el('blocklist', ns.blocking, ...[...account.blocked].map(item))));
    return;
  }
  const addresses = all(act, 'item').map(({ attrs }) => jid(attrs['jid'] ?? '')?.full ?? '');
  const isBlock = act?.name === 'block';
  if (act === undefined || (isBlock && addresses.length === 0) || addresses.includes('')) {
    session.deliver(bounce(iq, 'modify', 'bad-request'));
    return;
  }
  for (const address of isBlock ? addresses : []) {
    account.blocked.add(address);
    for (const other of account.roster.has(address) ? (world.account(address)?.available ?? []) : []) {
      for (const { full } of account.available) {
        other.deliver(stanza('presence', { type: 'unavailable', from: full, to: other.full }));
      }
    }
  }
  for (const address of !isBlock && addresses.length === 0 ? [...account.blocked] : addresses) {
    if (!isBlock) account.blocked.delete(address);
  }
  session.deliver(result(iq));
  for (const other of account.sessions.values()) {
    if (!other.wantsBlocked) continue;
    other.deliver(stanza('iq', { type: 'set', id: world.nextId('push-'), to: other.full }, copy(act)));
  }
}
