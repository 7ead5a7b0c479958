import type {
  AccountId,
  AddressKind,
  Attachment,
  CallId,
  CallLegs,
  CallState,
  ConversationKind,
  Failure,
  MessageContent,
  Mode,
  Origin,
  Subscription,
} from '#model';
import type { JsonObject, JsonValue } from './connector.js';

/**
 * A message's id on its network. `scope` is where it is unique (a server, a room's archive, an account).
 * `network`: assigned by the network, unique, trusted for dropping duplicates. `sender`: chosen by whoever sent it, so
 * it counts only together with the author and equal content. Scope and id together are at most `mostIdBytes` of UTF-8.
 */
export interface RemoteId {
  readonly scope: string;
  readonly id: string;
  readonly by: 'network' | 'sender';
}

/** Scope and id of a remote id together, in bytes of UTF-8: what an index can hold. A longer one is no id to the house. */
export const mostIdBytes = 2_000;

/** Further ids that one message may bear. */
export const mostOtherIds = 8;

/** All ids that a message, or a part of ours, is known to bear on its network; the first is the one to show. */
export function idsOf(bearer: {
  readonly remoteId?: RemoteId;
  readonly otherIds?: readonly RemoteId[];
}): readonly RemoteId[] {
  const { remoteId, otherIds = [] } = bearer;
  return remoteId ? [remoteId, ...otherIds] : otherIds;
}

/** Who an event is from, as this account knows them. */
export interface InboundParty {
  readonly address: string;
  readonly kind: AddressKind;
  /** The name they show, where it differs from the address. */
  readonly name?: string;
  /** A stable address for the same somebody, where the network vouches for it (a services account). */
  readonly stableAddress?: string;
}

interface InboundBase {
  readonly account: AccountId;
}

interface InConversation extends InboundBase {
  readonly conversation: string;
  readonly conversationKind: ConversationKind;
}

/** Something was said. With `origin` own and a `wireId` it is an echo: it completes its envelope and is never stored twice. */
export interface InboundMessage extends InConversation {
  readonly type: 'message';
  readonly author: InboundParty;
  readonly content: MessageContent;
  readonly origin: Origin;
  readonly mode: Mode;
  /** The network's own time; the time of arrival where it has none. */
  readonly at: Date;
  readonly remoteId?: RemoteId;
  /**
   * Further ids of the same message, at most `mostOtherIds` (its sender's beside an archive's): whatever speaks of it may
   * name it by any of them. A duplicate by any is a duplicate, and teaches the stored message the ids that it lacked. Only
   * where the network has given both an id in one scope, and not the same, are they two, whatever their senders say.
   */
  readonly otherIds?: readonly RemoteId[];
  readonly wireId?: string;
  /** What it answers, by any of its ids; by one that a sender chose only where no other message bears it. */
  readonly replyTo?: RemoteId;
  /** Its author says with it whether they want to be written to, as the network’s law has words for it. */
  readonly consent?: Consent;
  /** In how many parts it came, where the network counts them. */
  readonly parts?: number;
  /** What prices go by, as in an `Assessment`: the number that it came from, as digits. */
  readonly pricedBy?: string;
}

/**
 * `out`: they are not to be written to any more. `in`: they may be again. `help`: they ask what this is. The house obeys
 * in the transaction that stores the message, before anything else, and answers once.
 */
export interface Consent {
  readonly act: 'out' | 'in' | 'help';
  /** What they are answered, as the law demands it; it goes also to somebody who has just asked for no more. */
  readonly answer?: string;
}

/** An earlier message was corrected, taken back or reacted to. */
export interface InboundChange extends InConversation {
  readonly type: 'edit' | 'retraction' | 'reaction';
  readonly author: InboundParty;
  /**
   * What it is about, by any of its ids. By an id that a sender chose, an edit or retraction finds the latest message of
   * its author that bears it; a reaction, and whatever the network vouches for, what alone bears it in the conversation.
   */
  readonly target: RemoteId;
  readonly origin: Origin;
  readonly mode: Mode;
  readonly at: Date;
  /**
   * The network itself let it happen and stands for it (a moderator's act, a server's): it counts whoever the author of
   * the message is. Without it only the author's own word counts.
   */
  readonly vouched?: boolean;
  /** The new content of an edit. */
  readonly content?: MessageContent;
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
  /** All that they react with from now on, where the network tells it so, in place of `reaction`: any other is taken back. */
  readonly reactions?: readonly string[];
  readonly wireId?: string;
}

/**
 * By an id of the network's; or, where the network may write one id in several ways, by `otherIds`: the first that is
 * known counts.
 */
export interface NamedById {
  readonly remoteId: RemoteId;
  readonly otherIds?: readonly RemoteId[];
}

/** What the network says of an envelope's fate. By wire id where it carries ours, else by its own id. */
export interface InboundReceipt extends InboundBase {
  readonly type: 'receipt';
  readonly about: { readonly wireId: string } | NamedById;
  readonly state: 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
  /** Ids of the part, learnt now. */
  readonly remoteId?: RemoteId;
  readonly otherIds?: readonly RemoteId[];
  readonly failure?: Failure;
  readonly at: Date;
}

/** A room was entered, left or changed; or could not be entered (`failure`). */
export interface InboundRoom extends InConversation {
  readonly type: 'room';
  readonly joined?: boolean;
  readonly topic?: string;
  readonly name?: string;
  readonly failure?: Failure;
  /** Who did it, where it was somebody's act (a kick, a new topic). It is then told in the conversation. */
  readonly by?: InboundParty;
  readonly act?: 'topic' | 'kick' | 'ban' | 'mode' | 'invite';
  /**
   * Whether the person wants to be in it, as they have said on another of their devices and the network keeps for all of
   * them (bookmarks): the house's own wishes follow, and the session may act on it at once.
   */
  readonly wanted?: false | { readonly options: JsonObject };
  readonly detail?: string;
  readonly at: Date;
}

/** Something was learnt about somebody. `formerly` only for a rename that the session itself witnessed. */
export interface InboundIdentity extends InboundBase {
  readonly type: 'identity';
  readonly party: InboundParty;
  readonly formerly?: string;
  /**
   * What they look like from now on: a file that the house has taken in (`files.receive`) and keeps as long as it is
   * theirs; null where they show nothing any more.
   */
  readonly avatar?: Attachment | null;
  readonly at: Date;
}

/**
 * What the network's own roster says of somebody now (`keeps-roster`): all of it, each time. Of whom it says nothing is
 * neither on it nor asks.
 */
export interface InboundContact extends InboundBase {
  readonly type: 'contact';
  readonly party: InboundParty;
  /** Whether they are on it. Somebody who only asks is not; without either, nothing is left of them there. */
  readonly listed: boolean;
  /** What our person calls them there. */
  readonly name?: string;
  readonly groups: readonly string[];
  readonly subscription: Subscription;
  /** They ask to see our person's presence, and wait for an answer. */
  readonly asks: boolean;
  /** We asked to see theirs, and wait for an answer. */
  readonly awaited: boolean;
  readonly at: Date;
}

/** Our person has read up to a moment of the network's time, on another device. Marks move forward only. */
export interface InboundRead extends InboundBase {
  readonly type: 'read';
  readonly conversation: string;
  /** The network's time, or the last message that was read: then it counts where that is here. */
  readonly upTo: Date | RemoteId;
}

/**
 * Somebody has left an address, and the session saw it or can no longer tell: whoever comes under it next may be
 * somebody else, so what was begun with the one never goes on with the other. Told only of transient addresses; where
 * nobody is known to hold it, nothing happens. A rename that the session witnessed is no departure.
 */
export interface InboundDeparture extends InboundBase {
  readonly type: 'departure';
  readonly address: string;
  readonly at: Date;
}

/** A call by the id that the house gave it, or by the network's: unique in the account, at most `mostIdBytes` of UTF-8. */
export type CallName = { readonly placed: CallId } | { readonly remoteId: string };

/**
 * How a call stands now: one that rings here, one that our person makes on a device of theirs, or one that we place. Told
 * at every change; the same said again does no harm. Of a call that is over nothing more is heard. `failure` says why it
 * came to nothing, where that is known.
 */
export interface InboundCall extends InConversation {
  readonly type: 'call';
  readonly call: CallName;
  /** Who called: `in` they did, `out` our person. */
  readonly direction: 'in' | 'out';
  /** The other end. */
  readonly party: InboundParty;
  readonly state: CallState;
  /** Both ends, of a call that we place. */
  readonly legs?: CallLegs;
  readonly failure?: Failure;
  readonly at: Date;
}

/** A stretch of time of which we know nothing and never will: a stored row, so that people see it. */
export interface InboundGap extends InboundBase {
  readonly type: 'gap';
  readonly conversation?: string;
  readonly from: Date;
  readonly until: Date;
  readonly reason: string;
}

export type InboundEvent =
  | InboundMessage
  | InboundChange
  | InboundReceipt
  | InboundRoom
  | InboundIdentity
  | InboundContact
  | InboundDeparture
  | InboundRead
  | InboundCall
  | InboundGap;

/** What goes in together: one transaction. */
export interface InboundBatch {
  readonly events: readonly InboundEvent[];
  /** A connector's own durable notes; null deletes. At most 64 KiB each. */
  readonly keyValues?: readonly {
    readonly account: AccountId;
    readonly key: string;
    readonly value: JsonValue | null;
  }[];
  /** How far a network's history has been taken in; stored as a key-value in the same transaction. */
  readonly checkpoint?: { readonly account: AccountId; readonly key: string; readonly value: JsonValue };
}

/**
 * What became of one event.
 * `stored` and `duplicate` may be acknowledged. `refused`: it will never be stored, say so to the peer where it can be
 * told. `not-stored`: nothing was kept, try again. `in-doubt`: the database did not say; stay silent and let the peer
 * redeliver. `fenced`: another worker holds the link: close and acknowledge nothing.
 *
 * Order is kept over failures: what was emitted while a batch was outstanding that ends in `not-stored` ends so too, for
 * stored before it, it would stand in the wrong place. A session offers them all again, in the old order.
 */
export type EmitOutcome =
  | { readonly outcome: 'stored' | 'duplicate' | 'in-doubt' | 'fenced' }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'not-stored'; readonly retryAfterMs: number };
