import type { DesiredContact, DesiredRoom, SessionClock } from '#connector';
import type { Timers } from '#connector/session';
import type { PresenceState } from '#model';
import { sameName, type Network } from './network.js';
import type { Outbox } from './outbox.js';
import type { Rooms } from './rooms.js';
import type { Self } from './self.js';
import { awayOf, command, joinsOf } from './to-irc.js';

/** What should be true whenever we are online. */
export interface Wishes {
  rooms: readonly DesiredRoom[];
  contacts: readonly DesiredContact[];
  presence: PresenceState;
}

export interface UpkeepParts {
  readonly wishes: Wishes;
  /** The nick that the person wants, as the network can give it. */
  readonly nick: () => string;
  /** Whether the session says that nobody sits behind it. */
  readonly bot: boolean;
  readonly reclaimMs: number;
  readonly clock: SessionClock;
  readonly timers: Timers;
  readonly outbox: Outbox;
  readonly rooms: Rooms;
  readonly self: Self;
  readonly network: () => Network;
  readonly isOnline: () => boolean;
}

/** Makes true on a connection what the person wishes, and keeps it true: rooms, presence, nick. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  /** The AWAY that was sent last. */
  #away = 'AWAY';
  #reclaims = 0;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Says once what we are, where the network has a word for it (ISUPPORT BOT). */
  introduce(): void {
    const { bot, self, network, outbox } = this.#parts;
    const { botMode } = network();
    if (bot && botMode !== undefined) outbox.control({ line: `MODE ${self.nick} +${botMode}` });
  }

  /** The wishes have changed, or the connection has just come online: the difference is made. */
  wished(): void {
    const { wishes, rooms, outbox, isOnline } = this.#parts;
    if (!isOnline()) return;
    for (const name of rooms.wish(wishes.rooms)) outbox.control({ line: command('PART', name) });
    this.join();
    this.showPresence();
  }

  /** Asks for the rooms that are missing and may be asked for. */
  join(): void {
    const { rooms, outbox, clock, network, isOnline } = this.#parts;
    if (!isOnline()) return;
    const missing = rooms.missing(clock.monotonic());
    for (const { line } of joinsOf(missing, network().joinTargets)) outbox.control({ line });
    this.joinLater();
  }

  /** Sees to it that a refused room is tried again when it may be. A timer may fire a little early: then once more. */
  joinLater(): void {
    const { timers, rooms, clock } = this.#parts;
    const next = rooms.nextTry();
    if (next === undefined) return;
    timers.set('rejoin', Math.max(1, next - clock.monotonic()), () => {
      this.join();
    });
  }

  showPresence(): void {
    const { wishes, outbox, isOnline } = this.#parts;
    const line = awayOf(wishes.presence);
    // Whoever has just connected is here, and need not say so.
    if (!isOnline() || line === undefined || line === this.#away) return;
    this.#away = line;
    outbox.control({ line, key: 'away' });
  }

  /** Asks for the wanted nick from time to time, ever more rarely, while we have another. */
  keepNick(): void {
    const { nick, reclaimMs, timers, self, network } = this.#parts;
    if (sameName(network(), self.nick, nick())) {
      timers.cancel('reclaim');
      this.#reclaims = 0;
      return;
    }
    timers.set('reclaim', reclaimMs * 2 ** Math.min(this.#reclaims, 4), () => {
      this.#reclaims++;
      this.#askForNick();
      this.keepNick();
    });
  }

  /** Somebody gave up a nick: perhaps ours. */
  freed(nick: string): void {
    if (sameName(this.#parts.network(), nick, this.#parts.nick())) this.#askForNick();
  }

  #askForNick(): void {
    const { nick, outbox, self, isOnline } = this.#parts;
    if (isOnline() && !self.is(nick())) outbox.control({ line: command('NICK', nick()), key: 'nick' });
  }
}
