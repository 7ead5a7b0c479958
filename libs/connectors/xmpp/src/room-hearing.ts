/*
 * What is heard from rooms, but for what is said (XEP-0045 §7, §8, §10): who comes, goes and is called otherwise, what the
 * room is about, and what becomes of ourselves there. Nothing counts that does not come from the room itself.
 */
import { failure } from '#model';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { changedBy, goneBy } from './room-acts.js';
import type { RoomEntry } from './room-entry.js';
import { removalOf } from './room-refusals.js';
import type { RoomTelling } from './room-telling.js';
import { memberFrom, type Room } from './room.js';
import { stanzaFailure } from './stanza-failures.js';
import { mucUserIn, status, subjectIn, type MucUser } from './xep/0045.js';
import { delaysIn } from './xep/0203.js';
import { occupantIdIn } from './xep/0421.js';
import { bareOf, fullOf, jidOf, occupantOf, resourceOf, roomAddress, type Jid } from './xmpp.addresses.js';

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

/** What hearing needs of the rooms it is for. */
export interface Heard {
  /** Those that we are in or want to be in, by address. */
  readonly rooms: ReadonlyMap<string, Room>;
  readonly entry: RoomEntry;
  readonly telling: RoomTelling;
  readonly listeners: readonly RoomListener[];
  /** Our own presence has come back: we are in. */
  readonly entered: (room: Room, created: boolean) => void;
  /** We have left, as we wanted. */
  readonly left: (room: Room) => void;
}

export class RoomHearing {
  readonly #parts: Parts;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #entry: RoomEntry;
  readonly #telling: RoomTelling;
  readonly #listeners: readonly RoomListener[];
  readonly #entered: Heard['entered'];
  readonly #left: Heard['left'];

  constructor(parts: Parts, { rooms, entry, telling, listeners, entered, left }: Heard) {
    this.#parts = parts;
    this.#rooms = rooms;
    this.#entry = entry;
    this.#telling = telling;
    this.#listeners = listeners;
    this.#entered = entered;
    this.#left = left;
  }

  /** Whether it was of a room and is taken; what is said goes on to whoever reads it. */
  hear(stanza: Element): boolean {
    this.#telling.silence();
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
      if (act !== undefined) this.#telling.tell(room, { ...this.#telling.byOf(room, user), ...act });
    }
    if (!user.statuses.has(status.self)) return;
    room.nick = nick;
    if (room.standing === 'entering') this.#entered(room, user.statuses.has(status.created));
    else for (const listener of this.#listeners) listener.own?.(room, stanza);
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
    if (act !== undefined && room.isIn)
      this.#telling.tell(room, { ...this.#telling.byOf(room, user), ...act });
    if (room.drop(nick) !== undefined) this.#telling.gone(address);
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
    this.#telling.renamed(`${room.address}/${nick}`, to);
  }

  /** We are out of a room: as we wanted, or because somebody or something put us out. */
  #out(room: Room, nick: string, user: MucUser): void {
    if (room.standing === 'leaving') {
      this.#parts.timers.cancel(`room ${room.address}`);
      this.#left(room);
      return;
    }
    const why = removalOf(user);
    const act = goneBy(nick, user);
    if (act !== undefined) this.#telling.tell(room, { ...this.#telling.byOf(room, user), ...act });
    const alternate = bareOf(user.destroyed?.alternate);
    this.#entry.fail(room, why ?? failure('not-allowed', 'Another device of the account has left the room.'));
    if (alternate !== undefined && roomAddress(alternate) === alternate) {
      const by = this.#telling.partyOf(room.address);
      this.#telling.push({
        conversation: alternate,
        act: 'invite',
        detail: this.#parts.port.self.bare,
        by,
      });
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
      this.#telling.speaks(fullOf(from), occupantIdIn(stanza), type !== 'groupchat');
    }
    // The room itself says that it is otherwise than before (§10.2.1).
    if (from.resource === undefined && configChanged(mucUserIn(stanza))) {
      void this.#entry.look(room).then(() => {
        if (this.#rooms.get(room.address) !== room || !room.isIn) return;
        this.#telling.tell(room, room.name === undefined ? {} : { name: room.name });
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
      from.resource === undefined
        ? undefined
        : own
          ? this.#telling.partyOf(room.own)
          : this.#telling.partyOf(fullOf(from));
    if (isNew)
      this.#telling.tell(room, { topic, act: 'topic', detail: topic, ...(by !== undefined && { by }) });
    else if (isFirst) this.#telling.tell(room, { topic });
    for (const listener of this.#listeners) listener.subject?.(room, stanza);
  }
}

function configChanged(user: MucUser | undefined): boolean {
  return [status.configChanged, 170, 171, 172, 173, 174].some((code) => user?.statuses.has(code) === true);
}
