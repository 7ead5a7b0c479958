import type { RequestOutcome, SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import { fold } from './case-mapping.js';
import type { Answer, Ledger } from './ledger.js';
import type { Network } from './network.js';
import type { Outbox } from './outbox.js';
import { command, labelled, roomFor, type Look } from './to-irc.js';

interface RequestParts {
  readonly outbox: Outbox;
  readonly ledger: Ledger;
  readonly clock: SessionClock;
  readonly network: () => Network;
  readonly look: () => Look;
  readonly labels: () => boolean;
}

/** Momentary acts that the server answers: by label, by a refusing numeric, or by the answer to a later PING. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #open = new Set<(failure: Failure) => void>();
  #number = 0;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** Sets a channel's topic; an empty one takes it away. */
  async topic(channel: string, topic: string, signal: AbortSignal): Promise<RequestOutcome> {
    const { network, look } = this.#parts;
    const bytes = Buffer.byteLength(topic);
    if (bytes > Math.min(network().topicLength ?? Infinity, roomFor('TOPIC', channel, look()))) {
      return {
        outcome: 'refused',
        failure: failure('too-large', 'This network takes no topic of that length.'),
      };
    }
    return this.#ask('TOPIC', channel, command('TOPIC', channel, topic), signal);
  }

  /** The connection is over. */
  close(why: Failure): void {
    for (const refuse of [...this.#open]) refuse(why);
  }

  async #ask(verb: string, target: string, line: string, signal: AbortSignal): Promise<RequestOutcome> {
    const { outbox, ledger, clock, network, labels } = this.#parts;
    const label = labels() ? `request-${String(++this.#number)}` : undefined;
    return new Promise((resolve) => {
      const settle = (outcome: RequestOutcome): void => {
        signal.removeEventListener('abort', late);
        this.#open.delete(refuse);
        resolve(outcome);
      };
      const refuse = (why: Failure): void => {
        settle({ outcome: 'refused', failure: why });
      };
      const late = (): void => {
        refuse(failure('timeout', 'The server did not answer in time.'));
      };
      const answered = (answer: Answer): void => {
        if (answer.kind === 'taken') settle({ outcome: 'done', answer: null });
        else refuse(answer.failure);
      };
      this.#open.add(refuse);
      if (signal.aborted) {
        late();
        return;
      }
      signal.addEventListener('abort', late, { once: true });
      outbox.control({
        line: labelled(label, line),
        left: () => {
          const entry = { verb, target: fold(target, network().caseMapping), echoed: false, answered };
          ledger.add({ ...entry, ...(label !== undefined && { label }) }, clock.monotonic());
        },
      });
    });
  }
}
