/* XEP-0172: User Nickname. What somebody would like to be called; never proof of who they are (§6). */
import { xml, type Element } from '../core/xml.js';
import { cut, wordsIn } from './reading.js';

export const nickNs = 'http://jabber.org/protocol/nick';
const mostNick = 256;

/** The nick that a presence or message carries. */
export function nickIn(stanza: Element): string | undefined {
  return wordsIn(stanza, 'nick', nickNs, mostNick);
}

/** The nick that an item of the node holds (§4.3); undefined where the payload is none. */
export function nickOf(payload: Element | undefined): string | undefined {
  return payload?.is('nick', nickNs) === true ? cut(payload.getText(), mostNick) : undefined;
}

/** A nick to go in a stanza or an item. */
export function nick(name: string): Element {
  return xml('nick', { xmlns: nickNs }, name);
}
