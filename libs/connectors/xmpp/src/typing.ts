/*
 * Who is writing (XEP-0085). What others tell holds until they tell otherwise, but not for ever; what we tell goes only to
 * those who have told something of the kind before, and once, not at every key (§5.1).
 */
import type { SessionClock } from '#connector';
import { Writers } from '#connector/session';
import type { ChatState } from './xep/0085.js';

/** A client that vanished while somebody wrote tells nothing more. */
const holdsMs = 60_000;
/** Writers and places that are remembered at a time. */
const most = 500;

export interface TypingParts {
  readonly clock: SessionClock;
  readonly tell: (conversation: string, address: string, active: boolean) => void;
  readonly show: (conversation: string, state: ChatState) => void;
}

/** Typing on one binding, both ways. */
export class Typing {
  readonly #parts: TypingParts;
  readonly #writers: Writers;
  /** Where somebody understands it. */
  readonly #understood = new Set<string>();
  /** Where we have said that we write. */
  readonly #told = new Set<string>();

  constructor(parts: TypingParts) {
    this.#parts = parts;
    this.#writers = new Writers({ ...parts, holdsMs });
  }

  /** Somebody's state, with words or without. */
  heard(conversation: string, address: string, state: ChatState): void {
    if (this.#understood.size < most) this.#understood.add(conversation);
    if (state !== 'composing') {
      this.spoke(conversation, address);
      return;
    }
    this.#writers.writes(conversation, address);
  }

  /** Whoever has spoken does not write any more. */
  spoke(conversation: string, address: string): void {
    this.#writers.stopped(conversation, address);
  }

  /** Our person writes, or has stopped. */
  show(conversation: string, active: boolean): void {
    if (!this.#understood.has(conversation) || this.#told.has(conversation) === active) return;
    if (active) this.#told.add(conversation);
    else this.#told.delete(conversation);
    this.#parts.show(conversation, active ? 'composing' : 'paused');
  }

  /** We have said something there: others know by that that we do not write any more. */
  said(conversation: string): void {
    this.#told.delete(conversation);
  }

  /** The binding is over: nobody writes any more that we knew of. */
  close(): void {
    this.#writers.close();
    this.#told.clear();
  }
}
