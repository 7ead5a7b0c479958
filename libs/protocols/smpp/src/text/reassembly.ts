/*
 * Parts become messages: in any order, over restarts, with parts that come twice and parts that never come. All that is
 * known lies in key-values that are told with every change, so that they can be stored in one transaction with the
 * messages; an object made from them (`restore`) goes on where the last one was stored.
 *
 * Nothing that came is lost. A message whose parts do not all come is given out as far as it came; so is one whose reference is
 * used anew before it was whole, and the oldest where bounds are reached. A part that comes after that is given out for
 * itself. What is kept after a message was given out tells parts that are handed over again (the message centre had no
 * answer) from a new message under the same reference: parts that are equal are taken for the same until one differs.
 */
import {
  digestOf,
  kept,
  keyOf,
  readBack,
  said,
  weightOf,
  written,
  type Assembly,
  type Json,
} from './assembly.js';
import { contentOf, type Content, type Part } from './incoming.js';

export interface ReassemblyLimits {
  /** How long to wait for the next part, in milliseconds. */
  readonly patience: number;
  /** How long the parts of a message are known again after it was given out, in milliseconds. */
  readonly memory: number;
  /** How many messages of one sender may be collected at once. */
  readonly perSender: number;
  /** How many messages are known at once: keys of the store. */
  readonly overall: number;
  /** How much they take all together, in octets as they are written. */
  readonly octets: number;
}

const minutes = 60_000;
const usual: ReassemblyLimits = {
  patience: 10 * minutes,
  memory: 10 * minutes,
  perSender: 16,
  overall: 1_000,
  octets: 8 * 1024 * 1024,
};
/** What one value of the store may take; a longer message is given out in pieces. */
const mostPerValue = 62_000;
const headKey = 'parts';

/** Something to be stored, or taken away (null). At most 64 KiB. */
export interface Change {
  readonly key: string;
  readonly value: Json;
}

/** A message, or what there is of it. */
export interface Joined {
  readonly from: string;
  readonly to: string;
  readonly content: Content;
  /** How many parts it has, and which of them are here. */
  readonly of: number;
  readonly numbers: readonly number[];
  /** Those that nobody has seen yet; none where the message is whole. */
  readonly missing: readonly number[];
  /** When its first part came. */
  readonly since: number;
  /** Other parts of it have been given out before. */
  readonly late: boolean;
}

export interface Offered {
  /** To be stored together with the messages, or neither. */
  readonly changes: readonly Change[];
  readonly messages: readonly Joined[];
  /** The part had come before. It may be acknowledged as soon as the changes are stored. */
  readonly duplicate: boolean;
}

/** Joins parts. Holds no clock and no store: what was not stored was never offered, and the object is to be made anew. */
export class Reassembly {
  readonly #limits: ReassemblyLimits;
  /** By what their parts have in common, oldest first. */
  readonly #known = new Map<string, Assembly>();
  /** Where each is stored: the place in the list is the number of the key. */
  readonly #slots: (string | undefined)[] = [];
  #octets = 0;

  constructor(limits: Partial<ReassemblyLimits> = {}) {
    this.#limits = { ...usual, ...limits };
  }

  /** Goes on with what was stored. What cannot be read back is left out; a `read` that rejects, rejects. */
  static async restore(
    read: (key: string) => Promise<unknown>,
    limits: Partial<ReassemblyLimits> = {},
  ): Promise<Reassembly> {
    const reassembly = new Reassembly(limits);
    const head = (await read(headKey)) as { readonly slots?: unknown } | null | undefined;
    const slots = Math.min(Number(head?.slots ?? 0) || 0, 100_000);
    const found: { readonly assembly: Assembly; readonly slot: number }[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const assembly = readBack(await read(slotKey(slot)));
      reassembly.#slots.push(undefined);
      if (assembly) found.push({ assembly, slot });
    }
    for (const { assembly, slot } of found.sort((one, other) => one.assembly.since - other.assembly.since)) {
      const key = keyOf(assembly);
      reassembly.#known.set(key, assembly);
      reassembly.#slots[slot] = key;
      reassembly.#octets += weightOf(assembly);
    }
    return reassembly;
  }

  /**
   * Takes a part.
   * @param at when it came, in milliseconds
   */
  offer(from: string, to: string, part: Part, at: number): Offered {
    const turn = new Turn();
    const mine = kept(part);
    const common = { from, to, size: part.size, reference: part.reference, of: part.of };
    const key = keyOf(common);
    const stale = this.#known.get(key);
    if (stale && stale.due <= at) this.#expire(key, stale, at, turn);
    const known = this.#known.get(key);
    const digest = digestOf(mine);
    const before = known && (known.given.get(part.number) ?? digestIn(known, part.number));
    const fresh = { ...common, since: at, due: at + this.#limits.patience, given: new Map<number, string>() };
    let duplicate = false;

    if (!known) {
      this.#makeRoom(from, turn, at);
      this.#collect(key, { ...fresh, parts: new Map([[part.number, mine]]) }, at, turn);
    } else if (before === digest) {
      duplicate = true;
      // What came again is kept as long as it may be the beginning of a new message.
      const again = known.given.size > 0 ? new Map(known.parts).set(part.number, mine) : known.parts;
      const held = { ...known, parts: again };
      this.#put(key, weightOf(held) > mostPerValue ? known : held, turn);
    } else if (before !== undefined) {
      // The reference is used anew. What is left of the old message goes out, what came again belongs to the new one.
      if (known.given.size === 0) turn.tell(known, false);
      const begun = known.given.size === 0 ? [] : known.parts;
      this.#collect(key, { ...fresh, parts: new Map([...begun, [part.number, mine]]) }, at, turn);
    } else if (known.given.size > 0) {
      const given = new Map(known.given).set(part.number, digest);
      this.#put(key, { ...known, given, due: at + this.#limits.memory }, turn);
      turn.tellLate(known, part);
    } else {
      const parts = new Map(known.parts).set(part.number, mine);
      this.#collect(key, { ...known, due: fresh.due, parts }, at, turn);
    }
    return this.#end(turn, duplicate);
  }

  /** Gives out what has waited too long, and forgets what was given out long ago. */
  due(now: number): Offered {
    const turn = new Turn();
    for (const [key, assembly] of this.#known) {
      if (assembly.due <= now) this.#expire(key, assembly, now, turn);
    }
    return this.#end(turn, false);
  }

  /** When to call `due` next, in milliseconds since 1970; undefined while nothing waits. */
  nextDue(): number | undefined {
    let next: number | undefined;
    for (const { due } of this.#known.values()) next = Math.min(next ?? due, due);
    return next;
  }

  /** Keeps a message that is being collected; gives it out where it is whole, or too much for one value. */
  #collect(key: string, assembly: Assembly, at: number, turn: Turn): void {
    const whole = assembly.parts.size === assembly.of;
    if (whole || weightOf(assembly) > mostPerValue) this.#giveOut(key, assembly, at, turn);
    else this.#put(key, assembly, turn);
  }

  #giveOut(key: string, assembly: Assembly, at: number, turn: Turn): void {
    turn.tell(assembly, false);
    const given = new Map(Array.from(assembly.parts, ([number, part]) => [number, digestOf(part)]));
    this.#put(key, { ...assembly, given, parts: new Map(), due: at + this.#limits.memory }, turn);
  }

  #expire(key: string, assembly: Assembly, now: number, turn: Turn): void {
    if (assembly.given.size === 0) this.#giveOut(key, assembly, now, turn);
    else this.#forget(key, turn);
  }

  /** Before another message of a sender is begun: the oldest go. */
  #makeRoom(from: string, turn: Turn, at: number): void {
    const { perSender, overall, octets } = this.#limits;
    const collecting = Array.from(this.#known).filter(
      ([, assembly]) => assembly.given.size === 0 && assembly.from === from,
    );
    for (const [key, assembly] of collecting.slice(0, Math.max(0, collecting.length - perSender + 1))) {
      this.#giveOut(key, assembly, at, turn);
    }
    while (this.#known.size > 0 && (this.#known.size >= overall || this.#octets >= octets)) {
      const all = Array.from(this.#known);
      const [key, assembly] = all.find(([, { given }]) => given.size > 0) ?? all[0] ?? [];
      if (key === undefined || !assembly) return;
      if (assembly.given.size === 0) turn.tell(assembly, false);
      this.#forget(key, turn);
    }
  }

  #put(key: string, assembly: Assembly, turn: Turn): void {
    const old = this.#known.get(key);
    this.#octets += weightOf(assembly) - (old ? weightOf(old) : 0);
    this.#known.set(key, assembly);
    turn.change(slotKey(this.#slotOf(key, turn)), written(assembly));
  }

  #slotOf(key: string, turn: Turn): number {
    const has = this.#slots.indexOf(key);
    if (has !== -1) return has;
    const free = this.#slots.indexOf(undefined);
    const slot = free === -1 ? this.#slots.length : free;
    this.#slots[slot] = key;
    if (free === -1) turn.change(headKey, { slots: this.#slots.length });
    return slot;
  }

  #forget(key: string, turn: Turn): void {
    const old = this.#known.get(key);
    if (!old) return;
    this.#octets -= weightOf(old);
    this.#known.delete(key);
    const slot = this.#slots.indexOf(key);
    this.#slots[slot] = undefined;
    turn.change(slotKey(slot), null);
  }

  #end(turn: Turn, duplicate: boolean): Offered {
    if (this.#known.size === 0 && this.#slots.length > 0) {
      this.#slots.length = 0;
      turn.change(headKey, null);
    }
    return { ...turn.outcome(), duplicate };
  }
}

function slotKey(slot: number): string {
  return `${headKey}-${String(slot)}`;
}

function digestIn({ parts }: Assembly, number: number): string | undefined {
  const part = parts.get(number);
  return part && digestOf(part);
}

/** What one call changes and gives out. Of changes of one key the last counts. */
class Turn {
  readonly #changes = new Map<string, Json>();
  readonly #messages: Joined[] = [];

  change(key: string, value: Json): void {
    this.#changes.set(key, value);
  }

  /** Gives out what was collected. */
  tell(assembly: Assembly, late: boolean): void {
    const { from, to, of, since, parts } = assembly;
    const { numbers, missing } = sorted(of, (number) => parts.has(number));
    this.#messages.push({ from, to, content: said(assembly), of, numbers, missing, since, late });
  }

  /** Gives out one part of a message whose others have been given out. */
  tellLate({ from, to, of, since, given }: Assembly, part: Part): void {
    const { missing } = sorted(of, (number) => number === part.number || given.has(number));
    this.#messages.push({
      ...{ from, to, of, since, missing, late: true },
      content: contentOf([part]),
      numbers: [part.number],
    });
  }

  outcome(): Omit<Offered, 'duplicate'> {
    const changes = Array.from(this.#changes, ([key, value]) => ({ key, value }));
    return { changes, messages: this.#messages };
  }
}

function sorted(of: number, here: (number: number) => boolean): { numbers: number[]; missing: number[] } {
  const all = Array.from({ length: of }, (_, index) => index + 1);
  return { numbers: all.filter(here), missing: all.filter((number) => !here(number)) };
}
