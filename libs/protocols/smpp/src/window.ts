import type { Clock } from './clock.js';
import { encode } from './encode.js';
import { RequestFailed, type SessionEnd } from './endings.js';
import type { MalformedPdu } from './errors.js';
import type { Outlet } from './outlet.js';
import type { Pdu, PduInput } from './pdu.js';

interface Ask {
  readonly pdu: PduInput;
  readonly resolve: (answer: Pdu) => void;
  readonly reject: (error: Error) => void;
  /** Once it has left. */
  due: number;
  givenUp: boolean;
  forget: (() => void) | undefined;
}

/** The last sequence_number (SMPP 3.4 §3.2). */
const lastSequence = 0x7fff_ffff;
/** How long answers that lay unread while nobody read may take to be read. */
const graceMs = 2_000;
/** A timer this late says that the process was held up, and that answers may lie unread. */
const lateMs = 500;

/** Our own requests: so many under way at once, the others in a queue, and a timer for the answer of each that has left. */
export class Window {
  readonly #size: number;
  readonly #responseMs: number;
  readonly #clock: Clock;
  readonly #outlet: Outlet;
  readonly #settled: () => void;
  /** By sequence_number, in the order in which they left: the first is due first. */
  readonly #pending = new Map<number, Ask>();
  #waiting: Ask[] = [];
  #firstWaiting = 0;
  #gaveUp = 0;
  #forRoom: (() => void)[] = [];
  #sequence: number;
  #isHeld = false;
  #notBefore = 0;
  #cancelSweep: (() => void) | undefined;
  #end: SessionEnd | undefined;

  /** @param settled is told when a request has come to its end. */
  constructor(
    options: { readonly size: number; readonly responseMs: number; readonly firstSequence: number },
    clock: Clock,
    outlet: Outlet,
    settled: () => void,
  ) {
    this.#size = options.size;
    this.#responseMs = options.responseMs;
    this.#sequence = options.firstSequence - 1;
    this.#clock = clock;
    this.#outlet = outlet;
    this.#settled = settled;
  }

  get pending(): number {
    return this.#pending.size;
  }

  get room(): number {
    const queued = this.#waiting.length - this.#firstWaiting - this.#gaveUp;
    return this.#outlet.isBlocked ? 0 : this.#size - this.#pending.size - queued;
  }

  whenRoom(): Promise<void> {
    if (this.room > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#forRoom.push(resolve);
    });
  }

  /** 1 to 0x7fffffff and round again, past those that still wait for an answer. */
  nextSequence(): number {
    do this.#sequence = this.#sequence >= lastSequence ? 1 : this.#sequence + 1;
    while (this.#pending.has(this.#sequence));
    return this.#sequence;
  }

  ask(pdu: PduInput, signal: AbortSignal | undefined): Promise<Pdu> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new RequestFailed('not-left', 'aborted', { cause: signal.reason }));
        return;
      }
      const ask: Ask = { pdu, resolve, reject, due: 0, givenUp: false, forget: undefined };
      if (this.room > 0) {
        this.#send(ask);
        return;
      }
      this.#waiting.push(ask);
      if (signal !== undefined) this.#heed(ask, signal);
    });
  }

  /** Asks though the window is full. */
  askPast(pdu: PduInput): Promise<Pdu> {
    return new Promise((resolve, reject) => {
      this.#send({ pdu, resolve, reject, due: 0, givenUp: false, forget: undefined });
    });
  }

  /** Sends what waits, as far as there is room. */
  pump(): void {
    while (this.#firstWaiting < this.#waiting.length && !this.#outlet.isBlocked) {
      if (this.#pending.size >= this.#size) break;
      const ask = this.#waiting[this.#firstWaiting++];
      if (ask === undefined) continue;
      if (ask.givenUp) this.#gaveUp--;
      else this.#send(ask);
    }
    if (this.#firstWaiting > 1_000 && this.#firstWaiting * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#firstWaiting);
      this.#firstWaiting = 0;
    }
    for (let room = this.room; room > 0 && this.#forRoom.length > 0; room--) this.#forRoom.shift()?.();
  }

  /** @returns whether somebody waited for it. */
  answered(pdu: Pdu): boolean {
    const ask = this.#pending.get(pdu.sequence);
    if (ask === undefined) return false;
    if (pdu.command !== 'generic_nack' && pdu.command !== `${ask.pdu.command}_resp`) return false;
    this.#pending.delete(pdu.sequence);
    ask.resolve(pdu);
    this.pump();
    this.#settled();
    return true;
  }

  unreadable(fault: MalformedPdu): void {
    const { sequence } = fault;
    const ask = this.#pending.get(sequence);
    if (ask === undefined) return;
    this.#fail(sequence, ask, new RequestFailed('left', 'unreadable', { sequence, cause: fault }));
  }

  /** While nobody reads, no answer is late. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (!isHeld) this.#notBefore = this.#clock.monotonic() + graceMs;
  }

  refuseWaiting(end: SessionEnd): void {
    const waiting = this.#waiting.splice(0).slice(this.#firstWaiting);
    this.#firstWaiting = 0;
    this.#gaveUp = 0;
    for (const ask of waiting) {
      if (ask.givenUp) continue;
      ask.forget?.();
      ask.reject(new RequestFailed('not-left', 'ended', { end }));
    }
    for (const resolve of this.#forRoom.splice(0)) resolve();
  }

  end(end: SessionEnd): void {
    this.#end = end;
    this.#cancelSweep?.();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [sequence, ask] of pending) {
      ask.reject(new RequestFailed('left', 'ended', { end, sequence }));
    }
    this.refuseWaiting(end);
  }

  #heed(ask: Ask, signal: AbortSignal): void {
    const giveUp = (): void => {
      ask.givenUp = true;
      this.#gaveUp++;
      ask.reject(new RequestFailed('not-left', 'aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    ask.forget = () => {
      signal.removeEventListener('abort', giveUp);
    };
  }

  #send(ask: Ask): void {
    ask.forget?.();
    const sequence = this.nextSequence();
    let bytes: Buffer;
    try {
      bytes = encode(ask.pdu, sequence);
    } catch (error) {
      ask.reject(error as Error);
      return;
    }
    ask.due = this.#clock.monotonic() + this.#responseMs;
    this.#pending.set(sequence, ask);
    this.#cancelSweep ??= this.#sweepAfter(this.#responseMs);
    this.#outlet.write(bytes);
  }

  #sweepAfter(ms: number): () => void {
    const expected = this.#clock.monotonic() + ms;
    return this.#clock.after(ms, () => {
      this.#cancelSweep = undefined;
      this.#sweep(expected);
    });
  }

  #sweep(expected: number): void {
    if (this.#end !== undefined) return;
    const now = this.#clock.monotonic();
    if (now - expected > lateMs) this.#notBefore = Math.max(this.#notBefore, now + lateMs);
    for (const [sequence, ask] of this.#pending) {
      const due = Math.max(ask.due, this.#isHeld ? now + graceMs : this.#notBefore);
      if (due > now) {
        this.#cancelSweep ??= this.#sweepAfter(due - now);
        break;
      }
      this.#fail(sequence, ask, new RequestFailed('left', 'timeout', { sequence }));
    }
  }

  #fail(sequence: number, ask: Ask, error: RequestFailed): void {
    this.#pending.delete(sequence);
    ask.reject(error);
    this.pump();
    this.#settled();
  }
}
