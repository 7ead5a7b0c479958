/*
 * Asks the server what was said before (IRCv3 draft/chathistory), one question at a time: whatever a network is asked,
 * there is never more than one line of it in the way of what a person says.
 *
 * An answer is a batch. It is found by its label or, without labels, by its type and target. A server may answer late,
 * with another batch inside, with lines that are no messages, without end or not at all; each ends in an answer here.
 */
import type { InboundEvent, SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Place } from './cursors.js';
import { failFailure } from './failures.js';
import { circumstanceOf } from './from-irc.js';
import { wireTarget } from './irc.addresses.js';
import type { Outbox } from './outbox.js';
import { command, labelled } from './to-irc.js';

export interface Question {
  readonly verb: 'AFTER' | 'BEFORE' | 'LATEST' | 'TARGETS';
  /** The name on the wire; of TARGETS the empty text. */
  readonly target: string;
  readonly parameters: readonly string[];
  /** What its messages are: told to the house as they come, or gathered for whoever asked. */
  readonly use: 'catch-up' | 'history';
}

export interface Page {
  /** How many messages it held. */
  readonly messages: number;
  readonly first?: Place;
  readonly last?: Place;
  readonly targets: readonly { readonly name: string; readonly at: number }[];
  /** What was gathered, oldest first. */
  readonly events: readonly InboundEvent[];
}

export type Answer =
  | { readonly answer: 'page'; readonly page: Page }
  /** With the server's own code, or the numeric. */
  | { readonly answer: 'refused'; readonly code: string; readonly failure: Failure }
  /** It began to answer and did not end, or never began. */
  | { readonly answer: 'broken'; readonly page: Page; readonly failure: Failure };

interface Asked {
  readonly question: Question;
  readonly label: string | undefined;
  readonly settle: (answer: Answer) => void;
  /** The batch that answers it. */
  root?: string;
  /** Until when it may go on, monotonic. */
  deadline: number;
  messages: number;
  first?: Place;
  last?: Place;
  readonly targets: { readonly name: string; readonly at: number }[];
  readonly events: InboundEvent[];
}

/** Many times what any server gives at once: what comes after it in one batch is not heard. */
const mostLines = 20_000;
/** Batches inside the one that answers. */
const mostNested = 1_000;
/** A server that does not answer so many times in a row will not answer at all. */
const mostSilences = 2;
/** A server that goes on answering may take so many times the usual. */
const patience = 5;
/** What is a message in an archive; all else (joins, modes, pings of clients) tells nothing of how things stand now. */
const spoken: ReadonlySet<string> = new Set(['PRIVMSG', 'NOTICE', 'TAGMSG', 'REDACT']);
const batchTypes: ReadonlySet<string> = new Set(['chathistory', 'draft/chathistory-targets']);

export interface ChatHistoryParts {
  readonly outbox: Outbox;
  readonly clock: SessionClock;
  readonly answerMs: number;
  /** We are not listening now: the server is not to blame. */
  readonly deaf: () => boolean;
  readonly labels: () => boolean;
  readonly same: (one: string, other: string) => boolean;
}

export class ChatHistory {
  readonly #parts: ChatHistoryParts;
  readonly #waiting: { readonly question: Question; readonly settle: (answer: Answer) => void }[] = [];
  #asked: Asked | undefined;
  /** Batches that belong to the answer, itself among them. */
  readonly #batches = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #number = 0;
  #silences = 0;
  #closed: Failure | undefined;

  constructor(parts: ChatHistoryParts) {
    this.#parts = parts;
  }

  /** Asks; what a person waits for goes first. Never rejects; an aborted signal ends the waiting. */
  async ask(question: Question, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve) => {
      const late = failure('timeout', 'The server did not answer in time.');
      if (this.#closed !== undefined || signal?.aborted === true) {
        resolve({ answer: 'refused', code: '', failure: this.#closed ?? late });
        return;
      }
      const settle = (answer: Answer): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve(answer);
      };
      const giveUp = (): void => {
        const at = this.#waiting.findIndex((one) => one.settle === settle);
        if (at !== -1) this.#waiting.splice(at, 1);
        settle({ answer: 'refused', code: '', failure: late });
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      const entry = { question, settle };
      if (question.use === 'history') this.#waiting.unshift(entry);
      else this.#waiting.push(entry);
      this.#next();
    });
  }

  /**
   * Looks at a line before anybody else does.
   * @returns `true` when it means nothing else; the question that it answers; undefined when it answers none.
   */
  take(message: IrcMessage): true | Question | undefined {
    const asked = this.#asked;
    const { command: verb, params, tags } = message;
    if (verb === 'CHATHISTORY') {
      this.#target(message);
      return true;
    }
    if (verb === 'FAIL' && params[0] === 'CHATHISTORY') {
      this.#refused(tags['label'], params[1] ?? '', failFailure(params[1] ?? '', params.at(-1)));
      return true;
    }
    if ((verb === '421' || verb === '461') && params[1]?.toUpperCase() === 'CHATHISTORY') {
      this.#refused(tags['label'], verb, failure('unsupported', 'The server keeps no history.'));
      return true;
    }
    if (asked === undefined) return undefined;
    if (verb === 'BATCH') return this.#batch(asked, message);
    if (!this.#batches.has(tags['batch'] ?? '')) return undefined;
    if (!spoken.has(verb) || asked.question.verb === 'TARGETS' || asked.messages >= mostLines) return true;
    this.#note(asked, message);
    return asked.question;
  }

  /** Gathers what was heard in the answer to the question that is being answered. */
  gather(event: InboundEvent): void {
    // Lines without a time are no places, so they are not counted; they are held all the same.
    if (this.#asked !== undefined && this.#asked.events.length < mostLines) this.#asked.events.push(event);
  }

  /** The connection is over. */
  close(why: Failure): void {
    this.#closed ??= why;
    this.#cancelTimer?.();
    const asked = this.#asked;
    this.#asked = undefined;
    for (const { settle } of [...(asked ? [asked] : []), ...this.#waiting.splice(0)]) {
      settle({ answer: 'refused', code: '', failure: why });
    }
  }

  #next(): void {
    if (this.#asked !== undefined || this.#closed !== undefined) return;
    const entry = this.#waiting.shift();
    if (entry === undefined) return;
    const { outbox, clock, answerMs, labels } = this.#parts;
    const { question } = entry;
    const label = labels() ? `past-${String(++this.#number)}` : undefined;
    const { verb, target, parameters } = question;
    const line = command('CHATHISTORY', verb, ...(target === '' ? [] : [target]), ...parameters);
    const asked: Asked = { ...entry, label, deadline: Infinity, messages: 0, targets: [], events: [] };
    this.#asked = asked;
    this.#batches.clear();
    outbox.control({
      line: labelled(label, line),
      left: () => {
        asked.deadline = clock.monotonic() + answerMs * patience;
        this.#wait(asked);
      },
    });
  }

  #wait(asked: Asked): void {
    const { clock, answerMs, deaf } = this.#parts;
    this.#cancelTimer?.();
    const ms = Math.min(answerMs, asked.deadline - clock.monotonic());
    this.#cancelTimer = clock.after(Math.max(0, ms), () => {
      if (deaf()) {
        asked.deadline += answerMs;
        this.#wait(asked);
        return;
      }
      this.#silences++;
      const why = failure('timeout', 'The server did not answer what was said before.');
      this.#settle({ answer: 'broken', page: asked, failure: why });
      if (this.#silences >= mostSilences) this.close(why);
    });
  }

  #settle(answer: Answer): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    this.#cancelTimer?.();
    this.#asked = undefined;
    this.#batches.clear();
    asked.settle(answer);
    this.#next();
  }

  #refused(label: string | undefined, code: string, why: Failure): void {
    const asked = this.#asked;
    if (asked === undefined || asked.root !== undefined) return;
    if (label !== undefined && label !== '' && label !== asked.label) return;
    this.#silences = 0;
    this.#settle({ answer: 'refused', code, failure: why });
  }

  #batch(asked: Asked, message: IrcMessage): Question | undefined {
    const [mark = '', type = '', target = ''] = message.params;
    const ref = mark.slice(1);
    if (mark.startsWith('-')) {
      if (!this.#batches.delete(ref)) return undefined;
      if (ref === asked.root) {
        this.#silences = 0;
        this.#settle({ answer: 'page', page: asked });
      }
      return asked.question;
    }
    if (this.#batches.has(message.tags['batch'] ?? '')) {
      if (this.#batches.size >= mostNested) return asked.question;
      this.#batches.add(ref);
      // A message of several lines: its time and its id stand here.
      this.#note(asked, message);
      return asked.question;
    }
    if (asked.root !== undefined || !batchTypes.has(type)) return undefined;
    const { label } = message.tags;
    const answers =
      label !== undefined && label !== ''
        ? label === asked.label
        : (type === 'chathistory') === (asked.question.verb !== 'TARGETS') &&
          (asked.question.target === '' || this.#parts.same(target, asked.question.target));
    if (!answers) return undefined;
    asked.root = ref;
    this.#batches.add(ref);
    this.#wait(asked);
    return asked.question;
  }

  #note(asked: Asked, message: IrcMessage): void {
    const { at } = circumstanceOf(message);
    const msgid = message.tags['msgid'];
    // A line inside a message of several lines has neither.
    if (at === undefined) return;
    asked.messages++;
    const place: Place = { at, ...(msgid !== undefined && msgid !== '' && { msgid }) };
    asked.first ??= place;
    asked.last = place;
    if (asked.messages % 50 === 0) this.#wait(asked);
  }

  #target({ params, tags }: IrcMessage): void {
    const asked = this.#asked;
    const [verb = '', name = '', time = ''] = params;
    if (asked === undefined || verb.toUpperCase() !== 'TARGETS' || wireTarget(name) === undefined) return;
    if (!this.#batches.has(tags['batch'] ?? '') || asked.targets.length >= mostNested) return;
    const at = Date.parse(time.replace(/^timestamp=/, ''));
    if (!Number.isNaN(at)) asked.targets.push({ name, at });
  }
}

/** How a question names a moment; the standard has it to the millisecond, in UTC. */
export function timestampOf(at: number): string {
  return `timestamp=${new Date(at).toISOString()}`;
}

/** Whether CHATHISTORY may be asked: what it answers with needs all of these (draft/chathistory, "Dependencies"). */
export function keepsHistory(has: (capability: string) => boolean): boolean {
  return ['draft/chathistory', 'batch', 'server-time', 'message-tags'].every(has);
}
