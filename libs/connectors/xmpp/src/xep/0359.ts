/*
 * XEP-0359: Unique and Stable Stanza IDs. The sender's id is the sender's word. An id by somebody else counts only if
 * that somebody is one who takes care of it: the caller says who that is (our own account for its archive, a room for its
 * own), for anybody can write anything into a message (§4).
 */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, jidIn } from './reading.js';

export const stanzaIdNs = 'urn:xmpp:sid:0';

/**
 * The id that somebody gave a message; undefined where they gave none, or several different ones.
 * @param isBy whether a `by` is whoever is asked for.
 */
export function stanzaIdIn(message: Element, isBy: (jid: string) => boolean): string | undefined {
  const ids = childrenOf(message, 'stanza-id', stanzaIdNs, 20).flatMap((one) => {
    const by = jidIn(one, 'by');
    return by !== undefined && isBy(by) ? (attribute(one, 'id') ?? []) : [];
  });
  return new Set(ids).size === 1 ? ids[0] : undefined;
}

/** The id that the sender gave the message beside its `id`. */
export function originIdIn(message: Element): string | undefined {
  const one = message.getChild('origin-id', stanzaIdNs);
  return one && attribute(one, 'id');
}

/** Gives a message an id of our own. */
export function originId(id: string): Element {
  return xml('origin-id', { xmlns: stanzaIdNs, id });
}
