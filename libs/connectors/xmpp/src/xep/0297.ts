/* XEP-0297: Stanza Forwarding. A stanza within another; what it says of itself is only as good as who forwards it. */
import type { Element } from '../core/xml.js';
import { delaysIn } from './0203.js';

export const forwardNs = 'urn:xmpp:forward:0';

export interface Forwarded {
  readonly message: Element;
  /** When it was first sent, by the word of who forwards it. */
  readonly at?: Date;
}

/**
 * The message that an element forwards; undefined where it forwards none, or more than one thing. What that message
 * forwards in turn is not looked at here: carbons and archives hold the message itself.
 */
export function forwardedIn(parent: Element): Forwarded | undefined {
  const [forwarded, ...others] = parent.getChildren('forwarded', forwardNs);
  if (forwarded === undefined || others.length > 0) return undefined;
  const [message, ...more] = forwarded.getChildren('message', 'jabber:client');
  if (message === undefined || more.length > 0) return undefined;
  const [delay] = delaysIn(forwarded);
  return { message, ...(delay !== undefined && { at: delay.at }) };
}
