/*
 * XEP-0490: Message Displayed Synchronization. How far our person has read, by conversation, known to all devices of the
 * account: an item per conversation, whose id is its bare JID, in a node of our own.
 */
import { xml, type Element } from '../core/xml.js';
import type { FieldValue } from './0004.js';
import type { PubsubItem } from './0060.js';
import { stanzaIdNs } from './0359.js';
import { attribute, jidIn } from './reading.js';

export const displayedNs = 'urn:xmpp:mds:displayed:0';

export interface Displayed {
  /** The conversation, as it is written. */
  readonly jid: string;
  /** The last message that was read: its id, and whose archive gave it. */
  readonly id: string;
  readonly by: string;
}

/** Reads an item of the node (§3); undefined where it is none. */
export function displayedOf({ id: jid, payload }: PubsubItem): Displayed | undefined {
  const read = payload?.is('displayed', displayedNs) === true ? payload : undefined;
  const stanzaId = read?.getChild('stanza-id', stanzaIdNs);
  const id = stanzaId && attribute(stanzaId, 'id');
  const by = stanzaId && jidIn(stanzaId, 'by');
  return jid === undefined || id === undefined || by === undefined ? undefined : { jid, id, by };
}

/** How the node must be (§3.1): kept, whole, not sent unasked, seen by nobody else. */
export const displayedOptions: Readonly<Record<string, FieldValue>> = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
};

/** Says how far a conversation is read (§3.1): the payload of its item. */
export function displayed({ id, by }: Pick<Displayed, 'id' | 'by'>): Element {
  return xml('displayed', { xmlns: displayedNs }, xml('stanza-id', { xmlns: stanzaIdNs, id, by }));
}
