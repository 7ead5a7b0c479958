/*
 * Getting into rooms, and staying in (XEP-0045 §7.2, XEP-0410). A room is asked what it is before it is entered: one that
 * keeps what is said is asked for it later, of any other the last lines are wanted with the entry. A refusal that may pass
 * is tried again, later each time. A nick that is taken is given way to: nobody is fought for it, and the wanted one is
 * tried first at the next entry.
 */
import { failure, type Failure, type PresenceState } from '#model';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import type { Room } from './room.js';
import { refusedEntry } from './room-refusals.js';
import type { StanzaFailure } from './stanza-failures.js';
import { infoAsk, infoOf } from './xep/0030.js';
import { joining, ownerQuery, roomInfoOf, type JoinAsk } from './xep/0045.js';
import { submission } from './xep/0004.js';
import { ping } from './xep/0199.js';
import { selfPingVerdict } from './xep/0410.js';
import { presence } from './xep/rfc6121.js';
import { occupantOf, resourceOf } from './xmpp.addresses.js';

/** Rooms that are being entered at once; the others wait their turn. */
const mostAtOnce = 8;
const mostNicks = 5;
/** Lines from before that a room which keeps no archive is asked for at the first entry. */
const firstLines = 20;
/** And at most so many at a later one, since it was last heard. */
const mostLines = 200;
/** A refusal in a row doubles the pause, so often. */
const mostDoublings = 6;

export interface EntryHandler {
  /** Nobody will try again by themselves before the failure's remedy allows it. */
  readonly refused: (room: Room, why: Failure) => void;
  /** We have found that we are in it no longer, though nobody said so. */
  readonly lost: (room: Room) => void;
  /** We have left, as we wanted, or nobody answers that we have. */
  readonly left: (room: Room) => void;
  /** When the room was last heard before this connection; undefined where it never was. */
  readonly lastHeard: (room: Room) => Date | undefined;
}

export class RoomEntry {
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #handler: EntryHandler;

  constructor(parts: Parts, disco: Disco, rooms: ReadonlyMap<string, Room>, handler: EntryHandler) {
    this.#parts = parts;
    this.#disco = disco;
    this.#rooms = rooms;
    this.#handler = handler;
  }

  /** Enters what is not entered and may be now; what cannot be yet is taken up again at its time. */
  advance(): void {
    const now = this.#now();
    let under = 0;
    let next = Infinity;
    for (const { standing } of this.#rooms.values())
      if (standing === 'asking' || standing === 'entering') under++;
    for (const room of this.#rooms.values()) {
      if (room.standing !== 'out') continue;
      if (room.retryAt > now) next = Math.min(next, room.retryAt);
      else if (under < mostAtOnce) {
        under++;
        void this.#enter(room);
      }
    }
    if (Number.isFinite(next)) {
      this.#parts.timers.set('rooms', Math.max(1, next - now), () => {
        this.advance();
      });
    }
  }

  /** Our presence to a room, as it is everywhere. */
  show(room: Room, ask?: JoinAsk): void {
    const state = shown(this.#parts.wishes.presence);
    const joins = ask && joining(ask);
    this.#parts.port.send(presence(state, { to: room.own }, joins, this.#disco.caps()));
  }

  /** Our presence has come back from the room. */
  entered(room: Room, created: boolean): void {
    this.#parts.timers.cancel(`room ${room.address}`);
    room.standing = 'in';
    room.refusals = 0;
    room.nicksTried = 0;
    this.heard(room);
    this.#watch(room, this.#parts.timings.selfPing);
    // A new room is locked until its owner says what it is to be: as its service means it (§10.1.2).
    if (created) {
      void this.#parts.port.iq({
        type: 'set',
        to: room.address,
        payload: ownerQuery(submission(undefined, {})),
      });
    }
    this.advance();
  }

  /** The answer to our entry was an error. */
  refused(room: Room, { condition, failure: usual }: StanzaFailure): void {
    const refused = refusedEntry(condition, usual, room.password !== undefined);
    if (refused.then === 'rename' && room.nicksTried < mostNicks) {
      room.nicksTried++;
      this.#comeAs(room, `${room.wantedNick(this.#usualNick())}${'_'.repeat(room.nicksTried)}`);
    } else if (refused.then === 'ask-nick' && room.nicksTried === 0) {
      room.nicksTried++;
      void this.#comeAsReserved(room);
    } else {
      this.fail(
        room,
        refused.then === 'fail'
          ? refused.failure
          : failure('name-in-use', 'The room has somebody of that nick, or lets us in under another only.'),
      );
    }
  }

  /** Gives an entry up, or what came of it, until the failure's remedy allows another. */
  fail(room: Room, why: Failure): void {
    this.#parts.timers.cancel(`room ${room.address}`);
    room.clear();
    const pause = this.#parts.timings.rejoin * 2 ** Math.min(room.refusals++, mostDoublings);
    room.retryAt = why.remedy === 'retry' ? this.#now() + pause : Infinity;
    this.#handler.refused(room, why);
    this.advance();
  }

  /** Goes. */
  leave(room: Room): void {
    const { timers, port, timings } = this.#parts;
    if (room.standing === 'out' || room.standing === 'asking') {
      this.#handler.left(room);
      return;
    }
    room.standing = 'leaving';
    port.send(presence({ presence: 'offline' }, { to: room.own }));
    timers.set(`room ${room.address}`, timings.answer, () => {
      this.#handler.left(room);
    });
  }

  /** Something came from the room: it is there. */
  heard(room: Room): void {
    room.heardAt = this.#now();
  }

  /** Asks the room whether we are in it still (XEP-0410). */
  async ping(room: Room): Promise<void> {
    const { port, timings } = this.#parts;
    if (!room.isIn) return;
    const nick = room.nick;
    const answer = await port.iq({ type: 'get', to: room.own, payload: ping(), timeoutMs: timings.answer });
    if (!this.#isAt(room, 'in') || room.nick !== nick) return;
    const verdict = selfPingVerdict(answer.ok ? 'result' : (answer.condition ?? 'timeout'));
    if (verdict === 'gone') {
      this.#handler.lost(room);
      room.clear();
      room.retryAt = 0;
      this.advance();
      return;
    }
    if (verdict === 'joined') this.heard(room);
    this.#watch(room, verdict === 'joined' ? timings.selfPing : timings.selfPing / 4);
  }

  /** What a room is; asked anew, for it may have changed. Undefined where it does not say. */
  async look(room: Room): Promise<void> {
    this.#disco.forget(room.address);
    const info = await this.#disco.info(room.address);
    const about = info && roomInfoOf(info);
    room.features = about?.features ?? new Set();
    if (about?.name !== undefined) room.name = about.name;
  }

  async #enter(room: Room): Promise<void> {
    room.standing = 'asking';
    room.nicksTried = 0;
    await this.look(room);
    if (!this.#isAt(room, 'asking')) return;
    room.standing = 'entering';
    this.#comeAs(room, room.wantedNick(this.#usualNick()));
  }

  #comeAs(room: Room, nick: string): void {
    const { timers, timings } = this.#parts;
    const since = this.#handler.lastHeard(room);
    const password = room.password;
    room.nick = resourceOf(occupantOf(room.address, nick) ?? '') ?? this.#usualNick();
    this.show(room, {
      ...(password !== undefined && { password }),
      ...(room.keepsArchive
        ? { most: 0 }
        : since === undefined
          ? { most: firstLines }
          : { since, most: mostLines }),
    });
    timers.set(`room ${room.address}`, timings.iq, () => {
      this.fail(room, failure('timeout', 'The room does not answer.'));
    });
  }

  /** Asks which nick the room has reserved for us (§7.12), and comes as that. */
  async #comeAsReserved(room: Room): Promise<void> {
    const node = 'x-roomuser-item';
    const answer = await this.#parts.port.iq({ type: 'get', to: room.address, payload: infoAsk(node) });
    if (!this.#isAt(room, 'entering')) return;
    const info = answer.ok ? infoOf(answer.payload) : undefined;
    const nick = info?.identities.find(({ category }) => category === 'conference')?.name;
    if (nick === undefined || nick === room.nick) {
      this.fail(room, failure('not-allowed', 'The room does not take this nick.'));
    } else this.#comeAs(room, nick);
  }

  /** Looks again when the room has been silent for so long. */
  #watch(room: Room, ms: number): void {
    const { timers, timings } = this.#parts;
    timers.set(`watch ${room.address}`, ms, () => {
      if (!room.isIn) return;
      const silent = this.#now() - room.heardAt;
      if (silent + 1 < timings.selfPing) this.#watch(room, timings.selfPing - silent);
      else void this.ping(room);
    });
  }

  /** Whether a room still stands where it stood before something was asked. */
  #isAt(room: Room, standing: Room['standing']): boolean {
    return room.standing === standing && this.#rooms.get(room.address) === room;
  }

  #usualNick(): string {
    return this.#parts.port.self.bare.split('@')[0] ?? 'me';
  }

  #now(): number {
    return this.#parts.context.clock.monotonic();
  }
}

/** What a room is shown: whoever is in one cannot be seen to be nowhere. */
function shown(state: PresenceState): PresenceState {
  return state.presence === 'offline' || state.presence === 'unknown'
    ? { ...state, presence: 'extended-away' }
    : state;
}
