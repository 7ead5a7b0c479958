/*
 * What the house is told of rooms: what happened there, by whom, and who that is, as far as the room is to be believed.
 * Somebody is told as gone before whoever comes under their nick is heard.
 */
import type { InboundParty, InboundRoom } from '#connector';
import type { Parts } from './crew.js';
import { Holders } from './room-holders.js';
import type { Room } from './room.js';
import type { MucUser } from './xep/0045.js';
import { bareOf, jidOf, occupantOf, resourceOf } from './xmpp.addresses.js';

export class RoomTelling {
  readonly #parts: Parts;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #holders: Holders;
  /** Who says what is heard at this moment. */
  #speaking: string | undefined;

  /** @param rooms those that we are in or want to be in, by address. */
  constructor(parts: Parts, rooms: ReadonlyMap<string, Room>) {
    this.#parts = parts;
    this.#rooms = rooms;
    this.#holders = new Holders(parts.context, parts.account);
  }

  /** Reads whom an earlier session knew. Never rejects. */
  async load(): Promise<void> {
    await this.#holders.load();
  }

  // ---- who somebody is ----

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

  /** Somebody outside, as a room names them; undefined where it is not believed. */
  vouchedFor(room: string, jid: string): InboundParty | undefined {
    return this.#vouches(room, jid) ? { address: jid, kind: 'stable' } : undefined;
  }

  /** Who did it, where the room says so. */
  byOf(room: Room, { item }: MucUser): { readonly by?: InboundParty } {
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

  // ---- who comes and goes ----

  /** Another stanza is heard: nobody speaks yet. */
  silence(): void {
    this.#speaking = undefined;
  }

  /** Somebody says what is heard at this moment. */
  speaks(address: string, occupantId: string | undefined, direct: boolean): void {
    this.#speaking = address;
    this.#met(address, occupantId, direct);
  }

  /** Our person speaks to somebody in a room, in private. */
  spokenTo(address: string): void {
    const room = this.#rooms.get(bareOf(address) ?? '');
    const nick = resourceOf(address);
    if (room !== undefined && nick !== undefined) this.#met(address, room.member(nick)?.occupantId, true);
  }

  /** We are in a room again: whoever cannot be told to be the same is gone. */
  entered(room: Room): void {
    for (const address of this.#holders.strangers(room)) this.#departed(address);
  }

  /** Somebody of a room has gone. */
  gone(address: string): void {
    if (!this.#holders.gone(address)) return;
    this.#departed(address);
    this.note();
  }

  /** Somebody goes by another name from now on. */
  renamed(from: string, to: string): void {
    // Whoever was known under the new nick is there no longer.
    if (this.#holders.gone(to)) this.#departed(to);
    if (!this.#holders.moved(from, to)) return;
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'identity', account, party: this.partyOf(to), formerly: from, at: this.#at() });
    this.note();
  }

  // ---- what happened ----

  /** Something of a room is otherwise than before, or somebody did something there. */
  tell(room: Room, what: Partial<InboundRoom>): void {
    this.push({ conversation: room.address, ...what });
  }

  /** The same, of a conversation that need not be a room of ours. */
  push(what: Partial<InboundRoom> & { readonly conversation: string }): void {
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'room', account, conversationKind: 'room', at: this.#at(), ...what });
  }

  /** Notes whom the house knows, where that has changed. */
  note(): void {
    const notes = this.#holders.notes();
    if (notes.length > 0) this.#parts.inlet.flush(notes);
  }

  /** Somebody speaks. Where they are not who spoke under that nick before, the house is told first that those have gone. */
  #met(address: string, occupantId: string | undefined, direct: boolean): void {
    if (this.#rooms.get(bareOf(address) ?? '')?.own === address) return;
    if (this.#holders.meet(address, occupantId, direct)) this.#departed(address);
    this.note();
  }

  #departed(address: string): void {
    const { account, inlet } = this.#parts;
    inlet.push({ type: 'departure', account, address, at: this.#at() });
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

  #at(): Date {
    return new Date(this.#parts.context.clock.now());
  }
}
