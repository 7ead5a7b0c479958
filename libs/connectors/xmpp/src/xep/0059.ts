/* XEP-0059: Result Set Management. Pages of a long answer. */
import { xml, type Element } from '../core/xml.js';
import { attribute, textIn, wholeNumber, worded } from './reading.js';

export const pagesNs = 'http://jabber.org/protocol/rsm';

export interface PageAsk {
  /** At most so many; 0 asks for the count alone (§2.7). */
  readonly max: number;
  /** What comes after an item (§2.2). */
  readonly after?: string;
  /** What comes before an item (§2.3); the empty text asks for the last page (§2.5). */
  readonly before?: string;
}

export interface Page {
  /** The items at the edges of the page, as ids to go on from; absent on an empty page. */
  readonly first?: string;
  readonly last?: string;
  /** The place of `first` in the whole, from 0. */
  readonly firstIndex?: number;
  /** How many items the whole has; servers may guess (§2.6). */
  readonly count?: number;
}

/** The `set` of a question. */
export function page({ max, after, before }: PageAsk): Element {
  return xml(
    'set',
    { xmlns: pagesNs },
    xml('max', {}, String(max)),
    worded('after', after),
    worded('before', before),
  );
}

/** The `set` of an answer; undefined where it has none, so that the answer is all there is. */
export function pageIn(parent: Element): Page | undefined {
  const set = parent.getChild('set', pagesNs);
  if (set === undefined) return undefined;
  const edge = set.getChild('first', pagesNs);
  const first = textIn(set, 'first', pagesNs);
  const last = textIn(set, 'last', pagesNs);
  const firstIndex = edge && wholeNumber(attribute(edge, 'index'));
  const count = wholeNumber(textIn(set, 'count', pagesNs));
  return {
    ...(first !== undefined && { first }),
    ...(last !== undefined && { last }),
    ...(firstIndex !== undefined && { firstIndex }),
    ...(count !== undefined && { count }),
  };
}
