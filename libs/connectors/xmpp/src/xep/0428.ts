/*
 * XEP-0428: Fallback Indication. Which stretches of a body are there only for clients that do not know another XEP.
 * Offsets count Unicode code points (XEP-0426), not UTF-16 code units.
 */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, wholeNumber } from './reading.js';

export const fallbackNs = 'urn:xmpp:fallback:0';

const mostFallbacks = 20;

/** A stretch of a body, in code points; the end is exclusive. */
export interface FallbackRange {
  readonly start: number;
  readonly end: number;
}

/** What of a body is fallback for an XEP: all of it, or stretches, in order; undefined where nothing is. */
export function fallbackIn(message: Element, forNs: string): 'whole' | readonly FallbackRange[] | undefined {
  const one = childrenOf(message, 'fallback', fallbackNs, mostFallbacks).find(
    (element) => element.attrs['for'] === forNs,
  );
  if (one === undefined) return undefined;
  const bodies = childrenOf(one, 'body', fallbackNs, mostFallbacks);
  const parts = one.getChildElements();
  // Without a word about parts all of it is fallback, and so is a body without a stretch (§3).
  if (parts.length === 0) return 'whole';
  if (bodies.length === 0) return undefined;
  if (bodies.some(({ attrs }) => attrs['start'] === undefined && attrs['end'] === undefined)) return 'whole';
  const ranges = bodies.flatMap((body) => {
    const start = wholeNumber(attribute(body, 'start'));
    const end = wholeNumber(attribute(body, 'end'));
    return start === undefined || end === undefined || start >= end ? [] : [{ start, end }];
  });
  return ranges.length === 0 ? undefined : ranges.sort((a, b) => a.start - b.start);
}

/** A body without stretches of it. What lies outside of it takes nothing. */
export function without(body: string, ranges: 'whole' | readonly FallbackRange[]): string {
  if (ranges === 'whole') return '';
  const [characters, kept] = [Array.from(body), [] as string[]];
  let at = 0;
  for (const { start, end } of ranges) {
    kept.push(characters.slice(at, Math.max(at, start)).join(''));
    at = Math.max(at, end);
  }
  return kept.join('') + characters.slice(at).join('');
}

/** Says that a body, or a stretch of it, is fallback for an XEP. */
export function fallbackFor(forNs: string, range?: FallbackRange): Element {
  return xml('fallback', { xmlns: fallbackNs, for: forNs }, range && xml('body', { ...range }));
}
