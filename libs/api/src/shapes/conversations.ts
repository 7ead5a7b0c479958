import type { AccountId, ConversationId, IdentityId } from '#model';
import { z } from 'zod';
import { AddressKindWord, ConversationKindWord } from '../words.js';
import {
  AddressText,
  Cursor,
  idOf,
  JsonObjectIn,
  JsonValueOut,
  Position,
  text,
  Time,
  Version,
} from '../values.js';
import { Capabilities } from './accounts.js';
import { Gap, Message } from './messages.js';
import { Presence } from './people.js';
import { Failure } from './problem.js';

/** One remote party as one account knows it. */
export const Identity = z.object({
  id: idOf<IdentityId>(),
  account: idOf<AccountId>(),
  name: z.string().nullable(),
  avatar: z.string().nullable(),
  /** Those that it holds now, the newest first. */
  addresses: z.array(z.object({ address: z.string(), kind: AddressKindWord })),
  presence: Presence,
  /** They ask to see the account's presence: `POST /v1/accounts/{id}/roster/{address}/approve` or `deny`. */
  asks: z.literal(true).exactOptional(),
  version: Version,
});
export type Identity = z.output<typeof Identity>;

/** An ordered exchange, as everybody sees it who may see its account. */
export const Conversation = z.object({
  id: idOf<ConversationId>(),
  account: idOf<AccountId>(),
  kind: ConversationKindWord,
  address: z.string(),
  title: z.string().nullable(),
  topic: z.string().nullable(),
  /** For rooms: whether we are in, as the network says. */
  joined: z.boolean(),
  /** Why a room could not be entered. */
  failure: Failure.nullable(),
  /** The other side of a direct conversation. */
  peer: Identity.nullable(),
  capabilities: Capabilities,
  createdAt: Time,
  leftAt: Time.nullable(),
  /** They have asked not to be written to any more: what is sent is refused. */
  optedOut: z.literal(true).exactOptional(),
  version: Version,
});
export type Conversation = z.output<typeof Conversation>;

/** What one person did with one conversation. */
export const Mark = z.object({
  conversation: idOf<ConversationId>(),
  /** The cursor of the last message that is read; null where none is. */
  readMark: Cursor.nullable(),
  /**
   * Live and caught-up messages of others after the mark, those that were taken back among them: see `countsAsUnread`.
   */
  unread: z.int().min(0),
  /** The cursor of the last message that `unread` has taken into account; null where there was none. */
  countedTo: Cursor.nullable(),
  draft: z.string().nullable(),
  muted: z.boolean(),
  pinned: z.boolean(),
  version: Version,
});
export type Mark = z.output<typeof Mark>;

/** A conversation as one person has it in the inbox. */
export const MyConversation = Conversation.extend({
  mine: Mark,
  /** The last one by position. */
  lastMessage: Message.nullable(),
});
export type MyConversation = z.output<typeof MyConversation>;

/** Somebody who is in a room now, or the two of a direct conversation. */
export const Participant = z.object({
  address: z.string(),
  name: z.string().nullable(),
  /** The identity, where one is kept: rooms may be full of people who never spoke. */
  identity: idOf<IdentityId>().nullable(),
  /** The network's own word: op, voice, moderator. */
  role: z.string().nullable(),
  /** All of them, where the network gives several at once: the highest first. */
  roles: z.array(z.string()),
  /** Whether this is the account itself. */
  self: z.boolean(),
});
export type Participant = z.output<typeof Participant>;

/**
 * A page of history, in the order of positions. `next` leads on in the direction asked: give it as `before`, or as
 * `after` where that was asked.
 */
export const MessagePage = z.object({
  items: z.array(Message),
  /** What is not known of the time that this page covers. */
  gaps: z.array(Gap),
  next: Position.exactOptional(),
});
export type MessagePage = z.output<typeof MessagePage>;

/** What a session answered to a request; its form is the connector's. */
export const RequestAnswer = z.object({ answer: JsonValueOut });
export type RequestAnswer = z.output<typeof RequestAnswer>;

export const CreateConversationBody = z.strictObject({
  account: idOf<AccountId>(),
  address: AddressText,
  /** Where the address itself tells, it may be left out. */
  kind: ConversationKindWord.exactOptional(),
  /** What entering needs: a key, a nick. */
  options: JsonObjectIn.exactOptional(),
});
export type CreateConversationBody = z.output<typeof CreateConversationBody>;

export const UpdateConversationBody = z.strictObject({
  muted: z.boolean().exactOptional(),
  pinned: z.boolean().exactOptional(),
});
export type UpdateConversationBody = z.output<typeof UpdateConversationBody>;

/** A momentary question or act: set a topic, kick, fetch history. */
export const RequestBody = z.strictObject({
  kind: z.string().min(1).max(64),
  options: JsonObjectIn.exactOptional(),
});
export type RequestBody = z.output<typeof RequestBody>;

/** Everything up to this message is read. */
export const SetReadBody = z.strictObject({ cursor: Cursor });
export type SetReadBody = z.output<typeof SetReadBody>;

export const SetTypingBody = z.strictObject({ active: z.boolean() });
export type SetTypingBody = z.output<typeof SetTypingBody>;

/** An empty text takes the draft away. */
export const SetDraftBody = z.strictObject({ text: text(0, 65_536) });
export type SetDraftBody = z.output<typeof SetDraftBody>;
