import type { SipResponse } from '../message.js';
import { patienceOf } from '../timers.js';
import type { Setting } from './client.js';

export interface InviteClientEvents {
  /** Puts the INVITE on the wire; again, for a retransmission. */
  send(): void;
  /** Puts the ACK of a final response that is not 2xx on the wire (§17.1.1.3). */
  acknowledge(response: SipResponse): void;
  provisional(response: SipResponse): void;
  /** The first final response, and after a 2xx each further 2xx: retransmissions, and those of other forks (RFC 6026). */
  final(response: SipResponse): void;
  /** Nothing came at all (timer B), or nothing final after a CANCEL. */
  timeout(): void;
  /** Nothing more will be told. */
  over(): void;
}

/** The client's side of INVITE (RFC 3261 §17.1.1 with RFC 6026 §7.2). */
export class InviteClientTransaction {
  readonly #setting: Setting;
  readonly #events: InviteClientEvents;
  #state: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'over' = 'calling';
  #pause: number;
  #cancelA: (() => void) | undefined;
  /** B, then D or M. */
  #cancelEnd: (() => void) | undefined;

  constructor(setting: Setting, events: InviteClientEvents) {
    this.#setting = setting;
    this.#events = events;
    this.#pause = setting.timers.t1;
  }

  /** Whether a provisional response has come and no final one: now a CANCEL may be sent (§9.1). */
  get isProceeding(): boolean {
    return this.#state === 'proceeding';
  }

  start(): void {
    this.#endAfter(patienceOf(this.#setting.timers), () => {
      this.#timeout();
    });
    if (!this.#setting.isReliable) this.#armA();
    this.#events.send();
  }

  receive(response: SipResponse): void {
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        this.#cancelA?.();
        if (response.status >= 200) this.#final(response);
        else {
          if (this.#state === 'calling') this.#cancelEnd?.();
          this.#state = 'proceeding';
          this.#events.provisional(response);
        }
        return;
      case 'completed':
        if (response.status >= 300) this.#events.acknowledge(response);
        return;
      case 'accepted':
        if (response.status >= 200 && response.status < 300) this.#events.final(response);
        return;
      case 'over':
        return;
    }
  }

  /** A CANCEL has been sent: who does not answer the INVITE in time now never will (§9.1). */
  cancelled(): void {
    if (this.#state !== 'proceeding') return;
    this.#endAfter(patienceOf(this.#setting.timers), () => {
      this.#timeout();
    });
  }

  stop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#cancelA?.();
    this.#cancelEnd?.();
    this.#events.over();
  }

  #final(response: SipResponse): void {
    const { timers, isReliable } = this.#setting;
    const end = (): void => {
      this.stop();
    };
    if (response.status < 300) {
      this.#state = 'accepted';
      this.#endAfter(patienceOf(timers), end);
      this.#events.final(response);
      return;
    }
    this.#state = 'completed';
    this.#events.acknowledge(response);
    this.#events.final(response);
    if (isReliable) end();
    else this.#endAfter(patienceOf(timers), end);
  }

  #timeout(): void {
    this.#events.timeout();
    this.stop();
  }

  #armA(): void {
    this.#cancelA = this.#setting.clock.after(this.#pause, () => {
      this.#pause *= 2;
      this.#armA();
      this.#events.send();
    });
  }

  #endAfter(ms: number, call: () => void): void {
    this.#cancelEnd?.();
    this.#cancelEnd = this.#setting.clock.after(ms, call);
  }
}
