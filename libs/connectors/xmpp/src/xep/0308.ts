/*
 * XEP-0308: Last Message Correction. Which message is corrected, by the id that its sender chose: whether the sender of
 * both is the same is for the caller (§5).
 */
import { xml, type Element } from '../core/xml.js';
import { attribute } from './reading.js';

export const correctionNs = 'urn:xmpp:message-correct:0';

/** The id of the message that this one corrects. */
export function correctedIn(message: Element): string | undefined {
  const replace = message.getChild('replace', correctionNs);
  return replace && attribute(replace, 'id');
}

/** Says that a message corrects another, by the id of the first of its versions (§4). */
export function correcting(id: string): Element {
  return xml('replace', { xmlns: correctionNs, id });
}
