/*
 * XEP-0444: Message Reactions. A message holds all of its sender's reactions to another: what is no longer in it has been
 * taken back.
 */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf } from './reading.js';

export const reactionsNs = 'urn:xmpp:reactions:0';

const mostReactions = 50;
/** Longest emoji, in UTF-16 code units: families with skin tones are long, texts are longer. */
const mostEmoji = 64;

export interface Reactions {
  /** The message: of a room its stanza id, else the id that its sender chose (§4.2). */
  readonly id: string;
  /** All that the sender reacts with now, each once; none where all are taken back. */
  readonly emojis: readonly string[];
}

/** The reactions that a message holds; undefined where it holds none. */
export function reactionsIn(message: Element): Reactions | undefined {
  const reactions = message.getChild('reactions', reactionsNs);
  const id = reactions && attribute(reactions, 'id');
  if (reactions === undefined || id === undefined) return undefined;
  const emojis = childrenOf(reactions, 'reaction', reactionsNs, mostReactions)
    .map((one) => one.getText().trim())
    .filter((emoji) => emoji !== '' && emoji.length <= mostEmoji);
  return { id, emojis: [...new Set(emojis)] };
}

/** Says all that we react with to a message. */
export function reacting(id: string, emojis: readonly string[]): Element {
  return xml(
    'reactions',
    { xmlns: reactionsNs, id },
    emojis.map((emoji) => xml('reaction', {}, emoji)),
  );
}
