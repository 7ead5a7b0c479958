/*
 * What we have missed. IRC keeps nothing for who is away: from the moment a connection is lost until a room is joined
 * again, what is said there is gone. That stretch is told as a gap, also after a crash: when we last heard the network
 * is noted with whatever is stored, and the rooms we were in whenever they change.
 */
import type { JsonValue, SessionContext } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';

const heardKey = 'irc.heard';
const roomsKey = 'irc.rooms';
/** Notes have a limit of 64 KiB; past so many rooms a crash forgets some gaps. */
const mostRooms = 500;
/** Rooms that a bouncer or a bad server put us into, one connection after another, are not minded for ever. */
const mostMissing = 5_000;

export class Absence {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  /** Room addresses, and since when (milliseconds since 1970) we know nothing of them. */
  readonly #missing = new Map<string, number>();
  readonly #joined = new Set<string>();
  #noted = -Infinity;
  #roomsChanged = false;
  #loaded = false;
  #lastHeard: number | undefined;

  constructor(context: SessionContext, account: AccountId) {
    this.#context = context;
    this.#account = account;
  }

  /** Reads what an earlier session noted; once. Never rejects: without it a gap goes untold, no more. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const noted = await readNote(this.#context, this.#account, heardKey);
    const rooms = await readNote(this.#context, this.#account, roomsKey);
    if (noted === undefined || rooms === undefined) return;
    this.#loaded = true;
    const heard = noted.value;
    if (typeof heard !== 'number') return;
    this.#lastHeard ??= heard;
    for (const [address, since] of roomsOf(rooms.value)) {
      if (!this.#joined.has(address)) this.#missing.set(address, since === 0 ? heard : since);
    }
  }

  /** We are in a room; answers since when we know nothing of it, if we were in it before. */
  entered(address: string): number | undefined {
    if (this.#joined.has(address)) return undefined;
    const since = this.#missing.get(address);
    this.#missing.delete(address);
    this.#joined.add(address);
    this.#roomsChanged = true;
    return since;
  }

  /** We are out of a room for good: what happens there now is none of ours. */
  left(address: string): void {
    this.#missing.delete(address);
    if (this.#joined.delete(address)) this.#roomsChanged = true;
  }

  /** The connection is over; `heard` is when its last line came, where it got as far as the welcome. */
  lost(heard: number | undefined): void {
    if (heard === undefined) return;
    this.#lastHeard = heard;
    for (const address of this.#joined) {
      if (this.#missing.size < mostMissing) this.#missing.set(address, heard);
    }
    this.#joined.clear();
    this.#roomsChanged = true;
  }

  /** Of what is missing, more is: what was being caught up with is not complete. */
  missingSince(address: string, since: number): void {
    const missing = this.#missing.get(address);
    if (missing !== undefined) this.#missing.set(address, Math.min(missing, since));
  }

  /** When the network was last heard, before this connection; undefined where it never was. */
  get lastHeard(): number | undefined {
    return this.#lastHeard;
  }

  /** Notes to store with what is stored now; alone, when the last are older than `olderThan`. */
  notes(heard: number, olderThan = 0): Notes {
    const alone = olderThan > 0;
    if (!this.#roomsChanged && alone && (this.#joined.size === 0 || heard - this.#noted < olderThan))
      return [];
    this.#noted = heard;
    const notes: Notes[number][] = [{ account: this.#account, key: heardKey, value: heard }];
    if (this.#roomsChanged) {
      this.#roomsChanged = false;
      const rooms: [string, number][] = [
        ...[...this.#joined].map((address): [string, number] => [address, 0]),
        ...this.#missing,
      ];
      notes.push({
        account: this.#account,
        key: roomsKey,
        value: Object.fromEntries(rooms.slice(0, mostRooms)),
      });
    }
    return notes;
  }
}

/** Each room with since when it is missing; 0 for "in it when this was noted". */
function roomsOf(value: JsonValue | undefined): readonly (readonly [string, number])[] {
  return Object.entries(fieldsOf(value)).flatMap(([address, since]) =>
    typeof since === 'number' ? [[address, since] as const] : [],
  );
}
