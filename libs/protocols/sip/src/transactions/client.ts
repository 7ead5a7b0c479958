import type { Clock } from '../clock.js';
import type { SipResponse } from '../message.js';
import { patienceOf, type Timers } from '../timers.js';

/** What a transaction is made in. */
export interface Setting {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether the transport delivers by itself: then nothing is sent twice. */
  readonly isReliable: boolean;
}

export interface ClientEvents {
  /** Puts the request on the wire; again, for a retransmission. */
  send(): void;
  /** A provisional response, and at last one final. */
  response(response: SipResponse): void;
  /** No final response came in time (timer F). */
  timeout(): void;
}

/**
 * The client's side of a request that is not INVITE (RFC 3261 §17.1.2). It is over with the final response: the state that
 * timer K ends would only swallow further ones, and those match nothing and are dropped.
 */
export class ClientTransaction {
  readonly #setting: Setting;
  readonly #events: ClientEvents;
  readonly #timeoutMs: number;
  #state: 'trying' | 'proceeding' | 'over' = 'trying';
  #pause = 0;
  #cancelE: (() => void) | undefined;
  #cancelF: (() => void) | undefined;

  /** @param timeoutMs what timer F is set to. */
  constructor(setting: Setting, events: ClientEvents, timeoutMs = patienceOf(setting.timers)) {
    this.#setting = setting;
    this.#events = events;
    this.#timeoutMs = timeoutMs;
  }

  start(): void {
    const { clock, timers, isReliable } = this.#setting;
    this.#cancelF = clock.after(this.#timeoutMs, () => {
      this.stop();
      this.#events.timeout();
    });
    if (!isReliable) {
      this.#pause = timers.t1;
      this.#armE();
    }
    this.#events.send();
  }

  receive(response: SipResponse): void {
    if (this.#state === 'over') return;
    if (response.status < 200) this.#state = 'proceeding';
    else this.stop();
    this.#events.response(response);
  }

  /** Nothing more is sent or told. */
  stop(): void {
    this.#state = 'over';
    this.#cancelE?.();
    this.#cancelF?.();
  }

  #armE(): void {
    const { clock, timers } = this.#setting;
    this.#cancelE = clock.after(this.#pause, () => {
      this.#pause = this.#state === 'proceeding' ? timers.t2 : Math.min(2 * this.#pause, timers.t2);
      this.#armE();
      this.#events.send();
    });
  }
}
