/* XEP-0066: Out of Band Data. An address on the web that goes with a message. */
import { xml, type Element } from '../core/xml.js';
import { childrenOf, webAddressOf, wordsIn, worded } from './reading.js';

export const oobNs = 'jabber:x:oob';

export interface Oob {
  /** `http` or `https`. */
  readonly url: string;
  readonly description?: string;
}

/** The addresses that go with a message (§3), at most 20. Other schemes than those of the web are left out. */
export function oobsIn(message: Element): readonly Oob[] {
  return childrenOf(message, 'x', oobNs, 20).flatMap((x) => {
    const url = webAddressOf(x.getChildText('url', oobNs) ?? undefined);
    const description = wordsIn(x, 'desc', oobNs);
    return url === undefined ? [] : [{ url, ...(description !== undefined && { description }) }];
  });
}

/** An address to go with a message. */
export function oob(url: string, description?: string): Element {
  return xml('x', { xmlns: oobNs }, xml('url', {}, url), worded('desc', description));
}
