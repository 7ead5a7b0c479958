/* XEP-0191: Blocking Command. Whose stanzas the server keeps from us, and ours from them. */
import { xml, type Element } from '../core/xml.js';
import { jidIn, listOf } from './reading.js';

export const blockingNs = 'urn:xmpp:blocking';
export const blockingErrorsNs = 'urn:xmpp:blocking:errors';

const mostBlocked = 10_000;

/** Asks who is blocked; goes in an iq get. */
export function blockListAsk(): Element {
  return xml('blocklist', { xmlns: blockingNs });
}

/** Reads the list, as JIDs are written; undefined where it is none. */
export function blockListOf(answer: Element | undefined): readonly string[] | undefined {
  return answer?.is('blocklist', blockingNs) === true ? jidsIn(answer) : undefined;
}

export type BlockChange =
  | { readonly change: 'block' | 'unblock'; readonly jids: readonly string[] }
  | { readonly change: 'unblock-all' };

/** What a push tells of (§3.3 to §3.5); undefined where it tells of nothing. */
export function blockChangeOf(payload: Element): BlockChange | undefined {
  if (payload.is('block', blockingNs)) {
    const jids = jidsIn(payload);
    return jids.length > 0 ? { change: 'block', jids } : undefined;
  }
  if (!payload.is('unblock', blockingNs)) return undefined;
  // Without items all are meant; items that cannot be read mean none.
  if (payload.getChildElements().length === 0) return { change: 'unblock-all' };
  const jids = jidsIn(payload);
  return jids.length > 0 ? { change: 'unblock', jids } : undefined;
}

/** Blocks somebody, or no longer; goes in an iq set. */
export function blocking(change: 'block' | 'unblock', jid: string): Element {
  return xml(change, { xmlns: blockingNs }, xml('item', { jid }));
}

/** Whether our own server refused to send to somebody because we block them (§3.6). */
export function isBlockedByUs(error: Element | undefined): boolean {
  return error?.getChild('blocked', blockingErrorsNs) !== undefined;
}

function jidsIn(list: Element): readonly string[] {
  return listOf(list, 'item', blockingNs, mostBlocked, (item) => jidIn(item, 'jid'));
}
