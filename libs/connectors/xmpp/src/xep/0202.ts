/* XEP-0202: Entity Time. */
import { xml, type Element } from '../core/xml.js';
import { momentOf, textIn } from './reading.js';

export const timeNs = 'urn:xmpp:time';

/** Asks what time it is at somebody's; goes in an iq get. */
export function timeAsk(): Element {
  return xml('time', { xmlns: timeNs });
}

/** Reads an answer: the moment, and how far the local time is from UTC in minutes; undefined where it is none. */
export function timeOf(
  answer: Element | undefined,
): { readonly at: Date; readonly offsetMinutes: number } | undefined {
  if (answer?.is('time', timeNs) !== true) return undefined;
  const at = momentOf(textIn(answer, 'utc', timeNs));
  const zone = /^([+-])(\d{2}):(\d{2})$/.exec(textIn(answer, 'tzo', timeNs)?.replace('Z', '+00:00') ?? '');
  if (at === undefined || zone === null) return undefined;
  const minutes = Number(zone[2]) * 60 + Number(zone[3]);
  return { at, offsetMinutes: zone[1] === '-' ? -minutes : minutes };
}

/** Says what time it is, without telling where we are. */
export function timeAnswer(now: Date): Element {
  return xml(
    'time',
    { xmlns: timeNs },
    xml('tzo', {}, '+00:00'),
    xml('utc', {}, now.toISOString().replace(/\.\d+Z$/, 'Z')),
  );
}
