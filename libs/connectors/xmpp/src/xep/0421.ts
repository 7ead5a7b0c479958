/*
 * XEP-0421: Occupant identifiers. Who somebody in a room is, over changes of nick and without their address. Only the
 * room's own word counts: it takes out what others write (§3), if it says that it knows of them at all.
 */
import type { Element } from '../core/xml.js';
import { attribute } from './reading.js';

export const occupantIdNs = 'urn:xmpp:occupant-id:0';

/** The id of the occupant that a stanza from a room is of. */
export function occupantIdIn(stanza: Element): string | undefined {
  const one = stanza.getChild('occupant-id', occupantIdNs);
  return one && attribute(one, 'id');
}
