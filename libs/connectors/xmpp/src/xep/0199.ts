/* XEP-0199: XMPP Ping. */
import { xml, type Element } from '../core/xml.js';

export const pingNs = 'urn:xmpp:ping';

/** Asks whether somebody is there; goes in an iq get, and an empty result answers it. */
export function ping(): Element {
  return xml('ping', { xmlns: pingNs });
}

/** Whether a payload asks that. */
export function isPing(payload: Element): boolean {
  return payload.is('ping', pingNs);
}
