/* XEP-0333: Displayed Markers. How far a conversation has been read. */
import { xml, type Element } from '../core/xml.js';
import { attribute } from './reading.js';

export const markersNs = 'urn:xmpp:chat-markers:0';

/** `received` and `acknowledged` are of earlier versions of the XEP, and still sent. */
export interface Marker {
  readonly marker: 'received' | 'displayed' | 'acknowledged';
  /** The message it is about: of a room its stanza id, else the id that its sender chose (§4.1). */
  readonly id: string;
}

/** The marker that a message carries: the furthest, where it carries several. */
export function markerIn(message: Element): Marker | undefined {
  for (const marker of ['acknowledged', 'displayed', 'received'] as const) {
    const element = message.getChild(marker, markersNs);
    const id = element && attribute(element, 'id');
    if (id !== undefined) return { marker, id };
  }
  return undefined;
}

/** Whether a message may be marked. */
export function isMarkable(message: Element): boolean {
  return message.getChild('markable', markersNs) !== undefined;
}

/** Lets a message be marked. */
export function markable(): Element {
  return xml('markable', { xmlns: markersNs });
}

/** Says that everything up to a message has been read. */
export function displayed(id: string): Element {
  return xml('displayed', { xmlns: markersNs, id });
}
