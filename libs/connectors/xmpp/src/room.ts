/*
 * One room as we see it: where we stand with it, and who is in it. It knows nothing of the wire and tells nobody but the
 * gatherer of comings and goings.
 */
import type { DesiredRoom, JsonValue, Occupant } from '#connector';
import type { Occupancy } from '#connector/session';
import type { Affiliation, MucItem, Role } from './xep/0045.js';
import { archiveNs } from './xep/0313.js';
import { bareOf, occupantOf, resourceOf } from './xmpp.addresses.js';

/** Somebody in a room. */
export interface Member {
  readonly nick: string;
  readonly role: Role;
  readonly affiliation: Affiliation;
  /** Their own bare address, where the room shows it. */
  readonly jid?: string;
  /** What the room knows them by (XEP-0421). */
  readonly occupantId?: string;
}

/**
 * - `out`: not in, and nothing is under way; the next turn enters, unless it was refused.
 * - `asking`: what the room is, is being asked.
 * - `entering`: the presence has left.
 * - `in`: our own presence has come back.
 * - `leaving`: we have said that we go.
 */
export type Standing = 'out' | 'asking' | 'entering' | 'in' | 'leaving';

/** What the whole account may hold of occupants: past it, people are not listed, and nothing else suffers. */
const mostMembers = 100_000;

/** What is shared by the rooms of an account: how many people they hold together. */
export class Crowd {
  count = 0;
  constructor(readonly occupancy: Occupancy) {}
}

export class Room {
  readonly address: string;
  standing: Standing = 'out';
  /** The nick that we have, or asked for. */
  nick: string;
  /** Nicks that were taken in this attempt to enter. */
  nicksTried = 0;
  /** Refusals in a row. */
  refusals = 0;
  /** When to try again after a refusal, monotonic; Infinity for "not by ourselves". */
  retryAt = 0;
  /** What the room says that it can do (XEP-0030). */
  features: ReadonlySet<string> = new Set();
  /** The room's own name for people. */
  name: string | undefined;
  topic: string | undefined;
  /** When anything last came from it, monotonic. */
  heardAt = 0;
  options: DesiredRoom['options'];
  readonly #members = new Map<string, Member>();
  readonly #crowd: Crowd;
  readonly #invitedWith: string | undefined;

  /** @param invitedWith the password that came with an invitation. */
  constructor(wish: DesiredRoom, usualNick: string, crowd: Crowd, invitedWith?: string) {
    this.address = wish.address;
    this.options = wish.options;
    this.#crowd = crowd;
    this.nick = usualNick;
    this.#invitedWith = invitedWith;
  }

  /** The nick that the person wants here, or their usual one. */
  wantedNick(usual: string): string {
    const wanted = text(this.options['nick']);
    const address = wanted === undefined ? undefined : occupantOf(this.address, wanted);
    return (address && resourceOf(address)) ?? usual;
  }

  get password(): string | undefined {
    return text(this.options['password']) ?? text(this.options['key']) ?? this.#invitedWith;
  }

  /** Our own address in the room. */
  get own(): string {
    return `${this.address}/${this.nick}`;
  }

  /** Whether the room keeps what is said (XEP-0313). */
  get keepsArchive(): boolean {
    return this.features.has(archiveNs);
  }

  get isIn(): boolean {
    return this.standing === 'in';
  }

  member(nick: string): Member | undefined {
    return this.#members.get(nick);
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  /** Somebody is there; gives who they were before. */
  put(member: Member): Member | undefined {
    const known = this.#members.get(member.nick);
    if (known === undefined) {
      if (this.#crowd.count >= mostMembers) return undefined;
      this.#crowd.count++;
    }
    this.#members.set(member.nick, member);
    const same =
      known !== undefined &&
      known.role === member.role &&
      known.affiliation === member.affiliation &&
      known.jid === member.jid;
    if (!same)
      this.#crowd.occupancy.joined(this.address, occupant(this.address, member), known === undefined);
    return known;
  }

  /** Somebody is there no longer; gives who it was. */
  drop(nick: string): Member | undefined {
    const known = this.#members.get(nick);
    if (known === undefined) return undefined;
    this.#members.delete(nick);
    this.#crowd.count--;
    this.#crowd.occupancy.left(this.address, `${this.address}/${nick}`);
    return known;
  }

  /** We are in it no longer, so nobody is in sight. */
  clear(): void {
    for (const nick of [...this.#members.keys()]) this.drop(nick);
    this.standing = 'out';
    this.topic = undefined;
  }

  occupants(): readonly Occupant[] {
    return [...this.#members.values()].map((member) => occupant(this.address, member));
  }
}

/** A member from what a presence says of them. What it does not say is as the weakest. */
export function memberFrom(nick: string, item: MucItem | undefined, occupantId: string | undefined): Member {
  const jid = bareOf(item?.jid);
  return {
    nick,
    role: item?.role ?? 'none',
    affiliation: item?.affiliation ?? 'none',
    ...(jid !== undefined && { jid }),
    ...(occupantId !== undefined && { occupantId }),
  };
}

/** Their roles in words, highest first: what they are to the room for good, then what they may do in it now. */
export function rolesOf({ affiliation, role }: Member): readonly string[] {
  return [...(affiliation === 'none' ? [] : [affiliation]), ...(role === 'none' ? [] : [role])];
}

function occupant(room: string, member: Member): Occupant {
  const roles = rolesOf(member);
  const [role] = roles;
  return {
    address: `${room}/${member.nick}`,
    name: member.nick,
    ...(role !== undefined && { role }),
    ...(roles.length > 1 && { roles }),
  };
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
