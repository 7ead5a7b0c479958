/*
 * The roster of one account (RFC 6121 §2), which its server keeps for all devices. What it says is told to the house;
 * what our person wants of it is brought about: put, changed and taken off, and whoever is new is asked to show their
 * presence. What a server has once had as it was wanted is its own from then on.
 */
import type { DesiredContact } from '#connector';
import { readNote } from '#connector/session';
import type { IqReply, Self, Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { isSame, keptRoster, rosterKey, rosterNote, type KeptRoster } from './roster-note.js';
import {
  rosterAsk,
  rosterItem,
  rosterNs,
  rosterOf,
  rosterRemoval,
  subscription,
  type Roster as Told,
  type RosterItem,
} from './xep/rfc6121.js';
import { addressOf, bareOf } from './xmpp.addresses.js';

/** More people than the house watches for one account are not told of. */
const mostItems = 5_000;
const noteMs = 500;

/** What others want to know of the roster. */
export interface RosterListener {
  /** Everything is known. */
  complete?(): void;
  /** An entry is as it is now; undefined once they are off. */
  changed?(address: string, item: RosterItem | undefined): void;
}

export class Roster implements Service {
  readonly #parts: Parts;
  readonly #listeners: RosterListener[] = [];
  #items = new Map<string, RosterItem>();
  #version: string | undefined;
  /** Whether the server has told all of it to this binding. */
  #complete = false;
  #over = false;
  /** What our person wants, by address. */
  #wishes = new Map<string, DesiredContact>();
  /** Addresses for which something is under way: it is not begun twice. */
  readonly #doing = new Set<string>();
  /** Whom we have asked to show their presence, and of whom the server has not said so yet. */
  readonly #asked = new Set<string>();
  #tells: (address: string) => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#wishes = wishesOf(parts.wishes.contacts);
  }

  listen(listener: RosterListener): void {
    this.#listeners.push(listener);
  }

  /** @param tells tells the house how somebody stands on the roster now. */
  tellThrough(tells: (address: string) => void): void {
    this.#tells = tells;
  }

  /** How somebody stands on the roster; undefined where they are not on it. */
  item(address: string): RosterItem | undefined {
    return this.#items.get(address);
  }

  items(): IterableIterator<[string, RosterItem]> {
    return this.#items.entries();
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  /** Whether we are told of somebody's presence. */
  sees(address: string): boolean {
    const how = this.#items.get(address)?.subscription;
    return how === 'to' || how === 'both';
  }

  /** Whether somebody is told of ours. */
  isSeen(address: string): boolean {
    const how = this.#items.get(address)?.subscription;
    return how === 'from' || how === 'both';
  }

  setContacts(contacts: readonly DesiredContact[]): void {
    const before = this.#wishes;
    this.#wishes = wishesOf(contacts);
    if (!this.#complete) return;
    for (const address of before.keys()) {
      if (!this.#wishes.has(address) && this.#items.has(address)) this.#remove(address);
    }
    for (const [address, wish] of this.#wishes) {
      if (JSON.stringify(before.get(address)) !== JSON.stringify(wish)) this.#pursue(address, wish);
    }
    this.#parts.inlet.flush();
  }

  /**
   * Asks for the roster, so that the server knows that we want to be told of changes, before our presence goes out
   * (RFC 6121 §2.2). Resolves when the question has left.
   */
  async begin(): Promise<void> {
    const { context, account, offers } = this.#parts;
    const noted = await readNote(context, account, rosterKey);
    if (this.#over) return;
    const kept = keptRoster(noted?.value);
    const version = offers.rosterVersions ? (kept.version ?? '') : undefined;
    void this.#ask(kept, version);
  }

  asked(iq: Element, payload: Element, reply: IqReply): boolean {
    if (!payload.is('query', rosterNs)) return false;
    // From anybody but our own account it is a forgery (§2.1.6).
    if (iq.attrs['type'] !== 'set' || !isOwn(iq, this.#parts.port.self)) {
      reply.error('cancel', 'service-unavailable');
      return true;
    }
    const told = rosterOf(payload);
    const [item, ...more] = told?.items ?? [];
    if (item === undefined || more.length > 0 || bareOf(item.jid) === undefined) {
      reply.error('modify', 'bad-request');
      return true;
    }
    reply.result();
    if (told?.version !== undefined) this.#version = told.version;
    this.#take(item);
    this.#note();
    return true;
  }

  ended(): void {
    this.#over = true;
  }

  async #ask(kept: KeptRoster, version: string | undefined): Promise<void> {
    const answer = await this.#parts.port.iq({ type: 'get', payload: rosterAsk(version) });
    if (this.#over) return;
    if (!answer.ok) {
      const { context, account } = this.#parts;
      context.log.warn({ account, condition: answer.condition }, 'the roster could not be read');
      return;
    }
    const told = rosterOf(answer.payload);
    // An answer without a roster says that nothing has changed but what is pushed from now on (§2.6.3).
    if (told === undefined && version !== undefined && version !== '') this.#resume(kept.items, version);
    else this.#begun(kept, told ?? { items: [] });
    this.#complete = true;
    for (const listener of this.#listeners) listener.complete?.();
    for (const [address, wish] of [...this.#wishes]) this.#pursue(address, wish);
    this.#parts.inlet.flush();
    this.#note();
  }

  /** The server has told what has changed by pushes, or will: the house has all else. */
  #resume(kept: ReadonlyMap<string, RosterItem>, version: string): void {
    const pushed = this.#items;
    this.#items = new Map([...kept, ...pushed]);
    this.#version ??= version;
    for (const [address, item] of this.#items) this.#changed(address, item);
  }

  /** All of it is told anew; of whom nothing is new the house need not hear. */
  #begun(kept: KeptRoster, { version, items }: Told): void {
    this.#items = new Map();
    this.#version = version;
    for (const item of items) this.#take(item, kept.version === undefined ? undefined : kept.items);
    for (const address of kept.items.keys()) if (!this.#items.has(address)) this.#tells(address);
  }

  /**
   * Takes an entry as the server tells it.
   * @param known what the house has been told before.
   */
  #take(item: RosterItem, known?: ReadonlyMap<string, RosterItem>): void {
    const address = bareOf(item.jid);
    if (address === undefined) return;
    const gone = item.subscription === 'remove';
    if (gone) this.#items.delete(address);
    else if (this.#items.has(address) || this.#items.size < mostItems) this.#items.set(address, item);
    else return;
    this.#asked.delete(address);
    if (!isSame(item, known?.get(address))) this.#tells(address);
    this.#changed(address, gone ? undefined : item);
    const wish = this.#wishes.get(address);
    if (!this.#complete || wish === undefined) return;
    // Whoever took them off, our person on another device too, has had the last word.
    if (gone ? isSettled(wish) || wish.removed === true : !isSettled(wish) && fits(wish, item))
      this.#pursue(address, wish);
  }

  #changed(address: string, item: RosterItem | undefined): void {
    for (const listener of this.#listeners) listener.changed?.(address, item);
  }

  /** Does the next step until somebody stands on the roster as our person wants. */
  #pursue(address: string, wish: DesiredContact): void {
    const item = this.#items.get(address);
    if (wish.removed === true || isSettled(wish)) {
      if (item === undefined) {
        this.#forget(address);
        this.#tells(address);
      } else if (wish.removed === true) this.#remove(address);
    } else if (item === undefined || !fits(wish, item)) this.#put(address, wish);
    else if (this.sees(address) || item.asked) this.#settle(address, wish);
    else if (!this.#asked.has(address)) {
      this.#asked.add(address);
      this.#parts.port.send(subscription(address, 'subscribe'));
    }
  }

  /** It is as it was wanted: told once more, so that the house knows. */
  #settle(address: string, wish: DesiredContact): void {
    this.#keep(address, { ...wish, settled: true });
    this.#tells(address);
  }

  #put(address: string, { name, groups }: DesiredContact): void {
    const payload = rosterItem({ jid: address, ...(name !== undefined && { name }), groups });
    this.#do(address, payload, 'somebody could not be put on the roster');
  }

  #remove(address: string): void {
    this.#do(address, rosterRemoval(address), 'somebody could not be taken off the roster');
  }

  #do(address: string, payload: Element, otherwise: string): void {
    const { port, context, account } = this.#parts;
    if (this.#doing.has(address)) return;
    this.#doing.add(address);
    const wish = this.#wishes.get(address);
    void port.iq({ type: 'set', payload }).then((answer) => {
      this.#doing.delete(address);
      if (this.#over) return;
      if (!answer.ok) context.log.info({ account, condition: answer.condition }, otherwise);
      // What became of it is pushed; but meanwhile something else may be wanted.
      const now = this.#wishes.get(address);
      if (now !== undefined && now !== wish && !isSettled(now)) this.#pursue(address, now);
    });
  }

  #forget(address: string): void {
    this.#keep(address, undefined);
  }

  /** Remembers for the next binding, too, how a wish stands. */
  #keep(address: string, wish: DesiredContact | undefined): void {
    if (wish === undefined) this.#wishes.delete(address);
    else this.#wishes.set(address, wish);
    const { wishes } = this.#parts;
    wishes.contacts = wishes.contacts.flatMap((one) => {
      if (bareOf(one.address) !== address) return [one];
      return wish === undefined ? [] : [wish];
    });
  }

  /** Notes how the roster stands, in a moment: an older note costs some asking, no more. */
  #note(): void {
    const { inlet, account, timers } = this.#parts;
    timers.set('roster note', noteMs, () => {
      const value = rosterNote({ version: this.#version, items: this.#items });
      inlet.flush([{ account, key: rosterKey, value }]);
    });
  }
}

/** Whether a question comes from our own account: from the server in its name (RFC 6121 §2.1.6). */
export function isOwn(iq: Element, self: Self): boolean {
  const { from } = iq.attrs;
  return from === undefined || addressOf(from) === self.bare;
}

function isSettled({ settled, removed }: DesiredContact): boolean {
  return settled === true && removed !== true;
}

/** By address; rooms' occupants and single devices cannot be on a roster. */
function wishesOf(contacts: readonly DesiredContact[]): Map<string, DesiredContact> {
  return new Map(
    contacts.flatMap((one) => (bareOf(one.address) === one.address ? [[one.address, one]] : [])),
  );
}

/** Whether somebody is called and grouped on the roster as it is wanted. */
function fits({ name, groups }: DesiredContact, item: RosterItem): boolean {
  const wanted = new Set(groups);
  return (
    (name?.trim() ?? '') === (item.name ?? '') &&
    wanted.size === item.groups.length &&
    item.groups.every((group) => wanted.has(group))
  );
}
