import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Access, Authenticator, type AskingRequest, type Concern, type Principal } from '#accounts';
import type { PersonId } from '#model';
import { Clock, logger, Metrics, Problem } from '#platform';
import { EventFeeds } from './event-feeds.js';
import { StreamSession, type SessionRooms } from './stream-session.js';
import { WatchedPlaces } from './watched-places.js';
import { Watches } from './watches.js';
import type { Wire } from './wire.js';

const log = logger('streams');

/** One person's at once: many windows and bots, and no flood. */
const mostPerPerson = 100;
/** Each stream is looked after once in so many turns, and a turn is a second: no second looks after them all. */
const turns = 30;
const turnMs = 1_000;

/** The streams that this process holds open. */
@Injectable()
export class OpenStreams implements OnModuleInit, OnModuleDestroy {
  readonly #byPerson = new Map<PersonId, Set<StreamSession>>();
  readonly #byTurn: readonly Set<StreamSession>[] = Array.from({ length: turns }, () => new Set());
  readonly #rooms: SessionRooms;
  #stopHearing: (() => void) | undefined;
  #stopLooking: (() => void) | undefined;
  #turn = 0;
  #made = 0;
  #closed = false;

  constructor(
    feeds: EventFeeds,
    authenticator: Authenticator,
    watches: Watches,
    places: WatchedPlaces,
    private readonly access: Access,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.#rooms = { feeds, access, authenticator, watches, places, clock };
    metrics.gauge('parley_streams', 'Open streams', ['kind'], (gauge) => {
      gauge.reset();
      for (const session of this.#all()) gauge.inc({ kind: session.wire.kind });
    });
  }

  onModuleInit(): void {
    this.#stopHearing = this.access.onChanged((concern) => {
      for (const session of this.#all()) if (concerns(concern, session)) void session.recheck();
    });
    this.#lookAfterLater();
  }

  onModuleDestroy(): void {
    this.#closed = true;
    this.#stopHearing?.();
    this.#stopLooking?.();
    for (const session of [...this.#all()]) session.restart();
  }

  get count(): number {
    return [...this.#all()].length;
  }

  /**
   * Makes a session for a peer that may read. It is among the open ones until its peer is gone.
   * @param begin called once the peer is let in.
   * @throws Problem 403 `missing-scope`, 429 `too-many-streams`, 503 `shutting-down`
   */
  async open(principal: Principal, asking: AskingRequest, begin: () => Wire): Promise<StreamSession> {
    if (!principal.scopes.has('read')) {
      throw new Problem(403, 'missing-scope', 'This needs a token with the scope read.');
    }
    const { workspace, person } = principal;
    const accounts = await this.access.accountsNow(workspace, person);
    if (this.#closed)
      throw new Problem(503, 'shutting-down', 'The server restarts.', { retryAfterSeconds: 1 });
    const theirs = this.#byPerson.get(person) ?? new Set<StreamSession>();
    if (theirs.size >= mostPerPerson) {
      throw new Problem(
        429,
        'too-many-streams',
        `One person may have ${String(mostPerPerson)} streams open.`,
      );
    }
    const wire = begin();
    const session = new StreamSession(this.#rooms, principal, accounts, asking, wire);
    const turn = this.#byTurn[this.#made++ % turns];
    this.#byPerson.set(person, theirs.add(session));
    turn?.add(session);
    wire.onGone(() => {
      turn?.delete(session);
      theirs.delete(session);
      if (theirs.size === 0 && this.#byPerson.get(person) === theirs) this.#byPerson.delete(person);
    });
    return session;
  }

  *#all(): Generator<StreamSession> {
    for (const sessions of this.#byPerson.values()) yield* sessions;
  }

  #lookAfterLater(): void {
    this.#stopLooking = this.clock.after(turnMs, () => {
      this.#turn = (this.#turn + 1) % turns;
      const now = [...(this.#byTurn[this.#turn] ?? [])];
      // One after the other: they ask the same tables.
      void this.#lookAfter(now).finally(() => {
        if (!this.#closed) this.#lookAfterLater();
      });
    });
  }

  async #lookAfter(sessions: readonly StreamSession[]): Promise<void> {
    try {
      for (const session of sessions) await session.checkUp();
    } catch (err) {
      log.error({ err }, 'streams could not be looked after');
    }
  }
}

function concerns(concern: Concern, { principal }: StreamSession): boolean {
  return (
    concern === 'everybody' ||
    (concern.workspace === principal.workspace && concern.person === principal.person)
  );
}
