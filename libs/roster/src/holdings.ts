import { newId, type AccountId, type AddressKind, type IdentityId } from '#model';

/** One address of one account's network. */
export interface Place {
  readonly account: AccountId;
  readonly address: string;
}

/** The name of a place in a map. An account's id holds no space, so that no two places share a name. */
export function placeKey({ account, address }: Place): string {
  return `${account} ${address}`;
}

/** An identity that holds an address now, as the tables have it. */
export interface Holding extends Place {
  readonly kind: AddressKind;
  readonly identity: IdentityId;
  /** Every stable address of the identity. */
  readonly stable: readonly string[];
  readonly name: string | undefined;
}

/** An address row to be written. `until`: opened and closed again within one batch. */
export interface Opening extends Place {
  readonly kind: AddressKind;
  readonly identity: IdentityId;
  readonly from: Date;
  until?: Date;
}

export interface Closing extends Place {
  readonly identity: IdentityId;
  readonly until: Date;
}

/** An identity to be made. Its first address decides a race with another transaction that makes the same somebody. */
export interface Making {
  readonly identity: IdentityId;
  readonly account: AccountId;
  readonly anchor: Opening;
}

interface Somebody {
  readonly identity: IdentityId;
  readonly stable: Set<string>;
  name: string | undefined;
}

/**
 * Who holds which address, followed in memory through one batch: asks and renames are told in their order, and what
 * has to be written comes out at the end. So a batch costs the same few statements however much happens in it.
 */
export class Holdings {
  readonly #people = new Map<IdentityId, Somebody>();
  readonly #holders = new Map<string, Somebody>();
  readonly #transient = new Set<string>();
  readonly #opened = new Map<string, Opening>();
  readonly openings: Opening[] = [];
  readonly closings: Closing[] = [];
  readonly makings = new Map<IdentityId, Making>();
  readonly names = new Map<IdentityId, string>();
  /** Identities that are other than they were, new ones included. */
  readonly changed = new Set<IdentityId>();

  constructor(holdings: readonly Holding[]) {
    for (const holding of holdings) {
      let somebody = this.#people.get(holding.identity);
      if (somebody === undefined) {
        somebody = { identity: holding.identity, stable: new Set(holding.stable), name: holding.name };
        this.#people.set(holding.identity, somebody);
      }
      this.#holders.set(placeKey(holding), somebody);
      if (holding.kind === 'transient') this.#transient.add(placeKey(holding));
    }
  }

  /** Whether somebody holds the address, and only for as long as they are there. */
  isTransient(place: Place): boolean {
    const key = placeKey(place);
    return this.#holders.has(key) && this.#transient.has(key);
  }

  holder(place: Place): IdentityId | undefined {
    return this.#holders.get(placeKey(place))?.identity;
  }

  /** Whether the identity is known by a stable address, and this is none of them. */
  isSomebodyElse(identity: IdentityId, stableAddress: string): boolean {
    const stable = this.#person(identity).stable;
    return stable.size > 0 && !stable.has(stableAddress);
  }

  /** A new somebody, first seen at this address, which nobody holds. */
  make(place: Place, kind: AddressKind, at: Date): IdentityId {
    const identity = newId<'IdentityId'>();
    this.#people.set(identity, { identity, stable: new Set(), name: undefined });
    const anchor = this.#open(identity, place, kind, at);
    this.makings.set(identity, { identity, account: place.account, anchor });
    return identity;
  }

  /** The identity holds the address from now on; whoever held it does so no longer. */
  give(identity: IdentityId, place: Place, kind: AddressKind, at: Date): void {
    if (this.holder(place) === identity) return;
    this.take(place, at);
    this.#open(identity, place, kind, at);
  }

  /** Nobody holds the address any longer. */
  take(place: Place, at: Date): void {
    const key = placeKey(place);
    const holder = this.#holders.get(key);
    if (holder === undefined) return;
    this.#holders.delete(key);
    holder.stable.delete(place.address);
    this.changed.add(holder.identity);
    const opened = this.#opened.get(key);
    if (opened !== undefined) {
      opened.until = at;
      this.#opened.delete(key);
      return;
    }
    this.closings.push({ ...place, identity: holder.identity, until: at });
  }

  name(identity: IdentityId, name: string): void {
    const somebody = this.#person(identity);
    if (somebody.name === name) return;
    somebody.name = name;
    this.names.set(identity, name);
    this.changed.add(identity);
  }

  #open(identity: IdentityId, place: Place, kind: AddressKind, from: Date): Opening {
    const somebody = this.#person(identity);
    const opening: Opening = { account: place.account, address: place.address, kind, identity, from };
    this.openings.push(opening);
    this.#opened.set(placeKey(place), opening);
    this.#holders.set(placeKey(place), somebody);
    if (kind === 'stable') somebody.stable.add(place.address);
    if (kind === 'transient') this.#transient.add(placeKey(place));
    else this.#transient.delete(placeKey(place));
    this.changed.add(identity);
    return opening;
  }

  #person(identity: IdentityId): Somebody {
    const somebody = this.#people.get(identity);
    if (somebody === undefined) throw new Error(`no such identity in this batch: ${identity}`);
    return somebody;
  }
}
