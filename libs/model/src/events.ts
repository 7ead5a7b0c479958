import type { AccountId, EventId, PersonId } from './ids.js';

/** Facts of the log: numbered, durable, resumable. */
export const eventTypes = [
  'account.changed',
  'account.removed',
  'session.changed',
  'access.changed',
  'contact.changed',
  'contact.removed',
  'identity.changed',
  'conversation.changed',
  'conversation.removed',
  'message.created',
  'message.changed',
  'message.erased',
  'reaction.changed',
  'envelope.changed',
  'read.changed',
  'draft.changed',
  'call.changed',
  'bridge.changed',
  'job.changed',
] as const;
export type EventType = (typeof eventTypes)[number];

/** Present state that is pushed but never numbered: the latest wins. */
export const ephemeralTypes = ['presence', 'typing', 'occupancy'] as const;
export type EphemeralType = (typeof ephemeralTypes)[number];

/** Who may see an event: those who may see an account, or one person. */
export type Audience =
  | { readonly kind: 'account'; readonly account: AccountId }
  | { readonly kind: 'person'; readonly person: PersonId };

/** Ids and changed non-text fields. Never a body: bodies are joined when read, so that erasing needs no rewriting. */
export type EventData = Readonly<Record<string, unknown>>;

/** A fact that has not been numbered yet. */
export interface NewEvent {
  readonly id: EventId;
  readonly type: EventType;
  readonly audience: Audience;
  /** The entity that the fact is about. */
  readonly subject: string;
  readonly data: EventData;
}

/** A fact of the log. */
export interface LogEvent extends NewEvent {
  readonly sequence: bigint;
  readonly at: Date;
}

/** Present state, said once. */
export interface Ephemeral {
  readonly type: EphemeralType;
  readonly audience: Audience;
  readonly data: EventData;
}
