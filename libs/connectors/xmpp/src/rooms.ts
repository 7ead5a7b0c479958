/*
 * The rooms of one account (XEP-0045): which it should be in, which it is in, who else is, and what happens there but for
 * what is said. Nothing counts that does not come from the room itself; a room that we did not ask for is not heard.
 */
import type { DesiredRoom, InboundParty, InboundRoom, Occupant } from '#connector';
import { fieldsOf, Occupancy, readNote } from '#connector/session';
import { failure } from '#model';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { changedBy, goneBy } from './room-acts.js';
import { RoomEntry } from './room-entry.js';
import { Holders } from './room-holders.js';
import { removalOf } from './room-refusals.js';
import { Crowd, memberFrom, Room } from './room.js';
import { stanzaFailure } from './stanza-failures.js';
import { mucNs, mucUserIn, status, subjectIn, type MucUser } from './xep/0045.js';
import { delaysIn } from './xep/0203.js';
import { occupantIdIn } from './xep/0421.js';
import { bareOf, fullOf, jidOf, occupantOf, resourceOf, type Jid } from './xmpp.addresses.js';

const heardKey = 'xmpp.rooms.heard';
/** What an account may wish for; a server is told of no more. */
const mostRooms = 2_000;
/** Our clock and a room's may differ; what comes twice by that is recognised. */
const marginMs = 30_000;
/** Rooms of which it is noted when they were last heard. */
const mostNoted = 500;
/** Passwords that came with invitations. */
const mostPasswords = 200;

/** What others want to know of a room, and when. */
export interface RoomListener {
  /** We are in: `since` is when we last heard of it before, undefined where we never did. */
  entered?(room: Room, since: Date | undefined): void;
  /** We are out of it, whatever for. */
  left?(room: Room): void;
  /** What the room is has changed, or is known now. */
  changed?(room: Room): void;
  /** A message with a subject, or the refusal of one of ours, as the room sends it. */
  subject?(room: Room, stanza: Element): void;
  /** A presence of our own in the room, or the refusal of one. */
  own?(room: Room, stanza: Element): void;
}

export class Rooms implements Service {
  readonly features = [mucNs];
  readonly #parts: Parts;
  readonly #rooms = new Map<string, Room>();
  readonly #crowd: Crowd;
  readonly #holders: Holders;
  readonly #entry: RoomEntry;
  readonly #listeners: RoomListener[] = [];
  /** What was heard when, as an earlier connection noted it; milliseconds since 1970. */
  readonly #heardBefore = new Map<string, number>();
  readonly #passwords = new Map<string, string>();
  #through: (wishes: readonly DesiredRoom[]) => readonly DesiredRoom[] = (wishes) => wishes;
  /** Who says what is heard at this moment. */
  #speaking: string | undefined;
  #ready = false;
  #over = false;

  constructor(parts: Parts, disco: Disco) {
    this.#parts = parts;
    const { context, account, timings } = parts;
    this.#crowd = new Crowd(
      new Occupancy(context.clock, timings.occupancy, (conversation, change) => {
        context.occupancy(account, conversation, change);
      }),
    );
    this.#holders = new Holders(context, account);
    this.#entry = new RoomEntry(parts, disco, this.#rooms, {
      refused: (room, why) => {
        this.#tell(room, { joined: false, failure: why });
        this.#left(room);
      },
      lost: (room) => {
        this.#tell(room, { joined: false });
        this.#left(room);
      },
      left: (room) => {
        this.#forget(room);
      },
      lastHeard: (room) => {
        const at = this.#heardBefore.get(room.address);
        return at === undefined ? undefined : new Date(at);
      },
    });
  }

  listen(listener: RoomListener): void {
    this.#listeners.push(listener);
  }

  // ---- what the others of the crew ask ----

  /** A room that we are in or want to be in. */
  room(address: string): Room | undefined {
    return this.#rooms.get(address);
  }

  /** Every room that we are in or want to be in. */
  all(): IterableIterator<Room> {
    return this.#rooms.values();
  }

  /** Whether a bare address is that of a room which we are in or want to be in. */
  isRoom(address: string): boolean {
    return this.#rooms.has(address);
  }

  /** What we go by in a room. */
  nickIn(room: string): string | undefined {
    return this.#rooms.get(room)?.nick;
  }

  /** Whether an address is our own in a room. */
  isSelf(address: string): boolean {
    const room = this.#rooms.get(bareOf(address) ?? '');
    return room !== undefined && room.own === address;
  }

  occupants(conversation: string): readonly Occupant[] {
    return this.#rooms.get(conversation)?.occupants() ?? [];
  }

  /**
   * Who said something in a room, now or long ago. Whoever holds the nick now may be somebody else: what is known of them
   * counts where they speak at this moment, or are known to be the same (XEP-0421).
   */
  party(room: string, address: string, occupantId: string | undefined): InboundParty {
    const now = this.#rooms.get(room)?.member(resourceOf(address) ?? '')?.occupantId;
    if (this.#speaking === address || (now !== undefined && now === occupantId)) return this.partyOf(address);
    const { kind, name } = this.partyOf(address);
    return { address, kind, ...(name !== undefined && { name }) };
  }

  /** Who is in a room now, for the house. */
  partyOf(address: string): InboundParty {
    const nick = resourceOf(address);
    const member = nick === undefined ? undefined : this.#rooms.get(bareOf(address) ?? '')?.member(nick);
    const jid = member?.jid;
    return {
      address,
      kind: nick === undefined ? 'stable' : 'transient',
      ...(nick !== undefined && { name: nick }),
      ...(jid !== undefined && this.#vouches(address, jid) && { stableAddress: jid }),
    };
  }

  /** Our person speaks to somebody in a room, in private. */
  spokenTo(address: string): void {
    const room = this.#rooms.get(bareOf(address) ?? '');
    const nick = resourceOf(address);
    if (room !== undefined && nick !== undefined) this.#met(address, room.member(nick)?.occupantId, true);
  }

  /** Somebody outside, as a room names them; undefined where it is not believed. */
  vouchedFor(room: string, jid: string): InboundParty | undefined {
    return this.#vouches(room, jid) ? { address: jid, kind: 'stable' } : undefined;
  }

  /** A password that came with an invitation: the room is entered with it where the wish names none. */
  keepPassword(room: string, password: string): void {
    this.#passwords.delete(room);
    this.#passwords.set(room, password);
    if (this.#passwords.size > mostPasswords) {
      const [oldest] = this.#passwords.keys();
      if (oldest !== undefined) this.#passwords.delete(oldest);
    }
  }

  // ---- what the house wants ----

  /** Takes the wishes as they are now, and brings about the difference. */
  wished(what: 'rooms' | 'contacts' | 'presence'): void {
    if (!this.#ready || this.#over || what === 'contacts') return;
    if (what === 'presence') {
      for (const room of this.#rooms.values()) if (room.isIn) this.#entry.show(room);
      return;
    }
    // Whoever asks again means: try again.
    for (const room of this.#rooms.values()) if (room.standing === 'out') room.retryAt = 0;
    this.follow();
  }

  /** Brings about the difference between the wishes and what is. Where we were put out, we stay out. */
  follow(): void {
    if (!this.#ready || this.#over) return;
    const wanted = new Map<string, DesiredRoom>();
    for (const wish of this.#through(this.#parts.wishes.rooms).slice(0, mostRooms)) {
      const address = roomAddress(wish.address);
      if (address !== undefined) wanted.set(address, { ...wish, address });
    }
    for (const room of [...this.#rooms.values()]) {
      if (!wanted.has(room.address) && room.standing !== 'leaving') this.#entry.leave(room);
    }
    for (const wish of wanted.values()) {
      const known = this.#rooms.get(wish.address);
      if (known === undefined || known.standing === 'leaving') {
        const nick = this.#parts.port.self.bare.split('@')[0] ?? 'me';
        this.#rooms.set(wish.address, new Room(wish, nick, this.#crowd, this.#passwords.get(wish.address)));
      } else {
        known.options = wish.options;
      }
    }
    this.#entry.advance();
  }

  /** Has the wishes looked through by somebody who knows more (bookmarks). */
  wishThrough(through: (wishes: readonly DesiredRoom[]) => readonly DesiredRoom[]): void {
    this.#through = through;
  }

  // ---- the binding ----

  online(how: 'new' | 'resumed'): void {
    if (this.#ready) {
      // Nothing was missed, but a room may have let go of whoever was silent for so long.
      if (how === 'resumed') for (const room of this.#rooms.values()) void this.#entry.ping(room);
      return;
    }
    void this.#prepare();
  }

  ended(): void {
    this.#over = true;
    this.#noteHeard();
    for (const room of this.#rooms.values()) room.clear();
    this.#rooms.clear();
    this.#crowd.occupancy.close();
  }

  async #prepare(): Promise<void> {
    const { context, account, timers, timings } = this.#parts;
    const [noted] = await Promise.all([readNote(context, account, heardKey), this.#holders.load()]);
    if (this.#over) return;
    for (const [address, at] of Object.entries(fieldsOf(noted?.value))) {
      if (typeof at === 'number' && this.#heardBefore.size < mostNoted) this.#heardBefore.set(address, at);
    }
    this.#ready = true;
    this.follow();
    const again = (): void => {
      this.#noteHeard();
      this.#parts.inlet.flush();
      timers.set('rooms heard', timings.heard, again);
    };
    timers.set('rooms heard', timings.heard, again);
  }

  // ---- what is heard ----

  hear(stanza: Element): boolean {
    this.#speaking = undefined;
    const name = stanza.getName();
    const from = jidOf(stanza.attrs['from'] ?? '');
    if (from?.local === undefined || (name !== 'presence' && name !== 'message')) return false;
    const room = this.#rooms.get(fullOf({ ...from, resource: undefined }));
    if (room === undefined) {
      // A room that we are not in has nothing to show us.
      return name === 'presence' && mucUserIn(stanza) !== undefined;
    }
    this.#entry.heard(room);
    if (name === 'message') return this.#message(room, from, stanza);
    this.#presence(room, from, stanza);
    return true;
  }

  #presence(room: Room, { resource: nick }: Jid, stanza: Element): void {
    const { type } = stanza.attrs;
    if (type === 'error') {
      if (room.standing === 'entering') this.#entry.refused(room, stanzaFailure(stanza));
      else if (room.isIn) for (const listener of this.#listeners) listener.own?.(room, stanza);
      return;
    }
    const user = mucUserIn(stanza) ?? { statuses: new Set<number>(), invites: [] };
    if (nick === undefined) {
      // A room that is destroyed may say so as itself.
      if (type === 'unavailable' && user.destroyed !== undefined) this.#out(room, room.nick, user);
      return;
    }
    if (type === 'unavailable') this.#went(room, nick, user);
    else if (type === undefined) this.#came(room, nick, stanza, user);
  }

  #came(room: Room, nick: string, stanza: Element, user: MucUser): void {
    if (room.standing !== 'entering' && room.standing !== 'in') return;
    const member = memberFrom(nick, user.item, occupantIdIn(stanza));
    const before = room.put(member);
    if (room.isIn && before !== undefined) {
      const act = changedBy(before, member);
      if (act !== undefined) this.#tell(room, { ...this.#byOf(room, user), ...act });
    }
    if (!user.statuses.has(status.self)) return;
    room.nick = nick;
    if (room.standing === 'entering') this.#entered(room, user.statuses.has(status.created));
    else for (const listener of this.#listeners) listener.own?.(room, stanza);
  }

  #entered(room: Room, created: boolean): void {
    const since = this.#heardBefore.get(room.address);
    this.#entry.entered(room, created);
    for (const address of this.#holders.strangers(room)) this.#departed(address);
    this.#tell(room, { joined: true, ...(room.name !== undefined && { name: room.name }) });
    this.#noteHeard();
    this.#note();
    for (const listener of this.#listeners) {
      listener.entered?.(room, since === undefined ? undefined : new Date(since));
    }
  }

  #went(room: Room, nick: string, user: MucUser): void {
    // Some do not say that it is us whom they put out.
    const isSelf = user.statuses.has(status.self) || (nick === room.nick && removalOf(user) !== undefined);
    if (user.statuses.has(status.renamed)) {
      this.#renamed(room, nick, user, isSelf);
      return;
    }
    if (isSelf) {
      this.#out(room, nick, user);
      return;
    }
    if (nick === room.nick && room.isIn) {
      // Another device under the same nick has gone, or a room that does not say whom it means.
      void this.#entry.ping(room);
      return;
    }
    const address = `${room.address}/${nick}`;
    const act = goneBy(nick, user);
    if (act !== undefined && room.isIn) this.#tell(room, { ...this.#byOf(room, user), ...act });
    if (room.drop(nick) !== undefined && this.#holders.gone(address)) {
      this.#departed(address);
      this.#note();
    }
  }

  #renamed(room: Room, nick: string, { item }: MucUser, isSelf: boolean): void {
    const to = item?.nick === undefined ? undefined : occupantOf(room.address, item.nick);
    const known = room.drop(nick);
    const next = to === undefined ? undefined : resourceOf(to);
    if (known === undefined || to === undefined || next === undefined) return;
    room.put({ ...known, nick: next });
    if (isSelf) {
      room.nick = next;
      return;
    }
    const from = `${room.address}/${nick}`;
    // Whoever was known under the new nick is there no longer.
    if (this.#holders.gone(to)) this.#departed(to);
    if (!this.#holders.moved(from, to)) return;
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'identity', account, party: this.partyOf(to), formerly: from, at: this.#at() });
    this.#note();
  }

  /** We are out of a room: as we wanted, or because somebody or something put us out. */
  #out(room: Room, nick: string, user: MucUser): void {
    if (room.standing === 'leaving') {
      this.#parts.timers.cancel(`room ${room.address}`);
      this.#forget(room);
      return;
    }
    const why = removalOf(user);
    const act = goneBy(nick, user);
    if (act !== undefined) this.#tell(room, { ...this.#byOf(room, user), ...act });
    const alternate = bareOf(user.destroyed?.alternate);
    this.#entry.fail(room, why ?? failure('not-allowed', 'Another device of the account has left the room.'));
    if (alternate !== undefined && roomAddress(alternate) === alternate) {
      const by = this.partyOf(room.address);
      this.#push({ conversation: alternate, act: 'invite', detail: this.#parts.port.self.bare, by });
    }
  }

  #message(room: Room, from: Jid, stanza: Element): boolean {
    const { type } = stanza.attrs;
    if (type === 'error') {
      for (const listener of this.#listeners) listener.subject?.(room, stanza);
      return false;
    }
    if (type === 'groupchat') {
      const topic = subjectIn(stanza);
      if (topic !== undefined) {
        this.#topic(room, from, stanza, topic);
        return true;
      }
    }
    const ns = stanza.attrs['xmlns'];
    if (
      from.resource !== undefined &&
      stanza.getChild('body', ns) !== undefined &&
      delaysIn(stanza).length === 0
    ) {
      this.#speaking = fullOf(from);
      this.#met(this.#speaking, occupantIdIn(stanza), type !== 'groupchat');
    }
    // The room itself says that it is otherwise than before (§10.2.1).
    if (from.resource === undefined && configChanged(mucUserIn(stanza))) {
      void this.#entry.look(room).then(() => {
        if (this.#rooms.get(room.address) !== room || !room.isIn) return;
        this.#tell(room, room.name === undefined ? {} : { name: room.name });
        this.#parts.inlet.flush();
        for (const listener of this.#listeners) listener.changed?.(room);
      });
      return true;
    }
    return false;
  }

  /** A subject: the one that holds as we enter, or a new one, which is somebody's act. */
  #topic(room: Room, from: Jid, stanza: Element, topic: string): void {
    // Some say nothing of who is us; the subject ends every entry (§7.2.15).
    if (room.standing === 'entering' && room.member(room.nick) !== undefined) this.#entered(room, false);
    if (!room.isIn) return;
    const isNew = room.topic !== undefined && topic !== room.topic && delaysIn(stanza).length === 0;
    const isFirst = room.topic === undefined;
    room.topic = topic;
    const own = from.resource !== undefined && fullOf(from) === room.own;
    const by =
      from.resource === undefined ? undefined : own ? this.partyOf(room.own) : this.partyOf(fullOf(from));
    if (isNew) this.#tell(room, { topic, act: 'topic', detail: topic, ...(by !== undefined && { by }) });
    else if (isFirst) this.#tell(room, { topic });
    for (const listener of this.#listeners) listener.subject?.(room, stanza);
  }

  /** Somebody speaks. Where they are not who spoke under that nick before, the house is told first that those have gone. */
  #met(address: string, occupantId: string | undefined, direct: boolean): void {
    if (this.isSelf(address)) return;
    if (this.#holders.meet(address, occupantId, direct)) this.#departed(address);
    this.#note();
  }

  // ---- telling the house ----

  #tell(room: Room, what: Partial<InboundRoom>): void {
    this.#push({ conversation: room.address, ...what });
  }

  #push(what: Partial<InboundRoom> & { readonly conversation: string }): void {
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'room', account, conversationKind: 'room', at: this.#at(), ...what });
  }

  #departed(address: string): void {
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'departure', account, address, at: this.#at() });
  }

  /** Who did it, where the room says so. */
  #byOf(room: Room, { item }: MucUser): { readonly by?: InboundParty } {
    const actor = item?.actor;
    const nick = actor?.nick === undefined ? undefined : occupantOf(room.address, actor.nick);
    if (nick !== undefined) return { by: this.partyOf(nick) };
    const jid = bareOf(actor?.jid);
    if (jid === undefined) return {};
    for (const member of room.members()) {
      if (member.jid === jid) return { by: this.partyOf(`${room.address}/${member.nick}`) };
    }
    const by = this.vouchedFor(room.address, jid);
    return by === undefined ? {} : { by };
  }

  /**
   * Whether a room is believed when it says who somebody is outside of it: its server knows its own people, and ours
   * knows everybody who comes to a room of its own. A room elsewhere could claim to hold anybody.
   */
  #vouches(room: string, jid: string): boolean {
    const service = jidOf(room)?.domain;
    const domain = jidOf(jid)?.domain;
    if (service === undefined || domain === undefined) return false;
    return [this.#parts.port.self.domain, domain].some(
      (server) => service === server || service.endsWith(`.${server}`),
    );
  }

  #forget(room: Room): void {
    room.clear();
    if (this.#rooms.get(room.address) === room) this.#rooms.delete(room.address);
    this.#tell(room, { joined: false });
    this.#left(room);
    this.#parts.inlet.flush();
  }

  #left(room: Room): void {
    for (const listener of this.#listeners) listener.left?.(room);
  }

  #note(): void {
    const notes = this.#holders.notes();
    if (notes.length > 0) this.#parts.inlet.flush(notes);
  }

  /** Notes when rooms were last heard, so that the next entry asks for what came after. */
  #noteHeard(): void {
    const { clock } = this.#parts.context;
    for (const room of this.#rooms.values()) {
      const ago = clock.monotonic() - room.heardAt + marginMs;
      if (room.isIn) this.#heardBefore.set(room.address, clock.now() - ago);
    }
    const value = Object.fromEntries([...this.#heardBefore].slice(-mostNoted));
    if (this.#heardBefore.size > 0) {
      this.#parts.inlet.flush([{ account: this.#parts.account, key: heardKey, value }]);
    }
  }

  #at(): Date {
    return new Date(this.#parts.context.clock.now());
  }
}

/** A room's address, prepared; undefined where it can be none. */
export function roomAddress(text: string): string | undefined {
  const jid = jidOf(text);
  return jid?.local === undefined || jid.resource !== undefined ? undefined : fullOf(jid);
}

function configChanged(user: MucUser | undefined): boolean {
  return [status.configChanged, 170, 171, 172, 173, 174].some((code) => user?.statuses.has(code) === true);
}
