/*
 * XEP-0425: Moderated Message Retraction, in both versions: `:1`, and `:0`, which was fastened to its message by XEP-0422.
 * It counts from the room itself (its bare JID) and from nobody else (§5): the caller checks it.
 */
import { xml, type Element } from '../core/xml.js';
import { fastenNs, oldRetractionNs, retractionNs } from './0424.js';
import { occupantIdIn } from './0421.js';
import { attribute, jidIn, wordsIn, worded } from './reading.js';

export const moderationNs = 'urn:xmpp:message-moderate:1';
export const oldModerationNs = 'urn:xmpp:message-moderate:0';

export interface Moderation {
  /** The stanza id that the room gave the message. */
  readonly id: string;
  /** The moderator, as `room/nick`, where the room says who. */
  readonly by?: string;
  readonly occupantId?: string;
  readonly reason?: string;
}

/** The message that a moderator takes back; undefined where it is none. */
export function moderationIn(message: Element): Moderation | undefined {
  const retract = message.getChild('retract', retractionNs);
  const moderated = retract?.getChild('moderated', moderationNs);
  if (retract && moderated) return moderationOf(retract, moderated, wordsIn(retract, 'reason', retractionNs));
  const fastened = message.getChild('apply-to', fastenNs);
  const old = fastened?.getChild('moderated', oldModerationNs);
  if (old?.getChild('retract', oldRetractionNs) === undefined || fastened === undefined) return undefined;
  return moderationOf(fastened, old, wordsIn(old, 'reason', oldModerationNs));
}

function moderationOf(
  about: Element,
  moderated: Element,
  reason: string | undefined,
): Moderation | undefined {
  const id = attribute(about, 'id');
  const by = jidIn(moderated, 'by');
  const occupantId = occupantIdIn(moderated);
  if (id === undefined) return undefined;
  return {
    id,
    ...(by !== undefined && { by }),
    ...(occupantId !== undefined && { occupantId }),
    ...(reason !== undefined && { reason }),
  };
}

/**
 * Asks a room to take a message back, in the version that it knows; goes in an iq set.
 * @param id the stanza id that the room gave the message.
 */
export function moderating(id: string, version: 0 | 1, reason?: string): Element {
  const why = worded('reason', reason);
  if (version === 1) {
    return xml('moderate', { xmlns: moderationNs, id }, xml('retract', { xmlns: retractionNs }), why);
  }
  return xml(
    'apply-to',
    { xmlns: fastenNs, id },
    xml('moderate', { xmlns: oldModerationNs }, xml('retract', { xmlns: oldRetractionNs }), why),
  );
}
