/*
 * The rooms that the person wants to be in, the same on all their devices (XEP-0402). What another device adds or takes
 * away is told to the house, whose wishes follow; what the person wishes here is published.
 *
 * What stood on both sides when they were last compared is noted. So after an absence it can be told whether a room was
 * added on one side or taken away on the other: without the note nothing is taken away. A server that cannot keep the
 * node to its owner is told nothing.
 */
import type { DesiredRoom, JsonObject, JsonValue } from '#connector';
import { readNote } from '#connector/session';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import type { Rooms } from './rooms.js';
import {
  configuring,
  isPreconditionUnmet,
  itemsAskOf,
  itemsIn,
  publishOptionsFeature,
  retracting,
  type PubsubItem,
} from './xep/0060.js';
import { eventIn, notifyOf } from './xep/0163.js';
import {
  bookmarking,
  bookmarkOf,
  bookmarkOptions,
  bookmarksNs,
  leastBookmarkOptions,
  type Bookmark,
} from './xep/0402.js';
import { addressOf, roomAddress } from './xmpp.addresses.js';

const noteKey = 'xmpp.bookmarks';
/** A note has at most 64 KiB. */
const mostNoted = 60_000;
/** What a server may make us hold. */
const mostKept = 2_000;
/** Items that are asked for in one question. */
const mostAtOnce = 50;

export class Bookmarks implements Service {
  readonly features = [notifyOf(bookmarksNs)];
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #rooms: Rooms;
  /** What the network has, by room. */
  readonly #kept = new Map<string, Bookmark>();
  /** Told to the house as wanted, and not seen among its wishes yet. */
  readonly #coming = new Map<string, DesiredRoom>();
  /** Told to the house as unwanted, and still among its wishes. */
  readonly #going = new Set<string>();
  /** What the house wished when it was last looked at. */
  #wished = new Set<string>();
  /** Whether both sides have been compared, so that a difference from now on is somebody's act. */
  #compared = false;
  #canPublish = false;
  #options = bookmarkOptions;
  #over = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: Parts, disco: Disco, rooms: Rooms) {
    this.#parts = parts;
    this.#disco = disco;
    this.#rooms = rooms;
    rooms.wishThrough((wishes) => this.#effective(wishes));
  }

  online(how: 'new' | 'resumed'): void {
    if (how === 'new' || !this.#compared) void this.#compare();
  }

  ended(): void {
    this.#over = true;
  }

  /** The house wishes otherwise than before: the network is told. */
  wished(): void {
    const before = this.#wished;
    const now = this.#wishesOf();
    this.#wished = new Set(now.keys());
    for (const address of now.keys()) this.#coming.delete(address);
    for (const address of this.#going) if (!now.has(address)) this.#going.delete(address);
    if (!this.#compared) return;
    for (const [address, wish] of now) {
      if (!before.has(address) && this.#kept.get(address)?.autojoin !== true)
        this.#publish(address, wish.options);
    }
    for (const address of before) {
      if (!now.has(address) && this.#kept.get(address)?.autojoin === true) this.#retract(address);
    }
    this.#note();
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message') return false;
    const event = eventIn(stanza);
    if (event?.node !== bookmarksNs) return false;
    const { from } = stanza.attrs;
    // Nobody else's rooms are ours.
    if (from !== undefined && addressOf(from) !== this.#parts.port.self.bare) return true;
    if (!this.#compared) return true;
    const ids = [...event.items.map(({ id }) => id), ...event.retracted].flatMap((id) => id ?? []);
    // An event may be older than what we have written since: what is so now is asked behind that.
    this.#inTurn(() => this.#refresh(event.emptied ? [...this.#kept.keys()] : ids));
    return true;
  }

  // ---- from the network ----

  /** Asks for all of it, and brings both sides together. */
  async #compare(): Promise<void> {
    const { context, account, port } = this.#parts;
    this.#compared = false;
    const [noted, info] = await Promise.all([readNote(context, account, noteKey), this.#disco.account()]);
    if (this.#isOver() || noted === undefined) return;
    const hasNodes = info?.identities.some(({ category, type }) => category === 'pubsub' && type === 'pep');
    if (hasNodes !== true) return;
    this.#canPublish = info?.features.includes(publishOptionsFeature) === true;
    const answer = await port.iq({ type: 'get', to: port.self.bare, payload: itemsAskOf(bookmarksNs) });
    const items = answer.ok ? itemsIn(answer.payload, bookmarksNs) : undefined;
    const isEmpty = !answer.ok && answer.condition === 'item-not-found';
    if (this.#isOver() || (items === undefined && !isEmpty)) return;
    const base = new Set(textsIn(noted.value));
    this.#kept.clear();
    this.#compared = true;
    for (const item of items ?? []) {
      const bookmark = this.#read(item);
      if (bookmark === undefined) continue;
      const { jid, autojoin } = bookmark;
      this.#kept.set(jid, bookmark);
      if (!autojoin || this.#wishesOf().has(jid)) continue;
      // Known on both sides once, and not wished any more: it was left here meanwhile.
      if (base.has(jid)) this.#retract(jid);
      else this.#tellWanted(bookmark);
    }
    const wishes = this.#wishesOf();
    this.#wished = new Set(wishes.keys());
    for (const [address, wish] of wishes) {
      if (this.#kept.get(address)?.autojoin === true) continue;
      if (base.has(address)) this.#tellUnwanted(address);
      else this.#publish(address, wish.options);
    }
    this.#note();
    this.#rooms.follow();
    this.#parts.inlet.flush();
  }

  /** Some of it has changed, by us or by others. */
  async #refresh(ids: readonly string[]): Promise<void> {
    const { port, inlet } = this.#parts;
    for (let from = 0; from < ids.length && !this.#isOver(); from += mostAtOnce) {
      const some = ids.slice(from, from + mostAtOnce);
      const answer = await port.iq({
        type: 'get',
        to: port.self.bare,
        payload: itemsAskOf(bookmarksNs, { ids: some }),
      });
      const gone = !answer.ok && answer.condition === 'item-not-found';
      const items = answer.ok ? itemsIn(answer.payload, bookmarksNs) : gone ? [] : undefined;
      if (items === undefined || this.#isOver()) return;
      for (const item of items) this.#keep(item);
      const there = new Set(items.map(({ id }) => id));
      for (const id of some) if (!there.has(id)) this.#unkeep(id);
    }
    this.#note();
    this.#rooms.follow();
    inlet.flush();
  }

  #keep(item: PubsubItem): void {
    const bookmark = this.#read(item);
    if (bookmark === undefined || (this.#kept.size >= mostKept && !this.#kept.has(bookmark.jid))) return;
    const before = this.#kept.get(bookmark.jid)?.autojoin === true;
    this.#kept.set(bookmark.jid, bookmark);
    const isWished = this.#wishesOf().has(bookmark.jid);
    if (bookmark.autojoin && !before && !isWished) this.#tellWanted(bookmark);
    else if (!bookmark.autojoin && before) this.#tellUnwanted(bookmark.jid);
  }

  #unkeep(id: string): void {
    const address = roomAddress(id);
    if (address === undefined || !this.#kept.delete(address)) return;
    this.#tellUnwanted(address);
  }

  #read(item: PubsubItem): Bookmark | undefined {
    const bookmark = bookmarkOf(item);
    const jid = bookmark && roomAddress(bookmark.jid);
    return jid === undefined || bookmark === undefined ? undefined : { ...bookmark, jid };
  }

  #tellWanted({ jid, nick, password }: Bookmark): void {
    const options = { ...(nick !== undefined && { nick }), ...(password !== undefined && { password }) };
    this.#going.delete(jid);
    this.#coming.set(jid, { address: jid, options });
    this.#tell(jid, { options });
  }

  #tellUnwanted(jid: string): void {
    const wasComing = this.#coming.delete(jid);
    const isWished = this.#wishesOf().has(jid);
    if (isWished) this.#going.add(jid);
    // The house may be about to take up what it was told before.
    if (isWished || wasComing) this.#tell(jid, false);
  }

  #tell(conversation: string, wanted: false | { readonly options: JsonObject }): void {
    const { inlet, account, context } = this.#parts;
    const at = new Date(context.clock.now());
    inlet.push({ type: 'room', account, conversation, conversationKind: 'room', wanted, at });
  }

  // ---- to the network ----

  #publish(jid: string, options: JsonObject): void {
    const known = this.#kept.get(jid);
    const nick = options['nick'];
    const password = options['password'];
    const bookmark: Bookmark = {
      ...known,
      jid,
      autojoin: true,
      ...(typeof nick === 'string' && nick !== '' && { nick }),
      ...(typeof password === 'string' && password !== '' && { password }),
    };
    this.#write(bookmark);
  }

  /** Left: what the person has written down about the room stays, without being entered by itself. */
  #retract(jid: string): void {
    const known = this.#kept.get(jid);
    if (known?.name !== undefined || known?.extensions !== undefined) {
      this.#write({ ...known, autojoin: false });
      return;
    }
    this.#kept.delete(jid);
    this.#inTurn(async () => {
      await this.#set(retracting(bookmarksNs, jid));
    });
  }

  #write(bookmark: Bookmark): void {
    if (!this.#canPublish) return;
    this.#kept.set(bookmark.jid, bookmark);
    this.#inTurn(() => this.#save(bookmark));
  }

  async #save(bookmark: Bookmark): Promise<void> {
    const answer = await this.#set(bookmarking(bookmark, this.#options));
    if (answer.ok) return;
    const { context, account } = this.#parts;
    if (isPreconditionUnmet(answer.error)) {
      // Made otherwise by an older client: it is set right, for nobody else may see these.
      await this.#configure();
      if ((await this.#set(bookmarking(bookmark, this.#options))).ok) return;
    } else if (this.#options === bookmarkOptions) {
      // ejabberd knows two of the options with a publication, and all of them as the node's own.
      this.#options = leastBookmarkOptions;
      await this.#save(bookmark);
      await this.#configure();
      return;
    }
    context.log.info({ account, condition: answer.condition }, 'a room could not be bookmarked');
  }

  /** Some servers take no word for "as many as there are", and keep few items of a node unless told otherwise. */
  async #configure(): Promise<void> {
    for (const most of ['max', '1000', '255']) {
      // Who takes a room away tells the others, which ejabberd would not.
      const options = { ...bookmarkOptions, 'pubsub#max_items': most, 'pubsub#notify_retract': 'true' };
      if ((await this.#set(configuring(bookmarksNs, options))).ok) return;
    }
  }

  async #set(payload: Element) {
    return this.#parts.port.iq({ type: 'set', to: this.#parts.port.self.bare, payload });
  }

  #isOver(): boolean {
    return this.#over;
  }

  /** One after the other, in order. */
  #inTurn(act: () => Promise<void>): void {
    this.#writing = this.#writing.then(async () => {
      if (!this.#over) await act();
    });
  }

  // ---- both ----

  /** What to be in: as the house wishes, with what it is still to learn. */
  #effective(wishes: readonly DesiredRoom[]): readonly DesiredRoom[] {
    return [
      ...wishes.filter(({ address }) => !this.#going.has(roomAddress(address) ?? address)),
      ...this.#coming.values(),
    ];
  }

  #wishesOf(): ReadonlyMap<string, DesiredRoom> {
    return new Map(
      this.#parts.wishes.rooms.flatMap((wish) => {
        const address = roomAddress(wish.address);
        return address === undefined ? [] : [[address, wish] as const];
      }),
    );
  }

  #note(): void {
    const { account, inlet } = this.#parts;
    const both = [...this.#kept.values()].flatMap(({ jid, autojoin }) => (autojoin ? [jid] : []));
    const fits = both.join().length < mostNoted;
    inlet.flush([{ account, key: noteKey, value: fits ? both : null }]);
  }
}

function textsIn(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter((one) => typeof one === 'string') : [];
}
