/*
 * Asks archives (XEP-0313): our account's own, and those of rooms. A page is a question, the messages that come before
 * its answer, and the answer. A result counts only from the archive that was asked and with the mark of an open question
 * (§4.1.2, security considerations); whatever else passes itself off as one is not heard at all.
 */
import type { Failure } from '#model';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import {
  archiveAsk,
  finOf,
  looksLikeResult,
  resultIn,
  type ArchiveAsk,
  type ArchivePage,
} from './xep/0313.js';
import { addressOf } from './xmpp.addresses.js';

/** A message as an archive holds it. */
export interface Archived {
  /** The archive's own id. */
  readonly id: string;
  /** When it was sent, by the archive's word. */
  readonly at: Date;
  readonly message: Element;
}

/** Oldest first, whichever way was asked. */
export interface Results {
  readonly results: readonly Archived[];
  readonly page: ArchivePage;
}

export type ArchiveAnswer =
  | ({ readonly answer: 'page' } & Results)
  /** The archive says no. */
  | { readonly answer: 'refused'; readonly condition: string; readonly failure: Failure }
  /** Nobody said anything, or not now: the same may go well later. */
  | { readonly answer: 'silent'; readonly failure: Failure };

interface Asked {
  readonly archive: string;
  readonly results: Archived[];
}

/** Questions under way at once; the others wait. */
const mostAsked = 4;
/** Many times what was asked for: what comes beyond it is not heard, and asked for again. */
const mostResults = 1_000;
/** Conditions that say nothing about the archive, only about now (RFC 6120 §8.3.3). */
const passing: ReadonlySet<string> = new Set([
  'internal-server-error',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
]);

export class Archive implements Service {
  readonly #parts: Parts;
  readonly #asked = new Map<string, Asked>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #last = 0;
  #over = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Asks an archive for a page. Never rejects.
   * @param archive our own bare JID, or a room's.
   * @param urgent a person waits for it: ahead of all that waits.
   */
  async ask(
    archive: string,
    ask: Omit<ArchiveAsk, 'queryId'>,
    options: { readonly signal?: AbortSignal; readonly urgent?: boolean } = {},
  ): Promise<ArchiveAnswer> {
    const { port, timings, context } = this.#parts;
    await this.#turn(options.urgent === true);
    const queryId = `${String(++this.#last)}-${Math.floor(context.random() * 2 ** 32).toString(36)}`;
    const asked: Asked = { archive, results: [] };
    this.#asked.set(queryId, asked);
    const answer = await port.iq({
      type: 'set',
      ...(archive !== port.self.bare && { to: archive }),
      payload: archiveAsk({ ...ask, queryId }),
      timeoutMs: timings.history,
      ...(options.signal && { signal: options.signal }),
    });
    this.#asked.delete(queryId);
    this.#underWay--;
    this.#next();
    if (!answer.ok) {
      const { condition, failure } = answer;
      if (condition === undefined || passing.has(condition) || failure.remedy === 'retry') {
        return { answer: 'silent', failure };
      }
      return { answer: 'refused', condition, failure };
    }
    const { results } = asked;
    const page = finOf(answer.payload) ?? { complete: false, unstable: false };
    return { answer: 'page', results, page: results.length < mostResults ? page : cutShort(page, results) };
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message' || !looksLikeResult(stanza)) return false;
    const result = resultIn(stanza);
    const asked = result?.queryId === undefined ? undefined : this.#asked.get(result.queryId);
    const { from } = stanza.attrs;
    const teller = from === undefined ? this.#parts.port.self.bare : addressOf(from);
    if (result === undefined || asked === undefined || teller !== asked.archive) return true;
    const { id, message } = result;
    const at = result.at ?? asked.results.at(-1)?.at ?? new Date(this.#parts.context.clock.now());
    if (asked.results.length < mostResults) asked.results.push({ id, at, message });
    return true;
  }

  ended(): void {
    this.#over = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  async #turn(urgent: boolean): Promise<void> {
    if (this.#underWay >= mostAsked && !this.#over) {
      await new Promise<void>((go) => {
        if (urgent) this.#waiting.unshift(go);
        else this.#waiting.push(go);
      });
    }
    this.#underWay++;
  }

  #next(): void {
    if (this.#underWay < mostAsked) this.#waiting.shift()?.();
  }
}

/** An archive that tells more than it was asked for: the page ends where we stopped listening. */
function cutShort(page: ArchivePage, results: readonly Archived[]): ArchivePage {
  const last = results.at(-1)?.id;
  return { ...page, complete: false, ...(last !== undefined && { last }) };
}
