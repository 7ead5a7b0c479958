import type { AccountId, ConversationId, EventId, FanOutId, MessageId, PersonId } from '#model';
import { z } from 'zod';
import { EventTypeWord, ResetReason } from '../words.js';
import { Cursor, idOf, Next, Time } from '../values.js';
import { Account } from './accounts.js';
import { Call } from './calls.js';
import { Conversation, Identity, Mark, MyConversation } from './conversations.js';
import { Envelope, Message } from './messages.js';
import { Presence } from './people.js';
import { Failure } from './problem.js';

/** Work that goes on after its 202. */
export const Job = z.object({
  id: idOf<FanOutId>(),
  total: z.int().min(0),
  done: z.int().min(0),
  /** Recipients that were refused, by their place in the request. */
  refused: z.array(z.object({ index: z.int().min(0), failure: Failure })),
  finished: z.boolean(),
});
export type Job = z.output<typeof Job>;

/**
 * What an event tells: the fact's own ids and fields, and the entities it is about as they are now, each under its own
 * name. An entity that is gone by now is left out; its removal follows in the log.
 */
export const EventBody = z.looseObject({
  account: Account.exactOptional(),
  identity: Identity.exactOptional(),
  conversation: Conversation.exactOptional(),
  mark: Mark.exactOptional(),
  message: Message.exactOptional(),
  envelope: Envelope.exactOptional(),
  call: Call.exactOptional(),
  job: Job.exactOptional(),
  /** A message that I have hidden from myself; `message` is then the last one that the conversation still shows me. */
  hidden: idOf<MessageId>().exactOptional(),
});
export type EventBody = z.output<typeof EventBody>;
/** The names under which an event shows what it is about. */
export type EntityName = keyof typeof EventBody.shape;

/** A fact of the log. */
export const Event = z.object({
  id: idOf<EventId>(),
  type: EventTypeWord,
  at: Time,
  /** The account whose people may see it; absent where it is one person's own. */
  account: idOf<AccountId>().exactOptional(),
  /** What it is about. */
  subject: z.string(),
  data: EventBody,
});
export type Event = z.output<typeof Event>;

/** An event as a reader gets it: `prev` is the cursor that this reader was given before. */
export const EventFrame = z.object({ cursor: Cursor, prev: Cursor, event: Event });
export type EventFrame = z.output<typeof EventFrame>;

/**
 * A page of events. Following `cursor` leads on: it also steps over what this reader may not see. With `reset` there
 * are no events: begin again with a snapshot.
 */
export const EventPage = z.object({
  items: z.array(EventFrame),
  cursor: Cursor,
  /** Whether more was there when the page was made. */
  more: z.boolean(),
  reset: z.object({ reason: ResetReason }).exactOptional(),
});
export type EventPage = z.output<typeof EventPage>;

/**
 * Present state and the cursor from which to follow; every page bears the same cursor. It holds what the log goes on to
 * tell, so not the person's own profile: that is `GET /v1/me`.
 */
export const Snapshot = z.object({
  cursor: Cursor,
  /** Whose it is. */
  person: idOf<PersonId>(),
  accounts: z.array(Account),
  conversations: z.array(MyConversation),
  /** Those that ring or are spoken in, the latest of them; all on the first page. */
  calls: z.array(Call),
  next: Next.exactOptional(),
});
export type Snapshot = z.output<typeof Snapshot>;

/** Present state that is pushed to those who watch, never numbered: the latest wins. */
export const EphemeralFrame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('presence'),
    account: idOf<AccountId>(),
    /** Absent: everybody whom the account knows. */
    address: z.string().exactOptional(),
    presence: Presence,
  }),
  z.object({
    type: z.literal('typing'),
    account: idOf<AccountId>(),
    conversation: idOf<ConversationId>(),
    address: z.string(),
    active: z.boolean(),
  }),
  /** Who came and who went; who is there is asked for by `GET …/participants`. */
  z.object({
    type: z.literal('occupancy'),
    account: idOf<AccountId>(),
    conversation: idOf<ConversationId>(),
    joined: z.array(
      z.object({
        address: z.string(),
        name: z.string().exactOptional(),
        role: z.string().exactOptional(),
      }),
    ),
    left: z.array(z.string()),
  }),
  /** Some were lost on the way: ask anew for what is being looked at. */
  z.object({ type: z.literal('missed') }),
]);
export type EphemeralFrame = z.output<typeof EphemeralFrame>;

const RequestId = z.union([z.string().min(1).max(64), z.int()]);

/** What a client may say on the WebSocket; each is answered under its id. */
export const ClientFrame = z.discriminatedUnion('request', [
  z.strictObject({ id: RequestId, request: z.literal('ping') }),
  /** Typing and occupancy of one conversation, or presence of everybody (`roster`). */
  z.strictObject({
    id: RequestId,
    request: z.literal('watch'),
    conversation: idOf<ConversationId>().exactOptional(),
    roster: z.literal(true).exactOptional(),
  }),
  z.strictObject({
    id: RequestId,
    request: z.literal('unwatch'),
    conversation: idOf<ConversationId>().exactOptional(),
    roster: z.literal(true).exactOptional(),
  }),
  z.strictObject({
    id: RequestId,
    request: z.literal('typing'),
    conversation: idOf<ConversationId>(),
    active: z.boolean(),
  }),
]);
export type ClientFrame = z.output<typeof ClientFrame>;

/** What the server says on the WebSocket. The first frame is a heartbeat (the client is let in) or a reset. */
export const ServerFrame = z.union([
  EventFrame,
  z.object({ reset: z.object({ reason: ResetReason }) }),
  /** Nothing new up to this cursor, for this reader. */
  z.object({ heartbeat: z.object({ cursor: Cursor }) }),
  z.object({ ephemeral: EphemeralFrame }),
  z.object({ answer: z.looseObject({ id: RequestId }) }),
  z.object({ error: z.object({ id: RequestId.exactOptional(), code: z.string(), detail: z.string() }) }),
]);
export type ServerFrame = z.output<typeof ServerFrame>;

const HealthWord = z.enum(['ok', 'degraded', 'down']);

export const Health = z.object({
  status: HealthWord,
  checks: z.record(z.string(), z.object({ status: HealthWord, why: z.string().exactOptional() })),
});
export type Health = z.output<typeof Health>;
