/*
 * How far each archive has been taken in: its last message with no hole before it. Kept as notes that are stored with
 * the messages themselves, so a crash repeats something and skips nothing.
 */
import type { JsonValue, SessionContext } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';

/** A place in an archive: its time by the server's clock, and the archive's id of the message there, where one is. */
export interface ArchivePlace {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id?: string;
}

const keyOf = (archive: string): string => `xmpp.archive:${archive}`;

export class ArchiveCursors {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #known = new Map<string, ArchivePlace>();
  readonly #changed = new Set<string>();

  constructor(context: SessionContext, account: AccountId) {
    this.#context = context;
    this.#account = account;
  }

  /**
   * Where an archive stands: undefined where it was never taken in, `unreadable` where nobody can say now: whoever took
   * that for "never" would leap over what was missed.
   */
  async read(archive: string): Promise<ArchivePlace | undefined | 'unreadable'> {
    const known = this.#known.get(archive);
    if (known !== undefined) return known;
    const noted = await readNote(this.#context, this.#account, keyOf(archive));
    if (noted === undefined) return 'unreadable';
    return this.#known.get(archive) ?? placeOf(noted.value);
  }

  reached(archive: string, place: ArchivePlace): void {
    this.#known.set(archive, place);
    this.#changed.add(archive);
  }

  /** What to store with what is stored now. */
  notes(): Notes {
    const notes = [...this.#changed].flatMap((archive): Notes[number][] => {
      const place = this.#known.get(archive);
      return place === undefined
        ? []
        : [{ account: this.#account, key: keyOf(archive), value: { ...place } }];
    });
    this.#changed.clear();
    return notes;
  }
}

function placeOf(value: JsonValue | undefined): ArchivePlace | undefined {
  const { at, id } = fieldsOf(value);
  if (typeof at !== 'number') return undefined;
  return { at, ...(typeof id === 'string' && { id }) };
}
