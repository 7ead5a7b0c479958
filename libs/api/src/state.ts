import {
  isOver,
  type AccountId,
  type CallId,
  type ConversationId,
  type IdentityId,
  type MessageId,
  type PersonId,
} from '#model';
import { compareCursors } from './order.js';
import { maxUnread } from './values.js';
import type { Account } from './shapes/accounts.js';
import type { Call } from './shapes/calls.js';
import type { Conversation, Identity, Mark, MyConversation } from './shapes/conversations.js';
import type { EventBody, EventFrame, Snapshot } from './shapes/events.js';
import type { Author, Envelope, EnvelopeSummary, Message } from './shapes/messages.js';

/*
 * What a client knows, and how it follows the log. The apply law (DESIGN.md §4): a snapshot with the events since its
 * cursor applied equals a fresh snapshot.
 *
 * Two things make that harder than it sounds. An event is rendered when it is read, so it carries its entities as they
 * are then; and a snapshot reads its cursor first and its entities later, so they may be newer than the cursor. Both
 * mean that the same change arrives twice, or late. Hence: entities carry versions, and what is not newer changes
 * nothing; unread is a count and has no version of its own, so a mark says up to which cursor it has counted.
 *
 * It holds an inbox, not a history: of each conversation the last message, and the calls that go on.
 */
export interface InboxState {
  /** The last event that has been taken in. */
  readonly cursor: string;
  /** Whose inbox it is. */
  readonly person: PersonId;
  readonly accounts: ReadonlyMap<AccountId, Account>;
  readonly conversations: ReadonlyMap<ConversationId, Conversation>;
  readonly marks: ReadonlyMap<ConversationId, Mark>;
  readonly lastMessages: ReadonlyMap<ConversationId, Message>;
  readonly identities: ReadonlyMap<IdentityId, Identity>;
  /** Those that are not over. */
  readonly calls: ReadonlyMap<CallId, Call>;
}

interface Draft {
  readonly accounts: Map<AccountId, Account>;
  readonly conversations: Map<ConversationId, Conversation>;
  readonly marks: Map<ConversationId, Mark>;
  readonly lastMessages: Map<ConversationId, Message>;
  readonly identities: Map<IdentityId, Identity>;
  readonly calls: Map<CallId, Call>;
}

/** The state that the pages of one snapshot say. */
export function stateOf(pages: readonly [Snapshot, ...Snapshot[]]): InboxState {
  const [first] = pages;
  const draft = draftOf();
  for (const page of pages) {
    for (const account of page.accounts) keepNewer(draft.accounts, account);
    for (const call of page.calls) takeCall(draft, call);
    for (const { mine, lastMessage, ...conversation } of page.conversations) {
      takeConversation(draft, conversation);
      draft.marks.set(conversation.id, mine);
      if (lastMessage) draft.lastMessages.set(conversation.id, lastMessage);
    }
  }
  return { cursor: first.cursor, person: first.person, ...draft };
}

/** The state after some more events, in their order. The state that is given stays as it was. */
export function apply(state: InboxState, frames: readonly EventFrame[]): InboxState {
  if (frames.length === 0) return state;
  const draft = draftOf(state);
  let cursor = state.cursor;
  for (const frame of frames) {
    if (compareCursors(frame.cursor, cursor) <= 0) continue;
    cursor = frame.cursor;
    applyOne(draft, frame, state.person);
  }
  return { cursor, person: state.person, ...draft };
}

/** A state as a snapshot would say it: for comparing, and for pages that show an inbox. Sorted by id. */
export function inboxOf(state: InboxState): Pick<Snapshot, 'accounts' | 'conversations' | 'calls'> {
  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
  const known = (identity: Identity): Identity => state.identities.get(identity.id) ?? identity;
  return {
    accounts: [...state.accounts.values()].sort(byId),
    conversations: [...state.conversations.values()].sort(byId).map((conversation): MyConversation => {
      const last = state.lastMessages.get(conversation.id);
      return {
        ...conversation,
        peer: conversation.peer && known(conversation.peer),
        mine: state.marks.get(conversation.id) ?? emptyMark(conversation.id),
        lastMessage: last ? withAuthor(last, state.identities) : null,
      };
    }),
    calls: [...state.calls.values()]
      .sort(byId)
      .map((call) => ({ ...call, peer: call.peer && asKnown(call.peer, state.identities) })),
  };
}

/** Whether a message counts as unread for those who did not send it. History never does. */
export function countsAsUnread(message: Pick<Message, 'origin' | 'mode' | 'kind'>): boolean {
  return message.origin === 'remote' && message.mode !== 'history' && message.kind === 'message';
}

function draftOf(state?: InboxState): Draft {
  return {
    accounts: new Map(state?.accounts),
    conversations: new Map(state?.conversations),
    marks: new Map(state?.marks),
    lastMessages: new Map(state?.lastMessages),
    identities: new Map(state?.identities),
    calls: new Map(state?.calls),
  };
}

function applyOne(draft: Draft, { cursor, event }: EventFrame, me: PersonId): void {
  if (event.type === 'account.removed') removeAccount(draft, event.subject as AccountId);
  if (event.type === 'conversation.removed') removeConversation(draft, event.subject as ConversationId);
  if (event.data.hidden !== undefined) hide(draft, event.data.hidden);
  takeEntities(draft, event.data);
  if (event.type === 'message.created' && event.data.message) {
    count(draft, event.data.message, cursor, me);
  }
}

/** Everything that an event carries, whatever its type: the newest of each stays. */
function takeEntities(draft: Draft, data: EventBody): void {
  if (data.account) keepNewer(draft.accounts, data.account);
  if (data.identity) keepNewer(draft.identities, data.identity);
  if (data.conversation) takeConversation(draft, data.conversation);
  if (data.mark) takeMark(draft, data.mark);
  if (data.message) takeMessage(draft, data.message);
  if (data.envelope) takeEnvelope(draft, data.envelope);
  if (data.call) takeCall(draft, data.call);
}

function keepNewer<I, E extends { readonly id: I; readonly version: number }>(
  map: Map<I, E>,
  entity: E,
): void {
  const known = map.get(entity.id);
  if (!known || known.version < entity.version) map.set(entity.id, entity);
}

/** What is over has gone from the state: an event shows a call as it is now, so no later one brings it back. */
function takeCall(draft: Draft, call: Call): void {
  if (isOver(call.state)) draft.calls.delete(call.id);
  else keepNewer(draft.calls, call);
}

function takeConversation(draft: Draft, conversation: Conversation): void {
  keepNewer(draft.conversations, conversation);
  // The peer has a version of its own: it may be newer in an older conversation.
  if (conversation.peer) keepNewer(draft.identities, conversation.peer);
}

function takeMark(draft: Draft, mark: Mark): void {
  const known = draft.marks.get(mark.conversation);
  if (!known || known.version < mark.version) draft.marks.set(mark.conversation, mark);
}

function takeMessage(draft: Draft, message: Message): void {
  const known = draft.lastMessages.get(message.conversation);
  if (!known || known.position < message.position) {
    draft.lastMessages.set(message.conversation, message);
  } else if (known.id === message.id) {
    const newest = known.version < message.version ? message : known;
    const envelopes = newestOf([...known.envelopes, ...message.envelopes]);
    draft.lastMessages.set(message.conversation, { ...newest, envelopes });
  }
}

function takeEnvelope(draft: Draft, envelope: Envelope): void {
  const message = draft.lastMessages.get(envelope.conversation);
  if (message?.id !== envelope.message) return;
  const { id, kind, state, waitsFor, failure, version } = envelope;
  const envelopes = newestOf([...message.envelopes, { id, kind, state, waitsFor, failure, version }]);
  draft.lastMessages.set(envelope.conversation, { ...message, envelopes });
}

/** Each envelope once, in its newest version, in the order of their making. */
function newestOf(envelopes: readonly EnvelopeSummary[]): EnvelopeSummary[] {
  const newest = new Map<string, EnvelopeSummary>();
  for (const envelope of envelopes) keepNewer(newest, envelope);
  return [...newest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * A new message counts once: what the mark has counted already is known by its cursor. My own moves my mark, which has
 * no event of its own then.
 */
function count(draft: Draft, message: Message, cursor: string, me: PersonId): void {
  if (message.mode === 'history') return;
  const mark = draft.marks.get(message.conversation) ?? emptyMark(message.conversation);
  if (!later(cursor, mark.countedTo)) return;
  const unread = Math.min(mark.unread + (countsAsUnread(message) ? 1 : 0), maxUnread);
  draft.marks.set(message.conversation, {
    ...mark,
    ...(message.person === me ? { readMark: cursor, unread: 0 } : { unread }),
    countedTo: cursor,
  });
}

function later(a: string | null, b: string | null): boolean {
  return a !== null && (b === null || compareCursors(a, b) > 0);
}

/** I hid it: if it was the last of its conversation, the event brings the one that is now. */
function hide(draft: Draft, id: MessageId): void {
  for (const message of draft.lastMessages.values()) {
    if (message.id === id) draft.lastMessages.delete(message.conversation);
  }
}

function emptyMark(conversation: ConversationId): Mark {
  return {
    conversation,
    readMark: null,
    unread: 0,
    countedTo: null,
    draft: null,
    muted: false,
    pinned: false,
    version: 0,
  };
}

/** A message's author by the newest name that is known. */
function withAuthor(message: Message, identities: ReadonlyMap<IdentityId, Identity>): Message {
  const { author } = message;
  return author ? { ...message, author: asKnown(author, identities) } : message;
}

function asKnown(author: Author, identities: ReadonlyMap<IdentityId, Identity>): Author {
  const identity = identities.get(author.identity);
  if (!identity || identity.version <= author.version) return author;
  return {
    ...author,
    name: identity.name,
    address: identity.addresses[0]?.address ?? author.address,
    version: identity.version,
  };
}

function removeConversation(draft: Draft, id: ConversationId): void {
  draft.conversations.delete(id);
  draft.marks.delete(id);
  draft.lastMessages.delete(id);
}

function removeAccount(draft: Draft, id: AccountId): void {
  draft.accounts.delete(id);
  for (const conversation of draft.conversations.values()) {
    if (conversation.account === id) removeConversation(draft, conversation.id);
  }
  for (const identity of draft.identities.values()) {
    if (identity.account === id) draft.identities.delete(identity.id);
  }
  for (const call of draft.calls.values()) if (call.account === id) draft.calls.delete(call.id);
}
