/*
 * How far each conversation has been taken in: the last message with no hole before it. Kept as notes that are stored
 * with the messages themselves, so a crash repeats something and skips nothing. Outlives the connection.
 */
import type { JsonValue, SessionContext } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';

/** A message as a place in a conversation: the server's time, and its id where the server gives any. */
export interface Place {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly msgid?: string;
}

const keyOf = (conversation: string): string => `irc.past:${conversation}`;
/** Since when direct conversations may hold what we have not seen; no conversation has a blank in its address. */
const directs = ' directs';
/** Conversations remembered between two connections; the notes know the others. */
const most = 2_000;
/** What a note may hold of an id, and more than any server's id is long. */
const longestId = 500;

export class Cursors {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #known = new Map<string, Place>();
  readonly #changed = new Set<string>();

  constructor(context: SessionContext, account: AccountId) {
    this.#context = context;
    this.#account = account;
  }

  /** Where a conversation stands. Never rejects: what cannot be read is as if it had never been noted. */
  async read(conversation: string): Promise<Place | undefined> {
    const known = this.#known.get(conversation);
    if (known !== undefined) return known;
    const noted = await readNote(this.#context, this.#account, keyOf(conversation));
    // What was learnt while we waited is newer.
    return this.#known.get(conversation) ?? placeOf(noted?.value);
  }

  reached(conversation: string, { at, msgid }: Place): void {
    this.#known.delete(conversation);
    this.#known.set(conversation, {
      at,
      ...(msgid !== undefined && msgid.length <= longestId && { msgid }),
    });
    this.#changed.add(conversation);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= most) return;
      if (!this.#changed.has(oldest)) this.#known.delete(oldest);
      else return;
    }
  }

  /** Since when direct conversations may hold what we have not seen. */
  async readDirects(): Promise<number | undefined> {
    return (await this.read(directs))?.at;
  }

  directsReached(at: number): void {
    this.reached(directs, { at });
  }

  /** What to store with what is stored now. */
  notes(): Notes {
    const notes = [...this.#changed].flatMap((conversation): Notes[number][] => {
      const place = this.#known.get(conversation);
      return place === undefined
        ? []
        : [{ account: this.#account, key: keyOf(conversation), value: { ...place } }];
    });
    this.#changed.clear();
    return notes;
  }
}

function placeOf(value: JsonValue | undefined): Place | undefined {
  const { at, msgid } = fieldsOf(value);
  if (typeof at !== 'number') return undefined;
  return { at, ...(typeof msgid === 'string' && { msgid }) };
}
