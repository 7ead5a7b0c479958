/* XEP-0461: Message Replies. What a message answers, with a quotation for those who cannot show it otherwise. */
import { xml, type Element } from '../core/xml.js';
import { attribute, jidIn } from './reading.js';

export const replyNs = 'urn:xmpp:reply:0';

export interface Reply {
  /** The message: of a room its stanza id, else the id that its sender chose (§4.1). */
  readonly id: string;
  /** Who wrote it, as it is written; nobody vouches for it. */
  readonly to?: string;
}

/** What a message answers; undefined where it answers nothing. */
export function replyIn(message: Element): Reply | undefined {
  const reply = message.getChild('reply', replyNs);
  const id = reply && attribute(reply, 'id');
  if (reply === undefined || id === undefined) return undefined;
  const to = jidIn(reply, 'to');
  return { id, ...(to !== undefined && { to }) };
}

/** Says what a message answers. */
export function replying({ id, to }: Reply): Element {
  return xml('reply', { xmlns: replyNs, id, to });
}
