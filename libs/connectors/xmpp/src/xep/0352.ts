/* XEP-0352: Client State Indication. Whether anybody looks; a server holds back what can wait while nobody does. */
import { xml, type Element } from '../core/xml.js';

export const clientStateNs = 'urn:xmpp:csi:0';

/** Whether a server's stream features offer it. */
export function offersClientState(features: Element): boolean {
  return features.getChild('csi', clientStateNs) !== undefined;
}

/** Says whether anybody looks; it is no stanza and is not counted. */
export function clientState(active: boolean): Element {
  return xml(active ? 'active' : 'inactive', { xmlns: clientStateNs });
}
