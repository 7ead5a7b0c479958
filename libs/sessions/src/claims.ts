import { remoteKey, type Holder, type RemoteIdRow } from '#conversations';
import type { AccountId, MessageId } from '#model';

interface Claim {
  readonly message: MessageId;
  readonly keys: string[];
  /** The ids that the network gave it, by their scope. */
  readonly names: Map<string, string>;
}

/**
 * Which of the messages of one transaction are there already, or twice among themselves (DESIGN.md §6). A message that
 * bears several ids is a duplicate by any of them: by one that the network gave, and by one that its sender chose unless
 * the network tells the two apart, having given both an id in one scope and not the same.
 */
export class Claims {
  private readonly byKey = new Map<string, { readonly row: RemoteIdRow; readonly claim: Claim }>();
  private readonly claims: Claim[] = [];

  /**
   * Claims ids for a message, in the order of the transaction. False: it is a message that was added before, which bears
   * its ids from now on.
   */
  add(
    message: MessageId,
    account: AccountId,
    ids: readonly { readonly scope: string; readonly id: string; readonly author: string }[],
  ): boolean {
    const named = ids.filter(({ author }) => author === '');
    const keyed = ids.map((id) => ({ ...id, key: remoteKey(account, id.scope, id.id, id.author) }));
    const [before] = keyed.flatMap(({ key, author }) => {
      const claim = this.byKey.get(key)?.claim;
      return claim && (author === '' || !toldApart(claim.names, named)) ? [claim] : [];
    });
    const claim = before ?? { message, keys: [], names: new Map<string, string>() };
    if (!before) this.claims.push(claim);
    for (const { scope, id } of named) claim.names.set(scope, id);
    for (const { key, ...id } of keyed) {
      if (this.byKey.has(key)) continue;
      claim.keys.push(key);
      this.byKey.set(key, { row: { account, ...id, message: claim.message, part: 0 }, claim });
    }
    return before === undefined;
  }

  rows(): RemoteIdRow[] {
    return [...this.byKey.values()].map(({ row }) => row);
  }

  /** The messages that hold ids which senders chose, and of which the network may say that they are others. */
  doubtful(held: ReadonlyMap<string, Holder>): MessageId[] {
    const doubtful = this.claims.flatMap((claim) =>
      claim.names.size > 0 ? this.holders(claim, held).filter(({ bySender }) => bySender) : [],
    );
    return [...new Set(doubtful.map(({ holder }) => holder.message))];
  }

  /**
   * The duplicates, each with what it is a duplicate of.
   * @param held who holds each id, by its key
   * @param names the network's ids of the `doubtful`
   */
  duplicates(
    held: ReadonlyMap<string, Holder>,
    names: ReadonlyMap<MessageId, ReadonlyMap<string, string>>,
  ): Map<MessageId, Holder> {
    const duplicates = new Map<MessageId, Holder>();
    for (const claim of this.claims) {
      const given = [...claim.names].map(([scope, id]) => ({ scope, id }));
      const found = this.holders(claim, held);
      const holder =
        found.find(({ bySender }) => !bySender) ??
        found.find(({ holder: { message } }) => !toldApart(names.get(message), given));
      if (holder) duplicates.set(claim.message, holder.holder);
    }
    return duplicates;
  }

  /** The other messages that hold ids of this one. */
  private holders(claim: Claim, held: ReadonlyMap<string, Holder>) {
    return claim.keys.flatMap((key) => {
      const holder = held.get(key);
      if (!holder || holder.message === claim.message) return [];
      return [{ holder, bySender: this.byKey.get(key)?.row.author !== '' }];
    });
  }
}

/** Whether the network has given both an id in one scope, and not the same. */
function toldApart(
  names: ReadonlyMap<string, string> | undefined,
  given: readonly { readonly scope: string; readonly id: string }[],
): boolean {
  return given.some(({ scope, id }) => (names?.get(scope) ?? id) !== id);
}
