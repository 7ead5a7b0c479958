import { patienceOf, tryingAfter } from '../timers.js';
import type { Setting } from './client.js';

export interface ServerEvents {
  send(response: Buffer): void;
  /** A 100 for who has waited so long that it should not send again and again. */
  trying(): Buffer;
  /** @param last the final response, for retransmissions of the request; none: there was none in time. */
  over(last: Buffer | undefined): void;
}

/**
 * The server's side of a request that is not INVITE (RFC 3261 §17.2.2 with RFC 4320 §4: 100 is the only provisional
 * response, it is sent late, and nothing is sent when the client no longer waits). After the final response timer J runs
 * where the response is held, as bytes.
 */
export class ServerTransaction {
  readonly #events: ServerEvents;
  #last: Buffer | undefined;
  #isOver = false;
  readonly #cancelTrying: () => void;
  readonly #cancelEnd: () => void;

  constructor({ clock, timers }: Setting, events: ServerEvents) {
    this.#events = events;
    this.#cancelTrying = clock.after(tryingAfter(timers), () => {
      this.#last = events.trying();
      events.send(this.#last);
    });
    this.#cancelEnd = clock.after(patienceOf(timers), () => {
      this.stop();
      events.over(undefined);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The request came once more. */
  retransmitted(): void {
    if (this.#last !== undefined) this.#events.send(this.#last);
  }

  /** The final response. */
  respond(response: Buffer): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.send(response);
    this.#events.over(response);
  }

  stop(): void {
    this.#isOver = true;
    this.#cancelTrying();
    this.#cancelEnd();
  }
}
