/* XEP-0478: Stream Limits Advertisement. How large a stanza the server takes before it ends the stream. */
import type { Element } from '../core/xml.js';
import { textIn, wholeNumber } from './reading.js';

export const limitsNs = 'urn:xmpp:stream-limits:0';

/** RFC 6120 §13.12: every server takes so many bytes, a smaller limit is not allowed. */
const least = 10_000;

/** The most bytes of one stanza, from the features of a stream; undefined where the server does not say. */
export function maxBytesIn(features: Element): number | undefined {
  const limits = features.getChild('limits', limitsNs);
  const bytes = limits && wholeNumber(textIn(limits, 'max-bytes', limitsNs)?.trim());
  return bytes === undefined || bytes < least ? undefined : bytes;
}
