/*
 * The rooms of one account (XEP-0045): which it should be in, and which it is in. A room that we did not ask for is not
 * heard. What happens in them is heard by RoomHearing, and told to the house by RoomTelling.
 */
import type { DesiredRoom, InboundParty, Occupant } from '#connector';
import { fieldsOf, Occupancy, readNote, remember } from '#connector/session';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { RoomEntry } from './room-entry.js';
import { RoomHearing, type RoomListener } from './room-hearing.js';
import { RoomTelling } from './room-telling.js';
import { Crowd, Room } from './room.js';
import { mucNs } from './xep/0045.js';
import { roomAddress } from './xmpp.addresses.js';

const heardKey = 'xmpp.rooms.heard';
/** What an account may wish for; a server is told of no more. */
const mostRooms = 2_000;
/** Our clock and a room's may differ; what comes twice by that is recognised. */
const marginMs = 30_000;
/** Rooms of which it is noted when they were last heard. */
const mostNoted = 500;
/** Passwords that came with invitations. */
const mostPasswords = 200;

export class Rooms implements Service {
  readonly features = [mucNs];
  readonly #parts: Parts;
  readonly #rooms = new Map<string, Room>();
  readonly #crowd: Crowd;
  readonly #telling: RoomTelling;
  readonly #entry: RoomEntry;
  readonly #hearing: RoomHearing;
  readonly #listeners: RoomListener[] = [];
  /** What was heard when, as an earlier connection noted it; milliseconds since 1970. */
  readonly #heardBefore = new Map<string, number>();
  readonly #passwords = new Map<string, string>();
  #through: (wishes: readonly DesiredRoom[]) => readonly DesiredRoom[] = (wishes) => wishes;
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
    this.#telling = new RoomTelling(parts, this.#rooms);
    this.#entry = new RoomEntry(parts, disco, this.#rooms, {
      refused: (room, why) => {
        this.#telling.tell(room, { joined: false, failure: why });
        this.#left(room);
      },
      lost: (room) => {
        this.#telling.tell(room, { joined: false });
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
    this.#hearing = new RoomHearing(parts, {
      rooms: this.#rooms,
      entry: this.#entry,
      telling: this.#telling,
      listeners: this.#listeners,
      entered: (room, created) => {
        this.#entered(room, created);
      },
      left: (room) => {
        this.#forget(room);
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

  occupants(conversation: string): readonly Occupant[] {
    return this.#rooms.get(conversation)?.occupants() ?? [];
  }

  /** Who said something in a room, now or long ago. */
  party(room: string, address: string, occupantId: string | undefined): InboundParty {
    return this.#telling.party(room, address, occupantId);
  }

  /** Who is in a room now, for the house. */
  partyOf(address: string): InboundParty {
    return this.#telling.partyOf(address);
  }

  /** Our person speaks to somebody in a room, in private. */
  spokenTo(address: string): void {
    this.#telling.spokenTo(address);
  }

  /** Somebody outside, as a room names them; undefined where it is not believed. */
  vouchedFor(room: string, jid: string): InboundParty | undefined {
    return this.#telling.vouchedFor(room, jid);
  }

  /** A password that came with an invitation: the room is entered with it where the wish names none. */
  keepPassword(room: string, password: string): void {
    remember(this.#passwords, room, password, mostPasswords);
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
    const [noted] = await Promise.all([readNote(context, account, heardKey), this.#telling.load()]);
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
    return this.#hearing.hear(stanza);
  }

  #entered(room: Room, created: boolean): void {
    const since = this.#heardBefore.get(room.address);
    this.#entry.entered(room, created);
    this.#telling.entered(room);
    this.#telling.tell(room, { joined: true, ...(room.name !== undefined && { name: room.name }) });
    this.#noteHeard();
    this.#telling.note();
    for (const listener of this.#listeners) {
      listener.entered?.(room, since === undefined ? undefined : new Date(since));
    }
  }

  #forget(room: Room): void {
    room.clear();
    if (this.#rooms.get(room.address) === room) this.#rooms.delete(room.address);
    this.#telling.tell(room, { joined: false });
    this.#left(room);
    this.#parts.inlet.flush();
  }

  #left(room: Room): void {
    for (const listener of this.#listeners) listener.left?.(room);
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
}
