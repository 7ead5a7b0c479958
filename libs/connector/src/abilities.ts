/*
 * What a session may do beyond the core: small interfaces, declared by name in the connector's description and found
 * by a guard. The conformance kit checks that what is declared is what is there.
 */
import type { AccountId, Failure, PresenceState } from '#model';
import type { DesiredRoom, JsonObject, JsonValue, Session } from './connector.js';
import type { Occupant } from './context.js';
import type { InboundMessage } from './inbound.js';
import type { OutboundEnvelope } from './outbound.js';

/** Enters, leaves and lists rooms. */
export interface HasRooms {
  /** The rooms an account should be in from now on; online, the difference is made at once. */
  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void;
  /** Who is in a room now. */
  occupants(account: AccountId, conversation: string): readonly Occupant[];
}

/** Tells the network how reachable our person is. */
export interface SetsPresence {
  setPresence(account: AccountId, presence: PresenceState): void;
}

/** Tells others that our person is writing. */
export interface ShowsTyping {
  typing(account: AccountId, conversation: string, active: boolean): void;
}

/** Says how many envelopes an account may send at once under the network's rate, and when to ask again. */
export interface Paces {
  allowance(account: AccountId): { readonly envelopes: number; readonly againInMs: number };
}

/** Answers momentary questions and acts: topic, kick, list rooms, whois. */
export interface TakesRequests {
  readonly requestKinds: readonly string[];
  request(account: AccountId, request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome>;
}

export interface SessionRequest {
  readonly kind: string;
  readonly conversation?: string;
  readonly options: JsonObject;
}

export type RequestOutcome =
  | { readonly outcome: 'done'; readonly answer: JsonValue }
  | { readonly outcome: 'refused'; readonly failure: Failure };

/** Can be asked what it holds of the past. */
export interface HasHistory {
  history(
    account: AccountId,
    ask: {
      readonly conversation: string;
      readonly before?: string;
      readonly after?: string;
      readonly limit: number;
    },
  ): Promise<{
    readonly events: readonly InboundMessage[];
    readonly next?: string;
    readonly complete: boolean;
  }>;
}

/** Can find out whether an envelope of unknown fate reached the network. */
export interface ResolvesUnknown {
  resolve(envelope: OutboundEnvelope, signal: AbortSignal): Promise<'present' | 'absent' | 'unknown'>;
}

/** Can carry an edit, a retraction or a reaction as the network means it. */
export interface Edits {
  readonly edits: true;
}
export interface Retracts {
  readonly retracts: true;
}
export interface Reacts {
  readonly reacts: true;
}

interface Abilities {
  'has-rooms': HasRooms;
  'sets-presence': SetsPresence;
  'shows-typing': ShowsTyping;
  paces: Paces;
  'takes-requests': TakesRequests;
  'has-history': HasHistory;
  'resolves-unknown': ResolvesUnknown;
  edits: Edits;
  retracts: Retracts;
  reacts: Reacts;
}
export type AbilityName = keyof Abilities;

const marks: Record<AbilityName, string> = {
  'has-rooms': 'setRooms',
  'sets-presence': 'setPresence',
  'shows-typing': 'typing',
  paces: 'allowance',
  'takes-requests': 'request',
  'has-history': 'history',
  'resolves-unknown': 'resolve',
  edits: 'edits',
  retracts: 'retracts',
  reacts: 'reacts',
};

export const abilityNames = Object.keys(marks) as readonly AbilityName[];

/** Whether a session has an ability; inside the guard it may be used. */
export function can<A extends AbilityName>(session: Session, ability: A): session is Session & Abilities[A] {
  return marks[ability] in session;
}
