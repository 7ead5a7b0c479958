/*
 * Messages of several lines on their way in (draft/multiline): the lines of a batch are gathered and told as one message
 * when the batch ends. A server may open batches and never end them, or fill them without end: what is held is bounded,
 * and what was gathered by then is told rather than lost.
 */
import type { Span } from '#model';
import type { IrcMessage } from 'irc-framework';
import { undress } from './formatting.js';
import type { Circumstance } from './from-irc.js';
import { tag, type Said } from './speech.js';

/** Batches that are gathered at a time; a line of any further one is a message of its own. */
const mostOpen = 16;
/** What one may hold; twice what any server is known to take. */
const mostLines = 500;
const mostLength = 65_536;
/** A batch that has not ended by then never will. */
const patienceMs = 30_000;

/** How the batch began: its time, its label, what it was within. */
export interface Opening {
  readonly message: IrcMessage;
  readonly circumstance: Circumstance;
}

interface Open {
  readonly opening: Opening;
  readonly cancel: () => void;
  first: Said | undefined;
  /** The text of each line; those that were joined are one. */
  readonly lines: string[];
  length: number;
}

export const multilineType = 'draft/multiline';

export class Multiline {
  readonly #after: (ms: number, call: () => void) => () => void;
  readonly #told: (said: Said, opening: Opening) => void;
  readonly #open = new Map<string, Open>();

  /** @param told takes a whole message. */
  constructor(
    after: (ms: number, call: () => void) => () => void,
    told: (said: Said, opening: Opening) => void,
  ) {
    this.#after = after;
    this.#told = told;
  }

  open(ref: string, opening: Opening): void {
    if (this.#open.size >= mostOpen || this.#open.has(ref)) return;
    const cancel = this.#after(patienceMs, () => {
      this.close(ref);
    });
    this.#open.set(ref, { opening, cancel, first: undefined, lines: [], length: 0 });
  }

  /** Takes a line that belongs to an open batch; false when it belongs to none. */
  take(said: Said, message: IrcMessage): boolean {
    const ref = message.tags['batch'];
    const batch = ref === undefined ? undefined : this.#open.get(ref);
    if (ref === undefined || batch === undefined) return false;
    // Lines to somewhere else, or by somebody else, are none of it.
    if (
      batch.first !== undefined &&
      (batch.first.to !== said.to || batch.first.from.nick !== said.from.nick)
    ) {
      return false;
    }
    batch.first ??= said;
    const last = batch.lines.length - 1;
    const line = batch.lines[last];
    if (line !== undefined && 'draft/multiline-concat' in message.tags) batch.lines[last] = line + said.raw;
    else batch.lines.push(said.raw);
    batch.length += said.raw.length + 1;
    if (batch.lines.length >= mostLines || batch.length >= mostLength) this.close(ref);
    return true;
  }

  /** The batch has ended: tells what it said. Nothing of a batch without lines. */
  close(ref: string): void {
    const batch = this.#open.get(ref);
    if (batch === undefined) return;
    this.#open.delete(ref);
    batch.cancel();
    const { first, lines, opening } = batch;
    if (first === undefined) return;
    let text = '';
    const spans: Span[] = [];
    for (const [number, raw] of lines.entries()) {
      if (number > 0) text += '\n';
      const line = undress(raw);
      for (const span of line.spans.slice(0, Math.max(0, mostLines - spans.length))) {
        spans.push({ ...span, start: span.start + text.length, end: span.end + text.length });
      }
      text += line.text;
    }
    // The batch's own tags are the message's.
    const msgid = tag(opening.message, 'msgid', 'draft/msgid') ?? first.msgid;
    const replyTo = tag(opening.message, '+draft/reply', '+reply') ?? first.replyTo;
    const account = tag(opening.message, 'account');
    this.#told(
      {
        ...first,
        ...(account !== undefined && account !== '*' && { from: { ...first.from, account } }),
        text,
        spans,
        raw: lines.join('\n'),
        ...(msgid !== undefined && { msgid }),
        ...(replyTo !== undefined && { replyTo }),
      },
      opening,
    );
  }

  /** The connection is over: what has been gathered is told. */
  closeAll(): void {
    for (const ref of [...this.#open.keys()]) this.close(ref);
  }
}
