/*
 * Who is writing (IRCv3 client tag typing). What others tell holds for some seconds and is then over, unless it is told
 * again; what we tell is told again every three seconds at most, and only while lines may leave freely: no word of a
 * person waits for it.
 */
import type { SessionClock } from '#connector';
import { Writers } from '#connector/session';
import type { Outbox } from './outbox.js';
import type { Reacted } from './speech.js';
import { tagged } from './to-irc.js';

/** "active" is told again at most so often, and holds for so long (the tag's specification). */
const againMs = 3_000;
const holdsMs = 6_000;
/** Places that are remembered at a time. */
const most = 500;
/** Lines that stay free for what people say. */
const spared = 3;

export interface TypingParts {
  readonly clock: SessionClock;
  readonly outbox: Outbox;
  /** Whether the server passes it on. */
  readonly offered: () => boolean;
  readonly tell: (conversation: string, address: string, active: boolean) => void;
}

/** Typing on one connection, both ways. */
export class Typing {
  readonly #parts: TypingParts;
  readonly #writers: Writers;
  /** Where we have said that we write, and when. */
  readonly #told = new Map<string, number>();

  constructor(parts: TypingParts) {
    this.#parts = parts;
    this.#writers = new Writers({ ...parts, holdsMs });
  }

  /** Somebody writes in a conversation, or does not any more. "paused" is no writing either. */
  heard(conversation: string, address: string, state: NonNullable<Reacted['typing']>): void {
    if (state !== 'active') {
      this.spoke(conversation, address);
      return;
    }
    this.#writers.writes(conversation, address);
  }

  /** Whoever has spoken does not write any more. */
  spoke(conversation: string, address: string): void {
    this.#writers.stopped(conversation, address);
  }

  /** Our person writes to a target, or has stopped. */
  show(target: string, active: boolean): void {
    const { clock, outbox, offered } = this.#parts;
    const last = this.#told.get(target);
    const now = clock.monotonic();
    if (active ? last !== undefined && now - last < againMs : last === undefined) return;
    if (!offered() || outbox.allowance().lines <= spared) return;
    this.#told.delete(target);
    if (active) this.#told.set(target, now);
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= most) break;
      this.#told.delete(oldest);
    }
    outbox.control({
      line: tagged({ '+typing': active ? 'active' : 'done' }, `TAGMSG ${target}`),
      key: `typing ${target}`,
    });
  }

  /** We have said something there: others know by that that we do not write any more. */
  said(target: string): void {
    this.#told.delete(target);
  }

  /** The connection is over: nobody writes any more that we knew of. */
  close(): void {
    this.#writers.close();
  }
}
