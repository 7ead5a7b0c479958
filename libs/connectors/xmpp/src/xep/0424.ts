/*
 * XEP-0424: Message Retraction, in both versions: `:1`, and `:0`, which was fastened to its message by XEP-0422.
 */
import { xml, type Element } from '../core/xml.js';
import { fallbackFor } from './0428.js';
import { attribute, momentOf } from './reading.js';

export const retractionNs = 'urn:xmpp:message-retract:1';
export const oldRetractionNs = 'urn:xmpp:message-retract:0';
export const fastenNs = 'urn:xmpp:fasten:0';

/** The id of the message that its own sender takes back; undefined for none, and for what a moderator takes back (XEP-0425). */
export function retractedIn(message: Element): string | undefined {
  const retract = message.getChild('retract', retractionNs);
  if (retract !== undefined) return isModerated(retract) ? undefined : attribute(retract, 'id');
  const fastened = message.getChild('apply-to', fastenNs);
  if (fastened?.getChild('retract', oldRetractionNs) === undefined) return undefined;
  return attribute(fastened, 'id');
}

function isModerated(retract: Element): boolean {
  return retract.getChildElements().some((child) => child.getName() === 'moderated');
}

/** Whether a message of an archive stands where one was that has been taken back (§5), and since when. */
export function tombstoneIn(message: Element): { readonly at?: Date } | undefined {
  const stone = message.getChild('retracted', retractionNs) ?? message.getChild('retracted', oldRetractionNs);
  if (stone === undefined) return undefined;
  const at = momentOf(attribute(stone, 'stamp'));
  return at === undefined ? {} : { at };
}

/**
 * Takes a message back, in both versions, with words for clients that know neither.
 * @param id of a room its stanza id, else the id that we chose (§4).
 */
export function retracting(id: string): readonly Element[] {
  return [
    xml('retract', { xmlns: retractionNs, id }),
    xml('apply-to', { xmlns: fastenNs, id }, xml('retract', { xmlns: oldRetractionNs })),
    fallbackFor(retractionNs),
    xml('body', {}, '/me retracted a previous message, but it’s unsupported by your client.'),
  ];
}
