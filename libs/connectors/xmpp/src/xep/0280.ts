/*
 * XEP-0280: Message Carbons. Copies of what our other devices send and receive. They are believed from our own account
 * and from nobody else (§11): with a forged one anybody could put words into anybody's mouth.
 */
import { xml, type Element } from '../core/xml.js';
import { forwardedIn } from './0297.js';

export const carbonsNs = 'urn:xmpp:carbons:2';

export interface Carbon {
  readonly way: 'sent' | 'received';
  readonly message: Element;
}

/** Whether a message is (or passes itself off as) a copy: then it is nothing else, and is never shown as it is. */
export function looksLikeCarbon(message: Element): boolean {
  return ['sent', 'received'].some((way) => message.getChild(way, carbonsNs) !== undefined);
}

/**
 * The copy that a message carries; undefined where it carries none, a forged one, or one that makes no sense.
 * @param isSelf whether a `from` is our own bare JID. A missing one is (RFC 6120 §8.1.2.1: from our own account).
 */
export function carbonIn(message: Element, isSelf: (from: string) => boolean): Carbon | undefined {
  const { from } = message.attrs;
  if (from !== undefined && !isSelf(from)) return undefined;
  const [sent, received] = [message.getChild('sent', carbonsNs), message.getChild('received', carbonsNs)];
  const one = sent ?? received;
  if (one === undefined || (sent !== undefined && received !== undefined)) return undefined;
  const forwarded = forwardedIn(one);
  if (forwarded === undefined) return undefined;
  return { way: sent === undefined ? 'received' : 'sent', message: forwarded.message };
}

/** Has copies sent to us from now on; goes in an iq set. */
export function enableCarbons(): Element {
  return xml('enable', { xmlns: carbonsNs });
}

/** Keeps a message of ours from being copied to our other devices (§6). */
export function uncopied(): Element {
  return xml('private', { xmlns: carbonsNs });
}
