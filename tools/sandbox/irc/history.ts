/* What was said, kept for draft/chathistory, and the ids of messages (message-ids). */
import { randomBytes } from 'node:crypto';
import type { Line } from './line.js';

export interface Kept {
  readonly line: Line;
  /** A multiline message: its component lines, of which `line` is the head. */
  readonly parts?: readonly Line[];
  readonly msgid?: string;
  readonly at: number;
  /** Not PRIVMSG or NOTICE: for draft/event-playback. */
  readonly isEvent: boolean;
  /** Who said it: the account, else the nick. */
  readonly author?: string;
}

/** A place in a history, as a client names it (MSGREFTYPES). */
export type Reference = { readonly msgid: string } | { readonly at: number };

export class History {
  readonly #most: number;
  readonly #kept = new Map<string, Kept[]>();
  readonly #start = randomBytes(4).toString('hex');
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** An id that no other message has, on this server or another run of it. */
  nextId(): string {
    return `${this.#start}-${(++this.#count).toString(36)}`;
  }

  keep(key: string, message: Kept): void {
    const list = this.#kept.get(key) ?? [];
    list.push(message);
    if (list.length > this.#most) list.shift();
    this.#kept.set(key, list);
  }

  of(key: string): readonly Kept[] {
    return this.#kept.get(key) ?? [];
  }

  /** Everything that is kept: for TARGETS. */
  keys(): Iterable<string> {
    return this.#kept.keys();
  }

  find(key: string, msgid: string): Kept | undefined {
    return this.of(key).find((one) => one.msgid === msgid);
  }

  /** A redacted message is as if it had never been said (draft/message-redaction, "Chat history"). */
  erase(key: string, msgid: string): void {
    const list = this.#kept.get(key);
    const at = list?.findIndex((one) => one.msgid === msgid) ?? -1;
    if (at !== -1) list?.splice(at, 1);
  }

  /**
   * Where a reference lies in a list: everything before `from` is older, everything from `to` on is newer. Undefined for
   * an id that nobody knows.
   */
  static place(list: readonly Kept[], reference: Reference): { from: number; to: number } | undefined {
    if ('msgid' in reference) {
      const at = list.findIndex(({ msgid }) => msgid === reference.msgid);
      return at === -1 ? undefined : { from: at, to: at + 1 };
    }
    const from = list.findIndex(({ at }) => at >= reference.at);
    const to = list.findIndex(({ at }) => at > reference.at);
    return { from: from === -1 ? list.length : from, to: to === -1 ? list.length : to };
  }
}

/** The key of what two people said to each other, whoever of them spoke. */
export function directKey(one: string, other: string): string {
  return [one, other].sort().join(' ');
}
