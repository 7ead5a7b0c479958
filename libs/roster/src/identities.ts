import { Injectable } from '@nestjs/common';
import { Desires } from '#accounts';
import type { InboundParty } from '#connector';
import { newId, type AccountId, type AddressKind, type FileId, type IdentityId, type NewEvent } from '#model';
import { Clock, Database, type Sql } from '#platform';
import { Holdings, placeKey, type Place } from './holdings.js';
import {
  readHoldings,
  touchIdentities,
  writeAvatars,
  writeHoldings,
  writePresence,
  type PresenceRow,
} from './identities.store.js';

/** Somebody whom an account has met: an author, or the peer of a direct conversation. */
export interface Ask extends Place {
  readonly kind: AddressKind;
  /** The name they show; absent where nothing was said of it. */
  readonly name?: string;
  /** A stable address of the same somebody, where the network vouches for it. */
  readonly stableAddress?: string;
  /** Met in an archive: who had an address then says nothing of who has it now. */
  readonly past?: boolean;
}

export interface Resolved {
  /** By `partyKey`. */
  readonly found: Map<string, IdentityId>;
  /** `identity.changed` of those who are new or other than before, for the caller's append. */
  readonly events: NewEvent[];
}

/** A rename that the session itself witnessed. */
export interface Rename {
  readonly account: AccountId;
  readonly from: string;
  readonly to: InboundParty;
  readonly at: Date;
}

/** Somebody has left an address, or can no longer be told from another who takes it. */
export interface Departure extends Place {
  readonly at: Date;
}

/** An address that its identity has left for another: the direct conversation follows. */
export interface Move {
  readonly account: AccountId;
  readonly from: string;
  readonly to: string;
  readonly identity: IdentityId;
}

/** An address that somebody whom we do not know has taken: whoever held it is not there any longer. */
export interface Vacancy extends Place {
  readonly identity: IdentityId;
}

export interface Followed {
  readonly events: NewEvent[];
  /** In the order of the renames. */
  readonly moved: Move[];
  readonly vacated: Vacancy[];
}

/**
 * The name in `Resolved.found`: of whoever held the address at the end of the batch or, given a stable address, of the
 * somebody with both. They differ only where an address changed hands within the batch.
 */
export function partyKey(account: AccountId, address: string, stableAddress?: string): string {
  const key = placeKey({ account, address });
  return stableAddress === undefined ? key : `${key} ${stableAddress}`;
}

const rounds = 5;

/**
 * Who is behind an address (DESIGN.md §7). An address is held by one identity at a time and remembered afterwards. A
 * stable address that the network vouches for decides: it finds somebody again under another transient address, and a
 * transient address that comes with another stable one belongs to somebody else from now on. That nothing is vouched
 * for says nothing. Only a rename that the session witnessed takes an identity from one address to another.
 */
@Injectable()
export class Identities {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly desires: Desires,
  ) {}

  /** Finds or makes the identities of any number of asks in few statements: one where nothing is new. */
  async resolve(sql: Sql, asks: readonly Ask[]): Promise<Resolved> {
    const found = new Map<string, IdentityId>();
    const places = asks.flatMap(placesOf);
    const events = await this.settle(sql, places, (holdings) => {
      const at = new Date(this.clock.now());
      for (const ask of asks) {
        const identity = identityOf(holdings, ask, at);
        const bygone = ask.past === true && ask.stableAddress !== undefined;
        if (ask.name !== undefined && !bygone) holdings.name(identity, ask.name);
        if (!bygone) found.set(partyKey(ask.account, ask.address), identity);
        found.set(partyKey(ask.account, ask.address, ask.stableAddress), identity);
      }
    });
    return { found, events };
  }

  /** Lets known identities follow the renames, in their order. Renames of people who have no identity are ignored. */
  async rename(sql: Sql, changes: readonly Rename[]): Promise<Followed> {
    let moved: Move[] = [];
    let vacated: Vacancy[] = [];
    const places = changes.flatMap((change) => [
      { account: change.account, address: change.from },
      ...placesOf({ ...change.to, account: change.account }),
    ]);
    const events = await this.settle(sql, places, (holdings) => {
      moved = [];
      vacated = [];
      for (const change of changes) {
        const to = { account: change.account, address: change.to.address };
        const before = holdings.holder(to);
        const follower = follow(holdings, change);
        if (before !== undefined && holdings.holder(to) !== before) vacated.push({ ...to, identity: before });
        if (follower === undefined || change.from === to.address) continue;
        moved.push({ account: change.account, from: change.from, to: to.address, identity: follower });
      }
    });
    return { events, moved, vacated };
  }

  /**
   * Takes transient addresses from those who held them: whoever comes under one next is somebody else until the network
   * vouches for more. On the roster stays the address with nobody known behind it.
   */
  async depart(
    sql: Sql,
    departures: readonly Departure[],
  ): Promise<{ readonly events: NewEvent[]; readonly vacated: Vacancy[] }> {
    let vacated: Vacancy[] = [];
    const contacts = new Set((await this.desires.contactsAmong(sql, departures)).map(placeKey));
    const events = await this.settle(sql, departures, (holdings) => {
      vacated = [];
      for (const { account, address, at } of departures) {
        const place = { account, address };
        const holder = holdings.holder(place);
        if (holder === undefined || !holdings.isTransient(place)) continue;
        holdings.take(place, at);
        vacated.push({ ...place, identity: holder });
        if (contacts.has(placeKey(place))) holdings.make(place, 'transient', at);
      }
    });
    return { events, vacated };
  }

  /** Another, stable address of whoever holds this one, where the network has vouched for one. */
  async stableOf(sql: Sql, { account, address }: Place): Promise<string | undefined> {
    const [held] = await readHoldings(sql, [{ account, address }]);
    return held?.stable.find((stable) => stable !== address);
  }

  /** The identities' next version, and the events that tell of it: something about them that is kept elsewhere changed. */
  async touch(sql: Sql, identities: readonly IdentityId[]): Promise<NewEvent[]> {
    const touched = await touchIdentities(sql, identities, new Map());
    return touched.map(({ id, account_id }) => changedEvent(id, account_id));
  }

  /**
   * Gives identities their avatars: files that are held (`holdFiles`), or none.
   * @returns the events for the caller's append, and who has another avatar than before.
   */
  async wear(
    sql: Sql,
    avatars: ReadonlyMap<IdentityId, FileId | null>,
  ): Promise<{ readonly events: NewEvent[]; readonly changed: readonly IdentityId[] }> {
    const changed = await writeAvatars(sql, avatars);
    return {
      events: changed.map(({ id, account_id }) => changedEvent(id, account_id)),
      changed: changed.map(({ id }) => id),
    };
  }

  /** The next version of whoever holds these places now, and the events that tell of it. */
  async touchAt(sql: Sql, places: readonly Place[]): Promise<NewEvent[]> {
    if (places.length === 0) return [];
    const held = await readHoldings(sql, places);
    return await this.touch(sql, [...new Set(held.map(({ identity }) => identity))]);
  }

  /** The identities that hold these addresses now; an address of nobody whom we know is left out. */
  async holders(account: AccountId, addresses: readonly string[]): Promise<Map<string, IdentityId>> {
    if (addresses.length === 0) return new Map();
    const held = await readHoldings(
      this.database,
      addresses.map((address) => ({ account, address })),
    );
    return new Map(held.map((holding) => [holding.address, holding.identity]));
  }

  /** Keeps the latest presence of known identities: one statement for any number. */
  async savePresence(rows: readonly PresenceRow[]): Promise<void> {
    if (rows.length > 0) await writePresence(this.database, rows);
  }

  /**
   * Reads who holds the places, lets `decide` tell what happens, writes it. Another transaction may have come first to
   * an address: its unique row makes us wait for that one's commit, and what it did is read in another round.
   */
  private async settle(
    sql: Sql,
    places: readonly Place[],
    decide: (holdings: Holdings) => void,
  ): Promise<NewEvent[]> {
    const distinct = [...new Map(places.map((place) => [placeKey(place), place])).values()];
    if (distinct.length === 0) return [];
    const made = new Map<IdentityId, AccountId>();
    const changed = new Set<IdentityId>();
    const names = new Map<IdentityId, string>();
    for (let round = 0; round < rounds; round++) {
      const holdings = new Holdings(await readHoldings(sql, distinct));
      decide(holdings);
      const written = await writeHoldings(sql, holdings);
      for (const [identity, making] of holdings.makings) {
        if (written.made.has(identity)) made.set(identity, making.account);
      }
      for (const identity of holdings.changed) if (!holdings.makings.has(identity)) changed.add(identity);
      for (const [identity, name] of holdings.names) names.set(identity, name);
      if (!written.settled) continue;
      const touched = await touchIdentities(sql, [...changed], names);
      return [
        ...[...made].map(([identity, account]) => changedEvent(identity, account)),
        ...touched
          .filter(({ id }) => !made.has(id))
          .map(({ id, account_id }) => changedEvent(id, account_id)),
      ];
    }
    throw new Error('identities: other transactions kept coming first');
  }
}

function placesOf(ask: Ask): Place[] {
  const place = { account: ask.account, address: ask.address };
  const stable = stablePlaceOf(ask);
  return stable === undefined ? [place] : [place, stable];
}

/** Where the network says a stable address of an asked one is; a stable address is its own. */
function stablePlaceOf(ask: Ask): Place | undefined {
  if (ask.kind === 'stable' || ask.stableAddress === undefined) return undefined;
  return { account: ask.account, address: ask.stableAddress };
}

function identityOf(holdings: Holdings, ask: Ask, at: Date): IdentityId {
  const place = { account: ask.account, address: ask.address };
  const stable = stablePlaceOf(ask);
  const holder = holdings.holder(place);
  if (stable === undefined) return holder ?? holdings.make(place, ask.kind, at);
  let identity = holdings.holder(stable);
  if (ask.past === true) return identity ?? holdings.make(stable, 'stable', at);
  if (identity === undefined) {
    if (holder !== undefined && !holdings.isSomebodyElse(holder, stable.address)) {
      identity = holder;
      holdings.give(identity, stable, 'stable', at);
    } else {
      identity = holdings.make(stable, 'stable', at);
    }
  }
  holdings.give(identity, place, ask.kind, at);
  return identity;
}

/** @returns who follows, where we know them. */
function follow(holdings: Holdings, change: Rename): IdentityId | undefined {
  const from = { account: change.account, address: change.from };
  const to = { account: change.account, address: change.to.address };
  const identity = holdings.holder(from);
  if (identity === undefined) {
    if (from.address !== to.address) holdings.take(to, change.at);
    return undefined;
  }
  if (change.to.name !== undefined) holdings.name(identity, change.to.name);
  const stable = stablePlaceOf({ ...change.to, account: change.account });
  if (
    stable !== undefined &&
    holdings.holder(stable) === undefined &&
    !holdings.isSomebodyElse(identity, stable.address)
  ) {
    holdings.give(identity, stable, 'stable', change.at);
  }
  if (from.address !== to.address) {
    holdings.take(from, change.at);
    holdings.give(identity, to, change.to.kind, change.at);
  }
  return identity;
}

function changedEvent(identity: IdentityId, account: AccountId): NewEvent {
  return {
    id: newId(),
    type: 'identity.changed',
    audience: { kind: 'account', account },
    subject: identity,
    data: { identity },
  };
}
