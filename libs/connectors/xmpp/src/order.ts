/*
 * When things were said, so that times tell the same order as the network. Servers may stamp by the second what they kept
 * (XEP-0203, XEP-0313), and their clock is not ours, by which what comes live is timed: by its stamp alone, what was sent
 * again over a resumed stream would stand before what came ahead of it. But a stream hands over what was said in its order
 * (RFC 6120 §10.1), and so does an archive (XEP-0313 §3.2). So what comes later is not earlier; what is earlier by more
 * than roughness was kept longer than the rest, and keeps its time.
 */

import { remember } from '#connector/session';

/** What is no more than this earlier than what came before it came after it: a second of rounding, one of clocks and the way. */
const roughMs = 2_000;
/** Conversations, and archived messages, whose moments are remembered. */
const mostConversations = 500;
const mostArchived = 1_000;

/** The time of what came after something; both in milliseconds since 1970. */
export function notBefore(at: number, told: number): number {
  return told < at && at - told < roughMs ? at : told;
}

/** What is known of the times of one account's messages, over all its bindings. */
export class Moments {
  /** The latest of each conversation. */
  readonly #latest = new Map<string, number>();
  /** When what came live came, by archive and id there. */
  readonly #archived = new Map<string, number>();

  /**
   * The time of something that came over the stream.
   * @param at as told, or of its arrival.
   * @param now what says that it is from later than this is remembered for nothing that comes next.
   */
  heard(conversation: string, at: Date, now: number): Date {
    const settled = notBefore(this.#latest.get(conversation) ?? 0, at.getTime());
    if (settled < now + roughMs) this.told(conversation, settled);
    return new Date(settled);
  }

  /** Something in a conversation has this time, by the pages of an archive. */
  told(conversation: string, at: number): void {
    remember(
      this.#latest,
      conversation,
      Math.max(at, this.#latest.get(conversation) ?? 0),
      mostConversations,
    );
  }

  /** What came live now has an id in an archive. */
  placed(archive: string, id: string, at: number): void {
    remember(this.#archived, `${archive} ${id}`, at, mostArchived);
  }

  /** When an archived message came live; undefined where it did not, or long ago. */
  of(archive: string, id: string): number | undefined {
    return this.#archived.get(`${archive} ${id}`);
  }
}
