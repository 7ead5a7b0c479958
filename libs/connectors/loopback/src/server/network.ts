import type { ErrorCode, Presence } from '#model';
import type { LoopbackEvent, LoopbackOccupant, LoopbackParty, ServerFrame } from '../loopback.frames.js';
import { Mailbox } from './mailbox.js';
import { Phones } from './phones.js';

/** What is said, besides who and where. */
export interface Words {
  readonly text: string;
  readonly emote?: boolean;
  readonly notice?: boolean;
  /** The id of the message that it answers. */
  readonly reply?: string;
  /** The sender's own id for it, told back in the echo, and to all as its sender's id. */
  readonly wire?: string;
  /** The sender's own id, of somebody who is told nothing back. */
  readonly sid?: string;
  /** The network tells its own id for it only in its history. */
  readonly unnamed?: boolean;
  /** The network's time; now where it is absent. */
  readonly at?: number;
  /** A small file that goes along: `data` is base64. */
  readonly file?: { readonly name: string; readonly data: string; readonly type?: string };
}

/** A change to an earlier message. */
export type Change = {
  readonly target: string;
  /** The target is named by the id that its sender chose. */
  readonly bySender?: boolean;
  readonly wire?: string;
} & (
  | { readonly kind: 'edit'; readonly text: string }
  | { readonly kind: 'retraction' }
  | {
      readonly kind: 'reaction';
      readonly emoji: string;
      readonly removed: boolean;
      readonly all?: readonly string[];
    }
);

export interface Room {
  readonly who: Set<string>;
  topic: string;
  key?: string;
  /** Nobody may enter, and why. */
  closed?: ErrorCode;
  /** Names of capabilities that this room lacks. */
  without: readonly string[];
}

/** Somebody on a roster. */
export interface Listed {
  readonly address: string;
  readonly name?: string;
  readonly groups: readonly string[];
}

interface Person {
  readonly mailbox: Mailbox;
  readonly rooms: Set<string>;
  readonly peers: Set<string>;
  /** How far it has read, by conversation. */
  readonly marks: Map<string, number>;
  /** Those who have them on their roster. */
  readonly watchers: Set<string>;
  readonly roster: Map<string, Listed>;
  /** Those who asked to see their presence, and those who may. */
  readonly askers: Set<string>;
  readonly admitted: Set<string>;
  party: LoopbackParty;
  presence: Presence;
  listener: ((event: LoopbackEvent) => void) | undefined;
}

type Told = DistributiveOmit<
  Extract<LoopbackEvent, { readonly room: boolean }>,
  'conversation' | 'room' | 'own' | 'wire'
>;

interface Said {
  readonly event: Extract<Told, { readonly kind: 'message' }>;
  readonly wire: string | undefined;
}

/** Where the network's news goes: to whoever is attached. */
export interface Attached {
  has(name: string): boolean;
  /** Something was put into the name's mailbox. */
  mail(name: string): void;
  /** Present state: told if somebody is there, else forgotten. */
  tell(name: string, frame: ServerFrame): void;
}

/** The network itself: people, rooms and what was said. Knows nothing of sockets. */
export class Network {
  /** Told to every client; message ids begin with it, so that two servers never make the same. */
  readonly instance: string;
  private readonly people = new Map<string, Person>();
  private readonly rooms = new Map<string, Room>();
  private readonly past = new Map<string, Said[]>();
  private readonly writers = new Map<string, Set<string>>();
  private messages = 0;
  readonly phones: Phones;

  constructor(
    private readonly attached: Attached,
    instance: string,
    private readonly keep: number,
  ) {
    this.instance = instance;
    this.phones = new Phones({
      partyOf: (name) => this.person(name).party,
      nextId: () => this.nextId(),
      put: (name, event) => {
        this.put(name, event);
      },
    });
  }

  person(name: string): Person {
    let person = this.people.get(name);
    if (!person) {
      const party = { address: name };
      person = {
        mailbox: new Mailbox(),
        rooms: new Set(),
        peers: new Set(),
        marks: new Map(),
        watchers: new Set(),
        roster: new Map(),
        askers: new Set(),
        admitted: new Set(),
        party,
        presence: 'offline',
        listener: undefined,
      };
      this.people.set(name, person);
    }
    return person;
  }

  room(name: string): Room {
    let room = this.rooms.get(name);
    if (!room) {
      room = { who: new Set(), topic: '', without: [] };
      this.rooms.set(name, room);
    }
    return room;
  }

  listRooms(): readonly { readonly address: string; readonly topic: string; readonly members: number }[] {
    return [...this.rooms].map(([address, { topic, who }]) => ({ address, topic, members: who.size }));
  }

  nextId(): string {
    return `${this.instance}-${String(++this.messages)}`;
  }

  /** Says something in a room or to somebody; the speaker's own mailbox gets the echo. Gives the message's id. */
  say(from: string, to: string, words: Words, { id = this.nextId(), echo = true } = {}): string {
    const message = this.messageOf(from, id, words);
    const { wire } = words;
    this.remember(this.pastOf(from, to), { event: message, wire });
    this.spread(from, to, echo ? { wire } : undefined, message);
    return id;
  }

  /** It was said, and only history has it. */
  archive(from: string, to: string, words: Words): string {
    const id = this.nextId();
    this.remember(this.pastOf(from, to), { event: this.messageOf(from, id, words), wire: words.wire });
    return id;
  }

  change(from: string, to: string, { wire, ...change }: Change, echo = true): void {
    const past = this.pastOf(from, to);
    const index = past.findLastIndex(
      ({ event }) => (change.bySender === true ? event.sid : event.id) === change.target,
    );
    const old = past[index];
    if (old && change.kind === 'edit') past[index] = { ...old, event: { ...old.event, text: change.text } };
    if (old && change.kind === 'retraction') past.splice(index, 1);
    this.spread(from, to, echo ? { wire } : undefined, {
      ...change,
      from: this.person(from).party,
      at: Date.now(),
    });
  }

  /** Puts an event into one mailbox. */
  put(name: string, event: LoopbackEvent): void {
    const person = this.person(name);
    if (person.listener) {
      person.listener(event);
      return;
    }
    person.mailbox.put(event, !this.attached.has(name));
    this.attached.mail(name);
  }

  join(name: string, address: string): void {
    const room = this.room(address);
    if (room.who.has(name)) return;
    for (const other of room.who)
      this.attached.tell(other, { t: 'came', as: other, room: address, who: this.occupant(name) });
    room.who.add(name);
    this.person(name).rooms.add(address);
  }

  part(name: string, address: string): void {
    const room = this.room(address);
    if (!room.who.delete(name)) return;
    this.person(name).rooms.delete(address);
    for (const other of room.who)
      this.attached.tell(other, { t: 'went', as: other, room: address, who: name });
  }

  occupants(address: string): readonly LoopbackOccupant[] {
    return [...this.room(address).who].map((name) => this.occupant(name));
  }

  topic(by: string, address: string, topic: string): void {
    const room = this.room(address);
    room.topic = topic;
    const event = {
      kind: 'room',
      conversation: address,
      act: 'topic',
      by: this.person(by).party,
      topic,
      at: Date.now(),
    } as const;
    for (const name of room.who) this.put(name, event);
  }

  kick(by: string, address: string, who: string, detail?: string): void {
    const event = {
      kind: 'room',
      conversation: address,
      act: 'kick',
      by: this.person(by).party,
      at: Date.now(),
      ...(detail === undefined ? {} : { detail }),
    } as const;
    this.put(who, { ...event, joined: false });
    this.part(who, address);
    for (const name of this.room(address).who) this.put(name, event);
  }

  presence(name: string, presence: Presence, note?: string): void {
    const person = this.person(name);
    person.presence = presence;
    for (const other of this.watchers(person)) {
      if (other === name) continue;
      this.attached.tell(other, {
        t: 'presence',
        as: other,
        who: name,
        presence,
        ...(note === undefined ? {} : { note }),
      });
    }
  }

  /**
   * From now on these are the ones on a name's roster; it is told how each of them is. Those who are `off` are told to
   * be, whether they were on it or not; of the others only what changes is told.
   */
  list(
    name: string,
    contacts: readonly (Listed & { readonly settled?: boolean })[],
    off: readonly string[] = [],
  ): void {
    const { roster } = this.person(name);
    const wanted = new Set(contacts.map(({ address }) => address));
    for (const [other, person] of this.people) if (!wanted.has(other)) person.watchers.delete(name);
    for (const gone of roster.keys()) if (!wanted.has(gone) && !off.includes(gone)) roster.delete(gone);
    for (const gone of off) {
      roster.delete(gone);
      this.tellContact(name, gone);
    }
    for (const { settled, ...contact } of contacts) {
      const person = this.person(contact.address);
      if (settled === true && !roster.has(contact.address)) {
        this.tellContact(name, contact.address);
        continue;
      }
      person.watchers.add(name);
      const changed = JSON.stringify(roster.get(contact.address)) !== JSON.stringify(contact);
      if (changed && settled !== true) {
        roster.set(contact.address, contact);
        this.tellContact(name, contact.address);
      }
      this.attached.tell(name, { t: 'presence', as: name, who: contact.address, presence: person.presence });
    }
  }

  /** Somebody's roster is changed on another device: an entry is as it is told, or off it. */
  listElsewhere(name: string, address: string, contact: Omit<Listed, 'address'> | undefined): void {
    const { roster } = this.person(name);
    if (contact === undefined) roster.delete(address);
    else roster.set(address, { address, ...contact });
    this.tellContact(name, address);
  }

  /** Somebody asks to see a name's presence, and is answered by `admit`; at once where they were let already. */
  askToSee(from: string, name: string): void {
    const { askers, admitted } = this.person(name);
    if (!admitted.has(from)) askers.add(from);
    this.tellContact(name, from);
  }

  admit(name: string, who: string, answer: 'approve' | 'deny'): void {
    const { askers, admitted } = this.person(name);
    const asked = askers.delete(who);
    const had = answer === 'approve' ? admitted.has(who) : admitted.delete(who);
    if (answer === 'approve') admitted.add(who);
    // Who is let before they ask is told of when they do.
    if (asked || had || answer === 'deny') this.tellContact(name, who);
  }

  /** Whether somebody may see a name's presence. */
  admits(name: string, who: string): boolean {
    return this.person(name).admitted.has(who);
  }

  private tellContact(name: string, who: string): void {
    const { roster, askers, admitted } = this.person(name);
    const listed = roster.get(who);
    const from = admitted.has(who);
    this.put(name, {
      kind: 'contact',
      who: this.person(who).party,
      // Whoever may see somebody is on their roster.
      listed: listed !== undefined || from,
      groups: listed?.groups ?? [],
      subscription: listed === undefined ? (from ? 'from' : 'none') : from ? 'both' : 'to',
      asks: askers.has(who),
      at: Date.now(),
      ...(listed?.name === undefined ? {} : { name: listed.name }),
    });
  }

  /** Somebody goes, and leaves their address to whoever comes; those who see them are told. */
  leave(name: string): void {
    const person = this.person(name);
    for (const room of person.rooms) this.part(name, room);
    this.presence(name, 'offline');
    for (const other of this.watchers(person)) {
      if (other !== name) this.put(other, { kind: 'departure', address: name, at: Date.now() });
    }
    person.party = { address: name };
  }

  typing(name: string, to: string, active: boolean): void {
    const room = to.startsWith('#');
    const others = room ? [...this.room(to).who].filter((other) => other !== name) : [to];
    for (const other of others) {
      const writers = this.writing(other);
      if (active) writers.add(name);
      else writers.delete(name);
      this.attached.tell(other, {
        t: 'typing',
        as: other,
        conversation: room ? to : name,
        who: name,
        active,
      });
    }
  }

  /** Who writes to a name, or in its rooms, as far as it was told. */
  writing(name: string): Set<string> {
    let writers = this.writers.get(name);
    if (!writers) {
      writers = new Set();
      this.writers.set(name, writers);
    }
    return writers;
  }

  /** Somebody goes by another name from now on; those who see them are told. */
  rename(from: string, to: string): void {
    const person = this.person(from);
    this.people.delete(from);
    person.party = { ...person.party, address: to };
    this.people.set(to, person);
    for (const room of person.rooms) this.room(room).who.delete(from);
    for (const room of person.rooms) this.room(room).who.add(to);
    for (const other of this.watchers(person)) {
      if (other !== to)
        this.put(other, { kind: 'identity', party: person.party, formerly: from, at: Date.now() });
    }
  }

  /** Somebody looks otherwise from now on; those who see them are told. */
  face(name: string, avatar: Words['file']): void {
    const person = this.person(name);
    for (const other of this.watchers(person)) {
      const told = { kind: 'identity', party: person.party, at: Date.now() } as const;
      if (other !== name)
        this.put(other, avatar === undefined ? { ...told, faceless: true } : { ...told, avatar });
    }
  }

  history(
    as: string,
    withWhom: string,
    {
      before,
      beforeTime,
      limit,
    }: { readonly before?: string; readonly beforeTime?: number; readonly limit: number },
  ): { readonly events: readonly LoopbackEvent[]; readonly complete: boolean } {
    const all = this.pastOf(as, withWhom);
    const known = all.findIndex(({ event: { id } }) => id === before);
    const later = all.findIndex(({ event: { at } }) => beforeTime !== undefined && at >= beforeTime);
    const end = known >= 0 ? known : later >= 0 ? later : all.length;
    const page = all.slice(Math.max(0, end - Math.min(limit, 1_000)), end);
    const room = withWhom.startsWith('#');
    return {
      events: page.map(({ event, wire }) => ({
        ...event,
        unnamed: false,
        conversation: withWhom,
        room,
        ...(event.from.address === as ? { own: true, ...(wire === undefined ? {} : { wire }) } : {}),
      })),
      complete: page.length === end,
    };
  }

  /**
   * A name has read up to a moment: kept, and told to its client when it was done elsewhere.
   * @param last the last message that was read: then it is named, and not the moment.
   */
  mark(name: string, withWhom: string, upTo: number, elsewhere = false, last?: string): void {
    const { marks } = this.person(name);
    if (upTo <= (marks.get(withWhom) ?? 0)) return;
    marks.set(withWhom, upTo);
    const named = last === undefined ? {} : { last };
    if (elsewhere) this.put(name, { kind: 'read', conversation: withWhom, at: upTo, ...named });
  }

  private messageOf(from: string, id: string, words: Words): Said['event'] {
    const { text, emote, notice, reply, file, wire, sid = wire, unnamed, at = Date.now() } = words;
    return {
      kind: 'message',
      id,
      from: this.person(from).party,
      text,
      at,
      ...(sid === undefined ? {} : { sid }),
      ...(unnamed === undefined ? {} : { unnamed }),
      ...(emote === undefined ? {} : { emote }),
      ...(notice === undefined ? {} : { notice }),
      ...(reply === undefined ? {} : { reply }),
      ...(file === undefined ? {} : { file }),
    };
  }

  private spread(
    from: string,
    to: string,
    /** How the speaker hears it; undefined: not at all. */
    echo: { readonly wire: string | undefined } | undefined,
    event: Told,
  ): void {
    const own = { own: true, ...(echo?.wire === undefined ? {} : { wire: echo.wire }) };
    if (to.startsWith('#')) {
      for (const name of this.room(to).who) {
        if (name !== from) this.put(name, { ...event, conversation: to, room: true });
        else if (echo) this.put(name, { ...event, conversation: to, room: true, ...own });
      }
      return;
    }
    this.person(from).peers.add(to);
    this.person(to).peers.add(from);
    if (to !== from) this.put(to, { ...event, conversation: from, room: false });
    if (echo) this.put(from, { ...event, conversation: to, room: false, ...own });
  }

  private occupant(name: string): LoopbackOccupant {
    const shown = this.person(name).party.name;
    return { address: name, ...(shown === undefined ? {} : { name: shown }) };
  }

  private watchers(person: Person): ReadonlySet<string> {
    const names = new Set([...person.peers, ...person.watchers]);
    for (const room of person.rooms) for (const name of this.room(room).who) names.add(name);
    return names;
  }

  private remember(past: Said[], said: Said): void {
    past.push(said);
    if (past.length > this.keep * 2) past.splice(0, past.length - this.keep);
  }

  private pastOf(a: string, b: string): Said[] {
    const key = b.startsWith('#') ? b : [a, b].sort().join('\n');
    let past = this.past.get(key);
    if (!past) {
      past = [];
      this.past.set(key, past);
    }
    return past;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
