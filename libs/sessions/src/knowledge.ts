import type { AccountId, ConversationId, IdentityId } from '#model';

/** Enough for every author and place that is busy at a time; some 150 bytes each. */
const MOST = 50_000;

/** What somebody was known as when we last looked. */
export interface KnownParty {
  readonly identity: IdentityId;
  readonly name: string | undefined;
  readonly stableAddress: string | undefined;
}

/**
 * What taking in has learnt about addresses and may skip asking again. Only the holder of a link writes about its
 * accounts' people, so this stays true while the lease lasts; what people do to conversations is found out under their
 * lock, and then forgotten here.
 */
export class Knowledge {
  private readonly parties = new Map<string, KnownParty>();
  private readonly places = new Map<string, ConversationId>();

  party(account: AccountId, address: string): KnownParty | undefined {
    return this.parties.get(key(account, address));
  }

  place(account: AccountId, address: string): ConversationId | undefined {
    return this.places.get(key(account, address));
  }

  learn(
    parties: Iterable<readonly [AccountId, string, KnownParty]>,
    places: Iterable<readonly [AccountId, string, ConversationId]>,
  ): void {
    for (const [account, address, party] of parties) this.parties.set(key(account, address), party);
    for (const [account, address, conversation] of places)
      this.places.set(key(account, address), conversation);
    trim(this.parties);
    trim(this.places);
  }

  /** Forgets all about some accounts: their link went, or people acted on them. */
  forget(accounts: ReadonlySet<AccountId>): void {
    for (const known of [this.parties, this.places]) {
      for (const entry of known.keys())
        if (accounts.has(entry.slice(0, 36) as AccountId)) known.delete(entry);
    }
  }
}

function key(account: AccountId, address: string): string {
  return `${account} ${address}`;
}

function trim(known: Map<string, unknown>): void {
  for (const oldest of known.keys()) {
    if (known.size <= MOST) return;
    known.delete(oldest);
  }
}
