import type { ConnectorDescription } from '#connector';
import type {
  AccountId,
  ConversationId,
  ConversationKind,
  EventId,
  IdentityId,
  MessageContent,
  MessageId,
  Mode,
  Origin,
  PersonId,
} from '#model';

/** A place where something was said or will be, as a session or a caller names it. */
export interface ConversationAsk {
  readonly account: AccountId;
  readonly kind: ConversationKind;
  readonly address: string;
  /** The peer of a direct conversation, where known. */
  readonly identity?: IdentityId;
  /** A room that nobody joins (its network has no such thing): we are in it as soon as it is known. */
  readonly standing?: boolean;
}

/** What is to be known of a new conversation from its network's description: whether a room of it has to be joined. */
export function standsBy(
  { abilities }: Pick<ConnectorDescription, 'abilities'>,
  kind: ConversationKind,
): { readonly standing?: true } {
  return kind === 'room' && !abilities.includes('has-rooms') ? { standing: true } : {};
}

/** One key for (account, address): for maps only. */
export function conversationKey(account: AccountId, address: string): string {
  return `${account} ${address}`;
}

/** A conversation as the hot path sees it, locked until the transaction ends. */
export interface LockedConversation {
  readonly id: ConversationId;
  readonly account: AccountId;
  readonly kind: ConversationKind;
  readonly address: string;
  /** Whether the address still leads here. */
  readonly held: boolean;
  /** Whether it was left or closed. */
  readonly left: boolean;
  /** Whether it is open again when something is said in it: a direct conversation, or a room that nobody joins. */
  readonly reopens: boolean;
  /** Of the last live message, in microseconds since 1970. */
  readonly lastPosition: bigint;
}

/** A message about to be stored. Its `message.created` event carries the same id as `subject`. */
export interface NewMessage {
  readonly id: MessageId;
  readonly event: EventId;
  readonly account: AccountId;
  readonly conversation: ConversationId;
  /** Microseconds since 1970, see `Positions`. */
  readonly position: number;
  /** The identity who spoke; absent for ourselves. */
  readonly author?: IdentityId;
  /** The person who sent it through Parley. */
  readonly person?: PersonId;
  readonly origin: Origin;
  readonly mode: Mode;
  /** `message`, or the act that a room tells of. */
  readonly kind: string;
  readonly content: MessageContent;
  readonly at: Date;
}

/** What the text of a position can hold (56 bits); some two thousand years from now. */
const LATEST = 2 ** 53 - 1;

/**
 * Display order (DESIGN.md §5): the network's time, clamped to monotonic within live traffic, then the order of arrival.
 * Backfilled history keeps its own time and never moves the clamp. One instance per transaction, over locked conversations.
 */
export class Positions {
  private readonly last = new Map<ConversationId, number>();

  constructor(locked: Iterable<LockedConversation>) {
    for (const conversation of locked) this.last.set(conversation.id, Number(conversation.lastPosition));
  }

  /** The position of the next message of a conversation, in microseconds since 1970. */
  next(conversation: ConversationId, at: Date, mode: Mode): number {
    const time = Math.min(Math.max(0, at.getTime() * 1_000), LATEST);
    if (mode !== 'live') return time;
    const position = Math.max(time, this.last.get(conversation) ?? 0);
    this.last.set(conversation, position);
    return position;
  }
}

/**
 * Positions of what an archive gave, page by page backwards: each at its own time, and before what follows it. Times alone
 * would not do: many messages share a second in some archives, and the older page is numbered later.
 * @param times oldest first
 * @param below the position of the message that the last of them stands before
 */
export function positionsBefore(times: readonly Date[], below: number): number[] {
  let ceiling = below;
  return times
    .toReversed()
    .map((at) => {
      const time = at.getTime() * 1_000;
      ceiling = Math.max(0, time < ceiling ? time : ceiling - 1);
      return ceiling;
    })
    .toReversed();
}
