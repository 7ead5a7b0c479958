/* XEP-0203: Delayed Delivery, and XEP-0091 before it. When a stanza was first sent, and who says so. */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, jidIn, momentOf } from './reading.js';

export const delayNs = 'urn:xmpp:delay';
const oldDelayNs = 'jabber:x:delay';

export interface Delay {
  readonly at: Date;
  /** Who kept it back, as it is written; absent where nobody says so. */
  readonly from?: string;
}

/**
 * The delays on a stanza, at most 10. Anybody on the way can add one, the sender as well: which of them counts is for the
 * caller, by `from` (§5: the server's, the room's).
 */
export function delaysIn(stanza: Element): readonly Delay[] {
  return [...childrenOf(stanza, 'delay', delayNs, 10), ...childrenOf(stanza, 'x', oldDelayNs, 10)]
    .slice(0, 10)
    .flatMap((delay) => {
      const at = momentOf(attribute(delay, 'stamp'));
      const from = jidIn(delay, 'from');
      return at === undefined ? [] : [{ at, ...(from !== undefined && { from }) }];
    });
}

/** Says when a stanza was first sent. */
export function delay(at: Date, from?: string): Element {
  return xml('delay', { xmlns: delayNs, from, stamp: at.toISOString() });
}
