/*
 * The rooms of one connection: which we are in, who else is, and what stands between that and where we should be.
 * Names are compared as the network compares them; addresses are those that the person's desired rooms have.
 */
import type { DesiredRoom, Occupant } from '#connector';
import type { Occupancy } from '#connector/session';
import type { Failure } from '#model';
import { fold } from './case-mapping.js';
import type { Member, ModeChange } from './from-irc.js';
import { addressOf, isRoom, wireTarget } from './irc.addresses.js';
import type { Network } from './network.js';
import { rolesOf } from './roles.js';

interface Room {
  readonly name: string;
  readonly address: string;
  readonly members: Map<string, Member>;
  /** NAMES as far as it has come. */
  gathering?: Map<string, Member>;
}

/** What it takes to get into a room that we are not in. */
export interface RoomToJoin {
  readonly name: string;
  readonly key?: string;
}

/** What a server may make us hold: past it, members are not listed, and nothing else suffers. */
const mostMembers = 200_000;
const mostRooms = 2_000;

export class Rooms {
  readonly #network: () => Network;
  readonly #occupancy: Occupancy;
  readonly #joined = new Map<string, Room>();
  /** Asked for and not answered: since when, monotonic. */
  readonly #joining = new Map<string, number>();
  /** Refused: when to try again, monotonic; Infinity for "not by ourselves". */
  readonly #refused = new Map<string, number>();
  #desired = new Map<string, DesiredRoom>();
  #members = 0;

  constructor(network: () => Network, occupancy: Occupancy) {
    this.#network = network;
    this.#occupancy = occupancy;
  }

  /** Takes a new wish; answers with the names of the rooms to leave. What was refused before may be tried again. */
  wish(rooms: readonly DesiredRoom[]): readonly string[] {
    const before = this.#desired;
    this.#desired = new Map(rooms.map((room) => [this.#fold(room.address), room]));
    this.#refused.clear();
    // Only what was wished for and is no more: a bouncer puts us into rooms of its own.
    return [...before.keys()].flatMap((key) => {
      const room = this.#joined.get(key);
      return room !== undefined && !this.#desired.has(key) ? [room.name] : [];
    });
  }

  /** The rooms to ask for now; they count as asked for. */
  missing(now: number): readonly RoomToJoin[] {
    const missing: RoomToJoin[] = [];
    for (const [key, { address, options }] of this.#desired) {
      if (this.#joined.has(key) || this.#joining.has(key) || (this.#refused.get(key) ?? 0) > now) continue;
      const name = wireTarget(address);
      if (name === undefined || !isRoom(address)) continue;
      this.#refused.delete(key);
      this.#joining.set(key, now);
      const roomKey = options['key'];
      missing.push({
        name,
        ...(typeof roomKey === 'string' && /^[^\s,:][^\s,]*$/.test(roomKey) && { key: roomKey }),
      });
    }
    return missing;
  }

  /** The answer to a JOIN was no. False when we had not asked: the refusal is about something else. */
  refused(name: string, failure: Failure, now: number, againMs: number): boolean {
    const key = this.#fold(name);
    if (!this.#joining.delete(key)) return false;
    this.#refused.set(key, failure.remedy === 'retry' ? now + againMs : Infinity);
    return true;
  }

  /** When the next refused room may be tried again, monotonic; undefined when none may by itself. */
  nextTry(): number | undefined {
    const next = Math.min(...this.#refused.values());
    return Number.isFinite(next) ? next : undefined;
  }

  /** Asked for before a time and never answered. */
  unanswered(before: number): readonly string[] {
    return [...this.#joining].flatMap(([key, since]) => (since < before ? [key] : []));
  }

  /** We are in. False when those are more rooms than can be minded. */
  entered(name: string): boolean {
    const key = this.#fold(name);
    this.#joining.delete(key);
    this.#refused.delete(key);
    if (this.#joined.has(key)) return true;
    if (this.#joined.size >= mostRooms) return false;
    this.#joined.set(key, { name, address: this.addressOf(name), members: new Map() });
    return true;
  }

  /** We are out, and will not go back by ourselves before the next wish or connection. */
  left(name: string): void {
    const key = this.#fold(name);
    const room = this.#joined.get(key);
    if (room) this.#members -= room.members.size;
    this.#joined.delete(key);
    if (this.#desired.has(key)) this.#refused.set(key, Infinity);
  }

  /** A room's address: as the person gave it where it is desired, else as the network writes it. */
  addressOf(name: string): string {
    const key = this.#fold(name);
    return addressOf(this.#desired.get(key)?.address ?? this.#joined.get(key)?.address ?? name);
  }

  isIn(name: string): boolean {
    return this.#joined.has(this.#fold(name));
  }

  /** Addresses of the rooms we are in. */
  addresses(): readonly string[] {
    return [...this.#joined.values()].map(({ address }) => address);
  }

  occupants(conversation: string): readonly Occupant[] {
    const room = this.#joined.get(this.#fold(conversation));
    return room === undefined ? [] : [...room.members.values()].map(occupantOf);
  }

  came(name: string, nick: string): void {
    const room = this.#joined.get(this.#fold(name));
    if (room) this.#put(room, { nick, modes: '' });
  }

  went(name: string, nick: string): void {
    const room = this.#joined.get(this.#fold(name));
    if (room) this.#drop(room, nick);
  }

  /** Somebody left the network. */
  quit(nick: string): void {
    for (const room of this.#joined.values()) this.#drop(room, nick);
  }

  /** Whether anybody of that nick is in sight. */
  sees(nick: string): boolean {
    const key = this.#fold(nick);
    for (const { members } of this.#joined.values()) if (members.has(key)) return true;
    return false;
  }

  renamed(from: string, to: string): void {
    const key = this.#fold(from);
    for (const room of this.#joined.values()) {
      const member = room.members.get(key);
      if (member === undefined) continue;
      this.#drop(room, from);
      this.#put(room, { ...member, nick: to });
    }
  }

  /** A piece of NAMES. */
  names(name: string, members: readonly Member[]): void {
    const room = this.#joined.get(this.#fold(name));
    if (room === undefined) return;
    const gathering = (room.gathering ??= new Map());
    for (const member of members) {
      if (this.#members + gathering.size >= mostMembers) return;
      gathering.set(this.#fold(member.nick), member);
    }
  }

  /** NAMES is complete: it is the truth about who is in. */
  namesEnd(name: string): void {
    const room = this.#joined.get(this.#fold(name));
    const gathered = room?.gathering;
    if (room === undefined || gathered === undefined) return;
    delete room.gathering;
    for (const [key, { nick }] of [...room.members]) if (!gathered.has(key)) this.#drop(room, nick);
    for (const member of gathered.values()) this.#put(room, member);
  }

  modes(name: string, changes: readonly ModeChange[]): void {
    const room = this.#joined.get(this.#fold(name));
    if (room === undefined) return;
    const order = this.#network().prefixes.map(({ mode }) => mode);
    for (const { set, mode, parameter } of changes) {
      if (parameter === undefined || !order.includes(mode)) continue;
      const member = room.members.get(this.#fold(parameter));
      if (member === undefined) continue;
      const has = new Set(member.modes);
      if (set) has.add(mode);
      else has.delete(mode);
      this.#put(room, { ...member, modes: order.filter((one) => has.has(one)).join('') });
    }
  }

  #put(room: Room, member: Member): void {
    const key = this.#fold(member.nick);
    const known = room.members.get(key);
    if (known === undefined) {
      if (this.#members >= mostMembers) return;
      this.#members++;
    } else if (known.nick === member.nick && known.modes === member.modes) return;
    room.members.set(key, member);
    this.#occupancy.joined(room.address, occupantOf(member), known === undefined);
  }

  #drop(room: Room, nick: string): void {
    const key = this.#fold(nick);
    room.gathering?.delete(key);
    if (!room.members.delete(key)) return;
    this.#members--;
    this.#occupancy.left(room.address, addressOf(nick));
  }

  #fold(name: string): string {
    return fold(name, this.#network().caseMapping);
  }
}

function occupantOf({ nick, modes }: Member): Occupant {
  const address = addressOf(nick);
  const roles = rolesOf(modes);
  const [role] = roles;
  return {
    address,
    ...(nick !== address && { name: nick }),
    ...(role !== undefined && { role }),
    ...(roles.length > 1 && { roles }),
  };
}
