/* XEP-0012: Last Activity. How long ago somebody was last there, or how long they have been idle. */
import { xml, type Element } from '../core/xml.js';
import { attribute, cut, wholeNumber } from './reading.js';

export const lastNs = 'jabber:iq:last';

/** A century: what claims more is no time that anybody was away. */
const mostSeconds = 3_155_760_000;

export interface LastActivity {
  /** Of a bare JID since it was last online, of a full one since it was last used, of a server since it began (§3 to §5). */
  readonly seconds: number;
  /** The status with which they went. */
  readonly note?: string;
}

/** Asks how long ago; goes in an iq get. */
export function lastAsk(): Element {
  return xml('query', { xmlns: lastNs });
}

/** Reads an answer; undefined where it is none. */
export function lastOf(query: Element | undefined): LastActivity | undefined {
  if (query?.is('query', lastNs) !== true) return undefined;
  const seconds = wholeNumber(attribute(query, 'seconds'), mostSeconds);
  const note = cut(query.getText(), 1_024);
  return seconds === undefined ? undefined : { seconds, ...(note !== undefined && { note }) };
}

/** Says how long we have been idle. */
export function lastAnswer(seconds: number): Element {
  return xml('query', { xmlns: lastNs, seconds: Math.max(0, Math.floor(seconds)) });
}
