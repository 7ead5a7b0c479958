/*
 * XEP-0313: Message Archive Management. What an archive holds (our account's, a room's), asked for page by page. Results
 * come as messages before the answer: they are believed from the archive that was asked and from nobody else (§4.1.2,
 * security considerations), which the caller says.
 */
import { xml, type Element } from '../core/xml.js';
import { submission } from './0004.js';
import { page, pageIn, type Page, type PageAsk } from './0059.js';
import { forwardedIn, type Forwarded } from './0297.js';
import { attribute, isTrue, listOf, mostJid, oneOf } from './reading.js';

export const archiveNs = 'urn:xmpp:mam:2';

export interface ArchiveAsk {
  /** Gives the results their place: they bear it, and come between question and answer. */
  readonly queryId: string;
  readonly page: PageAsk;
  /** With whom (§4.3.1): a bare JID means all its resources. */
  readonly with?: string;
  readonly start?: Date;
  readonly end?: Date;
  /** Certain messages (§4.3.4; `#extended`). */
  readonly ids?: readonly string[];
}

/** Asks an archive; goes in an iq set. */
export function archiveAsk({ queryId, page: pages, with: peer, start, end, ids }: ArchiveAsk): Element {
  const filters = { with: peer, start: start?.toISOString(), end: end?.toISOString(), ids };
  const filtered = Object.values(filters).some((value) => value !== undefined);
  return xml(
    'query',
    { xmlns: archiveNs, queryid: queryId },
    filtered ? submission(archiveNs, filters) : undefined,
    page(pages),
  );
}

export interface ArchiveResult extends Forwarded {
  readonly queryId?: string;
  /** The archive's own id of the message: unique there, and a place to go on from. */
  readonly id: string;
}

/** Whether a message is (or passes itself off as) a result: then it is nothing else, and is never shown as it is. */
export function looksLikeResult(message: Element): boolean {
  return message.getChild('result', archiveNs) !== undefined;
}

/** The result that a message carries; undefined where it carries none. Its time is the archive's own word. */
export function resultIn(message: Element): ArchiveResult | undefined {
  const result = message.getChild('result', archiveNs);
  const id = result && attribute(result, 'id');
  const forwarded = result && forwardedIn(result);
  if (result === undefined || id === undefined || forwarded === undefined) return undefined;
  const queryId = attribute(result, 'queryid');
  return { ...forwarded, id, ...(queryId !== undefined && { queryId }) };
}

export interface ArchivePage extends Page {
  /** No more lies in the direction of the question (§4.4). */
  readonly complete: boolean;
  /** The order may still change, so the ids are nothing to go on from (§4.4). */
  readonly unstable: boolean;
}

/** Reads the answer that ends a page; undefined where it is none. */
export function finOf(answer: Element | undefined): ArchivePage | undefined {
  if (answer?.is('fin', archiveNs) !== true) return undefined;
  return {
    ...pageIn(answer),
    complete: isTrue(attribute(answer, 'complete')),
    unstable: answer.attrs['stable'] === 'false' || answer.attrs['stable'] === '0',
  };
}

export interface ArchivePreferences {
  readonly byDefault: 'always' | 'never' | 'roster';
  readonly always: readonly string[];
  readonly never: readonly string[];
}

const mostJids = 1_000;

/** Asks what is archived (XEP-0441), or says what shall be; goes in an iq get, or set. */
export function preferences(wanted?: ArchivePreferences): Element {
  const jids = (list: readonly string[]): readonly Element[] => list.map((jid) => xml('jid', {}, jid));
  return xml(
    'prefs',
    { xmlns: archiveNs, default: wanted?.byDefault },
    wanted && xml('always', {}, jids(wanted.always)),
    wanted && xml('never', {}, jids(wanted.never)),
  );
}

/** Reads what is archived; undefined where the answer does not say. */
export function preferencesOf(answer: Element | undefined): ArchivePreferences | undefined {
  if (answer?.is('prefs', archiveNs) !== true) return undefined;
  const byDefault = oneOf(attribute(answer, 'default'), ['always', 'never', 'roster'] as const);
  const jids = (name: string): readonly string[] => {
    const list = answer.getChild(name, archiveNs);
    const read = (jid: Element): string | undefined => {
      const text = jid.getText().trim();
      return text !== '' && text.length <= mostJid ? text : undefined;
    };
    return list === undefined ? [] : listOf(list, 'jid', archiveNs, mostJids, read);
  };
  return byDefault && { byDefault, always: jids('always'), never: jids('never') };
}
