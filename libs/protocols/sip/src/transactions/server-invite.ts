import { patienceOf } from '../timers.js';
import type { Setting } from './client.js';

export interface InviteServerEvents {
  send(response: Buffer): void;
  trying(): Buffer;
  /** The 2xx was not acknowledged in time: what it began is to be ended with BYE (§13.3.1.4). */
  unacknowledged(): void;
  /** Nothing more will be sent. */
  over(): void;
}

/** 100 goes out when the user has been silent for so long (§17.2.1). */
const silentMs = 200;
/** A provisional response is said again so that no proxy gives up (§13.3.1.1). */
const remindMs = 60_000;

/**
 * The server's side of INVITE (RFC 3261 §17.2.1 with RFC 6026 §7.1), and the sending again of 2xx until the ACK, which is
 * the user's part there (§13.3.1.4). The state that timer I ends only swallows: that is done where finished ones are held.
 */
export class InviteServerTransaction {
  readonly #setting: Setting;
  readonly #events: InviteServerEvents;
  #state: 'proceeding' | 'completed' | 'accepted' | 'over' = 'proceeding';
  #last: Buffer | undefined;
  #pause: number;
  #isAcknowledged = false;
  /** The 100, then G, or the sending again of a provisional response or of a 2xx. */
  #cancelSend: () => void;
  /** H or L. */
  #cancelEnd: (() => void) | undefined;

  constructor(setting: Setting, events: InviteServerEvents) {
    this.#setting = setting;
    this.#events = events;
    this.#pause = setting.timers.t1;
    this.#cancelSend = setting.clock.after(silentMs, () => {
      this.#last = events.trying();
      events.send(this.#last);
    });
  }

  /** Whether a final response was given. */
  get isAnswered(): boolean {
    return this.#state !== 'proceeding';
  }

  /** The INVITE came once more. A 2xx goes out again by its own time (RFC 6026 §7.1). */
  retransmitted(): void {
    const answers = this.#state === 'proceeding' || this.#state === 'completed';
    if (answers && this.#last !== undefined) this.#events.send(this.#last);
  }

  respond(response: Buffer, status: number): void {
    if (this.#state !== 'proceeding') return;
    const { clock, timers, isReliable } = this.#setting;
    this.#cancelSend();
    this.#last = response;
    if (status < 200) this.#remind();
    else if (status < 300) {
      this.#state = 'accepted';
      this.#cancelEnd = clock.after(patienceOf(timers), () => {
        if (!this.#isAcknowledged) this.#events.unacknowledged();
        this.stop();
      });
      // Over every transport: it is the user, not the next hop, who acknowledges.
      this.#sendAgain();
    } else {
      this.#state = 'completed';
      this.#cancelEnd = clock.after(patienceOf(timers), () => {
        this.stop();
      });
      if (!isReliable) this.#sendAgain();
    }
    this.#events.send(response);
  }

  /**
   * An ACK came: of a final response that is not 2xx, by its branch, or of a 2xx, by its dialog.
   * @returns whether it is the first of a 2xx.
   */
  acknowledged(): boolean {
    if (this.#state === 'completed') this.stop();
    if (this.#state !== 'accepted' || this.#isAcknowledged) return false;
    this.#isAcknowledged = true;
    this.#cancelSend();
    return true;
  }

  stop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#cancelSend();
    this.#cancelEnd?.();
    this.#events.over();
  }

  #sendAgain(): void {
    this.#cancelSend = this.#setting.clock.after(this.#pause, () => {
      this.#pause = Math.min(2 * this.#pause, this.#setting.timers.t2);
      this.#sendAgain();
      if (this.#last !== undefined) this.#events.send(this.#last);
    });
  }

  #remind(): void {
    this.#cancelSend = this.#setting.clock.after(remindMs, () => {
      this.#remind();
      if (this.#last !== undefined) this.#events.send(this.#last);
    });
  }
}
