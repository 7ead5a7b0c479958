import { wireIdOf, type OutboundEnvelope, type SendOutcome, type SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import { fold } from './case-mapping.js';
import { Ledger, type Answer, type Entry } from './ledger.js';
import type { Network } from './network.js';
import type { Outbox, Speech } from './outbox.js';
import { linesOf, partsOf, type Means, type OutPart } from './composing.js';
import { plain } from './formatting.js';
import type { Look } from './to-irc.js';

export interface SendingParts {
  readonly outbox: Outbox;
  readonly clock: SessionClock;
  readonly network: () => Network;
  /** How our lines look to others now. */
  readonly look: () => Look;
  /** What can be said as the network means it. */
  readonly means: () => Means;
  /** Whether the server answers by label. */
  readonly labels: () => boolean;
  /** A part's fate became known after its `send` was answered. */
  readonly fate: (wireId: string, fate: PartFate) => void;
}

export type PartFate =
  { readonly state: 'sent' } | { readonly state: 'failed' | 'unknown'; readonly failure: Failure };

/**
 * Envelopes on their way: out through the outbox, into the ledger, and settled by what the server answers. A `send` is
 * answered `pending` when the last line is on the wire; what comes back completes the parts one by one.
 */
export class Sending {
  readonly #parts: SendingParts;
  readonly ledger = new Ledger();
  readonly #running = new Map<Speech, (outcome: SendOutcome) => void>();
  #batches = 0;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const parts = partsOf(envelope, this.#parts.look(), this.#parts.means());
    if ('code' in parts) return { outcome: 'refused', failure: parts };
    if (signal.aborted) return unsent(outOfTime);
    const { outbox, clock } = this.#parts;
    return new Promise((settle) => {
      const abort = (): void => {
        const left = outbox.withdraw(speech);
        this.#settle(speech, left === 0 ? unsent(outOfTime) : partly);
      };
      const speech: Speech = {
        parts: parts.map((part, number) => {
          const wireId = wireIdOf(envelope.id, number);
          const label = this.#parts.labels() ? wireId : undefined;
          return {
            lines: linesOf(part, label, `p${String(++this.#batches)}`),
            left: () => {
              this.ledger.add(
                {
                  ...(label !== undefined && { label }),
                  wireId,
                  verb: part.verb,
                  ...(part.lines.length > 1 && { command: 'BATCH' }),
                  target: fold(part.about, this.#parts.network().caseMapping),
                  text: echoOf(part),
                  echoed: true,
                  answered: (answer) => {
                    this.#answered(wireId, answer, speech);
                  },
                },
                clock.monotonic(),
              );
            },
          };
        }),
        out: () => {
          this.#settle(speech, { outcome: 'pending', parts: parts.length });
        },
      };
      this.#running.set(speech, (outcome) => {
        signal.removeEventListener('abort', abort);
        settle(outcome);
      });
      signal.addEventListener('abort', abort, { once: true });
      outbox.say(speech);
    });
  }

  /** Something of our own came back: takes the entry of the part that it completes, if it completes one. */
  echoed(
    verb: string,
    target: string,
    text: string,
    label: string | undefined,
    mayLackLabel = true,
  ): Entry | undefined {
    if (label !== undefined) return this.ledger.labelled(label);
    return this.ledger.echo(verb, fold(target, this.#parts.network().caseMapping), text, mayLackLabel);
  }

  /** Lets nothing more leave; what has left may still be answered. */
  stop(why: Failure = failure('network-unreachable', 'The session is being closed.')): void {
    for (const { speech, next } of this.#parts.outbox.close()) {
      this.#settle(speech, next === 0 ? unsent(why) : partly);
    }
  }

  /** The connection is over: nothing stays unsettled. */
  close(why: Failure): void {
    this.stop(why);
    this.ledger.giveUp(why);
  }

  #answered(wireId: string, answer: Answer, speech: Speech): void {
    const stillRunning = this.#running.has(speech);
    switch (answer.kind) {
      case 'taken':
        this.#parts.fate(wireId, { state: 'sent' });
        return;
      case 'refused':
        // What was refused once would be refused again: the rest does not leave.
        if (stillRunning) {
          this.#parts.outbox.withdraw(speech);
          this.#settle(speech, { outcome: 'refused', failure: answer.failure });
        } else {
          this.#parts.fate(wireId, { state: 'failed', failure: answer.failure });
        }
        return;
      case 'unknown':
        if (stillRunning) {
          this.#parts.outbox.withdraw(speech);
          this.#settle(speech, { outcome: 'unknown', failure: answer.failure });
        } else {
          this.#parts.fate(wireId, { state: 'unknown', failure: answer.failure });
        }
    }
  }

  #settle(speech: Speech, outcome: SendOutcome): void {
    const settle = this.#running.get(speech);
    if (settle === undefined) return;
    this.#running.delete(speech);
    settle(outcome);
  }
}

/** What the echo of a part says, as it is read: without formatting, a batch as one text. */
function echoOf({ lines, tags }: OutPart): string {
  if (lines.length === 0) return tagText(tags);
  return lines
    .map(({ text, joined }, at) => {
      const said = plain(text.replace(/^\x01ACTION (.*)\x01$/, '$1'));
      return at === 0 || joined ? said : `\n${said}`;
    })
    .join('');
}

/** What a TAGMSG says, for telling one from another. */
export function tagText(tags: Readonly<Record<string, string>>): string {
  return ['+draft/react', '+draft/unreact', '+draft/reply'].map((name) => tags[name] ?? '').join(' ');
}

const partly: SendOutcome = {
  outcome: 'unknown',
  failure: failure('timeout', 'Some of its lines left and some did not.'),
};

const outOfTime = failure('timeout', 'The time was over before a line could leave.');

function unsent(why: Failure): SendOutcome {
  return { outcome: 'later', retryAfterMs: 1_000, failure: why };
}
