/*
 * What is asked of a server at once and answered: acts (KICK, MODE) and questions (WHOIS, LIST). An answer is found by its
 * label where the server knows labels; otherwise a refusal by what it names, the end of a question by its last numeric,
 * and the success of an act by the answer to a PING behind it: a server works line by line.
 */
import type { JsonValue, RequestOutcome } from '#connector';
import { failure, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Batches } from './batches.js';
import { fold } from './case-mapping.js';
import { failFailure, numericFailure } from './failures.js';
import type { Network } from './network.js';
import type { Outbox } from './outbox.js';
import { command, labelled } from './to-irc.js';

/** Something that the server is to do. */
export interface Act {
  readonly verb: string;
  /** Whom or what it is about, as a refusal would name them. */
  readonly about: readonly string[];
  readonly line: string;
}

/** Something that the server is to tell, line by line. */
export interface Question extends Act {
  /** Takes one line of the answer: `more` follow, that was the `end`, or it is none of the answer. */
  take(message: IrcMessage): 'more' | 'end' | undefined;
  answer(): JsonValue;
}

interface Open {
  readonly act: Act;
  readonly question: Question | undefined;
  readonly label: string | undefined;
  /** The PING behind it. */
  ping?: string;
  /** It has left: what comes before cannot be its answer. */
  left: boolean;
  settle(outcome: RequestOutcome): void;
}

/** Questions and acts under way; whoever asks for more is told to come later. */
const most = 64;

export class Questions {
  readonly #outbox: Outbox;
  readonly #network: () => Network;
  readonly #labels: () => boolean;
  readonly #batches: Batches;
  readonly #open = new Set<Open>();
  #number = 0;

  constructor(parts: {
    readonly outbox: Outbox;
    readonly network: () => Network;
    readonly labels: () => boolean;
    readonly batches: Batches;
  }) {
    this.#outbox = parts.outbox;
    this.#network = parts.network;
    this.#labels = parts.labels;
    this.#batches = parts.batches;
  }

  /** Has the server do something; resolves when it did, refused, or the signal says that it took too long. */
  async act(act: Act, signal: AbortSignal): Promise<RequestOutcome> {
    return this.#begin(act, undefined, signal);
  }

  /** Asks the server something. One LIST or WHOIS of the same at a time. */
  async ask(question: Question, signal: AbortSignal): Promise<RequestOutcome> {
    const same = [...this.#open].some(
      ({ act, question: other }) =>
        other !== undefined &&
        act.verb === question.verb &&
        (question.about.length === 0 || this.#names(act, question.about)),
    );
    if (same) {
      return refused(failure('resource-conflict', 'The same is being asked already.', 'retry'));
    }
    return this.#begin(question, question, signal);
  }

  /** Reads a line. True when it refuses something that was asked here, and nothing else. */
  hears(message: IrcMessage): boolean {
    if (this.#open.size === 0) return false;
    const label = this.#batches.labelOf(message);
    for (const open of this.#open) {
      if (!open.left || open.label !== label) continue;
      const why = failureOf(message, open.act);
      if (why !== undefined && (label !== undefined || this.#isAbout(message, open.act))) {
        open.settle(refused(why));
        return true;
      }
      const took = open.question?.take(message);
      if (took === 'end') this.#done(open);
      if (took !== undefined) return false;
      if (
        label !== undefined &&
        message.command !== 'BATCH' &&
        (open.question === undefined || message.command === 'ACK')
      )
        this.#done(open);
    }
    return false;
  }

  /** A PING was answered. True when it was one of ours: then every act before it is done. */
  ponged(token: string): boolean {
    const asked = [...this.#open].find(({ ping }) => ping === token);
    if (asked) this.#done(asked);
    return asked !== undefined;
  }

  /** The connection is over. */
  close(why: Failure): void {
    for (const open of [...this.#open]) open.settle(refused(why));
  }

  async #begin(act: Act, question: Question | undefined, signal: AbortSignal): Promise<RequestOutcome> {
    if (signal.aborted) return refused(failure('timeout', 'There was no time left to ask.'));
    if (this.#open.size >= most)
      return refused(failure('rate-limited', 'Too much is being asked at once.', 'retry'));
    const number = String(++this.#number);
    const label = this.#labels() ? `ask-${number}` : undefined;
    return new Promise((resolve) => {
      const late = (): void => {
        open.settle(refused(failure('timeout', 'The server did not answer in time.')));
      };
      const open: Open = {
        act,
        question,
        label,
        left: false,
        settle: (outcome) => {
          signal.removeEventListener('abort', late);
          if (this.#open.delete(open)) resolve(outcome);
        },
      };
      this.#open.add(open);
      signal.addEventListener('abort', late, { once: true });
      this.#outbox.control({
        line: labelled(label, act.line),
        left: () => {
          open.left = true;
        },
      });
      if (label === undefined && question === undefined) {
        open.ping = `asked-${number}`;
        this.#outbox.control({ line: command('PING', open.ping) });
      }
    });
  }

  #done(open: Open): void {
    open.settle({ outcome: 'done', answer: open.question?.answer() ?? null });
  }

  #isAbout({ command: numeric, params }: IrcMessage, act: Act): boolean {
    if (numeric === 'FAIL') return params[0] === act.verb;
    if (numeric === '421' || numeric === '461') return params[1]?.toUpperCase() === act.verb;
    // What refuses speech refuses nothing else.
    if (numeric === '404') return false;
    // "Try again" (263) names the command.
    if (numeric === '263') return params[1]?.toUpperCase() === act.verb;
    return this.#names(act, params.slice(1, 3));
  }

  #names(act: Act, names: readonly string[]): boolean {
    const { caseMapping } = this.#network();
    const folded = new Set(names.map((name) => fold(name, caseMapping)));
    return act.about.some((name) => folded.has(fold(name, caseMapping)));
  }
}

function refused(why: Failure): RequestOutcome {
  return { outcome: 'refused', failure: why };
}

/** Refusals of acts, beside those of speech: RFC 2812 §5.2 and what the servers of today add. */
const ofActs: Readonly<Record<string, Parameters<typeof failure>[0]>> = {
  '263': 'rate-limited', // try again later
  '416': 'too-large', // too many matches
  '443': 'resource-conflict', // is in the room already
  '467': 'resource-conflict', // a key is set already
  '472': 'unsupported', // unknown mode
  '478': 'too-large', // the list of bans is full
  '501': 'unsupported',
  '518': 'not-allowed', // no invitations here
  '696': 'unsupported', // bad mode parameter
  '697': 'resource-conflict', // on the list already
  '698': 'not-found', // not on the list
  '712': 'rate-limited', // too many knocks
  '713': 'resource-conflict', // the room is open
  '714': 'resource-conflict', // in the room already
};

function failureOf({ command: numeric, params }: IrcMessage, { verb }: Act): Failure | undefined {
  const text = params.at(-1);
  // Elsewhere "too often"; of knocks, that this door is not to be knocked at (InspIRCd, UnrealIRCd).
  if (numeric === '480' && verb === 'KNOCK') return failure('not-allowed', text?.slice(0, 300));
  if (numeric === 'FAIL') return failFailure(params[1] ?? '', text);
  const code = ofActs[numeric];
  return code === undefined ? numericFailure(numeric, text) : failure(code, text?.slice(0, 300));
}
