/*
 * Questions and answers (RFC 6120 §8.2.3). An answer counts only from whom was asked: the address that the question went
 * to, or, for a question to our own account or server, one of the ways in which a server may call itself then.
 */
import type { SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import { stanzaFailure } from '../stanza-failures.js';
import { addressOf } from '../xmpp.addresses.js';
import type { Fate, IqAnswer, IqAsk, Self } from './port.js';
import { xml, type Element } from './xml.js';

const tooLarge = failure('too-large', 'The server takes no stanza of that size.');
const timeout = failure('timeout', 'There was no answer.');
/** Past it something is wrong with whoever asks. */
const mostOpen = 1_000;

interface Open {
  readonly from: ReadonlySet<string>;
  readonly answer: (answer: IqAnswer) => void;
}

export class Asking {
  readonly #open = new Map<string, Open>();
  readonly #clock: SessionClock;
  readonly #self: () => Self;
  readonly #write: (stanza: Element, settled: (fate: Fate) => void) => void;
  readonly #usualMs: number;
  readonly #mark: string;
  #last = 0;
  #over = false;

  /**
   * @param options.mark something that nobody can guess: an answer must bear it.
   * @param options.usualMs how long an answer may take unless the question says so.
   */
  constructor(options: {
    readonly clock: SessionClock;
    readonly self: () => Self;
    readonly write: (stanza: Element, settled: (fate: Fate) => void) => void;
    readonly usualMs: number;
    readonly mark: string;
  }) {
    this.#clock = options.clock;
    this.#self = options.self;
    this.#write = options.write;
    this.#usualMs = options.usualMs;
    this.#mark = options.mark;
  }

  /** Never rejects. */
  async ask({ type, to, payload, timeoutMs = this.#usualMs, signal }: IqAsk): Promise<IqAnswer> {
    if (this.#over || signal?.aborted === true) {
      return { ok: false, failure: failure('network-unreachable', 'The account is not online.') };
    }
    if (this.#open.size >= mostOpen) {
      return { ok: false, failure: failure('rate-limited', 'Too many questions wait for an answer.') };
    }
    const id = `${this.#mark}-${String(++this.#last)}`;
    return new Promise((done) => {
      const answer = (given: IqAnswer): void => {
        if (!this.#open.delete(id)) return;
        cancel();
        signal?.removeEventListener('abort', abort);
        done(given);
      };
      const abort = (): void => {
        answer({ ok: false, failure: timeout });
      };
      const cancel = this.#clock.after(timeoutMs, abort);
      signal?.addEventListener('abort', abort, { once: true });
      this.#open.set(id, { from: this.#answerers(to), answer });
      this.#write(xml('iq', { type, id, to }, payload), (fate) => {
        if (fate === 'too-large') answer({ ok: false, failure: tooLarge });
      });
    });
  }

  /** Takes a stanza that answers a question; false where it answers none of ours. */
  hear(stanza: Element): boolean {
    const { id = '', type, from } = stanza.attrs;
    const open = this.#open.get(id);
    if (open === undefined || (type !== 'result' && type !== 'error')) return false;
    const sender = from === undefined ? '' : addressOf(from);
    if (sender === undefined || !open.from.has(sender)) return false;
    if (type === 'result') {
      open.answer({ ok: true, payload: stanza.getChildElements()[0], stanza });
    } else {
      open.answer({ ok: false, ...stanzaFailure(stanza) });
    }
    return true;
  }

  /** Answers everything that is still open. */
  end(why: Failure): void {
    this.#over = true;
    for (const { answer } of [...this.#open.values()]) answer({ ok: false, failure: why });
  }

  #answerers(to: string | undefined): ReadonlySet<string> {
    const { full, bare, domain } = this.#self();
    const asked = to === undefined ? bare : (addressOf(to) ?? to);
    // A server may leave out its name, or ours, where it answers for the account itself (RFC 6120 §8.1.2.1).
    if (asked === bare || asked === full)
      return new Set(['', bare, full, ...(to === undefined ? [domain] : [])]);
    if (asked === domain) return new Set(['', domain]);
    return new Set([asked]);
  }
}
