/* XEP-0334: Message Processing Hints. What servers should do with a message. */
import { xml, type Element } from '../core/xml.js';

export const hintsNs = 'urn:xmpp:hints';

const hints = ['no-permanent-store', 'no-store', 'no-copy', 'store'] as const;
export type Hint = (typeof hints)[number];

/** The hints on a message. */
export function hintsIn(message: Element): ReadonlySet<Hint> {
  return new Set(hints.filter((name) => message.getChild(name, hintsNs) !== undefined));
}

/** A hint to go in a message. */
export function hint(name: Hint): Element {
  return xml(name, { xmlns: hintsNs });
}
