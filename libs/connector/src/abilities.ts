/*
 * What a session may do beyond the core: small interfaces, declared by name in the connector's description and found
 * by a guard. The conformance kit checks that what is declared is what is there.
 */
import type { AccountId, Failure, PresenceState } from '#model';
import type { Admission, DesiredContact, DesiredRoom, JsonObject, JsonValue, Session } from './connector.js';
import type { Occupant } from './context.js';
import type { InboundChange, InboundMessage, RemoteId } from './inbound.js';
import type { TakesIngress } from './ingress.js';
import type { OutboundEnvelope } from './outbound.js';

/** Enters, leaves and lists rooms. */
export interface HasRooms {
  /** The rooms an account should be in from now on; online, the difference is made at once. */
  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void;
  /** Who is in a room now. */
  occupants(account: AccountId, conversation: string): readonly Occupant[];
}

/** Keeps a roster: tells through `context.presence` how reachable those on it are. */
export interface HasContacts {
  /**
   * The people whom an account should have on its roster from now on; online, the difference is made at once. Who is on
   * it no longer is not told of, unless they are in sight for another reason.
   */
  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void;
}

/**
 * The network itself keeps the roster, for all of our person's devices, and people there ask before they see somebody's
 * presence. Everything on it, and everybody who asks, is told as `contact` events: all of it after a connect without
 * what the house has (unchanged entries do no harm), then every change. What is wanted of it is done whenever the
 * account is online, and told by such an event when it is.
 */
export interface KeepsRoster extends HasContacts {
  /** The answers that should be known to the network from now on; online, they are given at once. */
  setAdmissions(account: AccountId, admissions: readonly Admission[]): void;
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

/** A message as a place in a conversation: when the network says it was, and its ids there, as far as known. */
export interface Place {
  readonly at: Date;
  readonly remoteIds: readonly RemoteId[];
}

/**
 * Can be asked what it holds of the past. What an absence hid is the session's own to fetch, after every connect, as
 * mode `catch-up`; this is for what is older, when a person asks for it.
 */
export interface HasHistory {
  /**
   * The messages just before a place (the latest without one), oldest first, with mode `history`. Never rejects.
   * @param ask.limit at most so many are wanted; the network may give fewer.
   */
  history(account: AccountId, ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome>;
}

export interface HistoryAsk {
  readonly conversation: string;
  readonly before?: Place;
  readonly limit: number;
}

export type HistoryOutcome =
  | {
      readonly outcome: 'done';
      readonly events: readonly (InboundMessage | InboundChange)[];
      /** Where to ask on from; absent where nothing older was seen. */
      readonly next?: Place;
      /** Nothing older is there. */
      readonly complete: boolean;
    }
  | { readonly outcome: 'refused'; readonly failure: Failure };

/** Tells the network how far our person has read, for their other devices; their moves come back as `read` events. */
export interface MarksRead {
  /** Everything up to a place is read. Marks move forward only. Best effort: what does not arrive is not told. */
  markRead(account: AccountId, conversation: string, upTo: Place): void;
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
  'has-contacts': HasContacts;
  'keeps-roster': KeepsRoster;
  'sets-presence': SetsPresence;
  'shows-typing': ShowsTyping;
  paces: Paces;
  'takes-requests': TakesRequests;
  'has-history': HasHistory;
  'marks-read': MarksRead;
  'resolves-unknown': ResolvesUnknown;
  edits: Edits;
  retracts: Retracts;
  reacts: Reacts;
  'accepts-http': TakesIngress;
}
export type AbilityName = keyof Abilities;

const marks: Record<AbilityName, string> = {
  'has-rooms': 'setRooms',
  'has-contacts': 'setContacts',
  'keeps-roster': 'setAdmissions',
  'sets-presence': 'setPresence',
  'shows-typing': 'typing',
  paces: 'allowance',
  'takes-requests': 'request',
  'has-history': 'history',
  'marks-read': 'markRead',
  'resolves-unknown': 'resolve',
  edits: 'edits',
  retracts: 'retracts',
  reacts: 'reacts',
  'accepts-http': 'takeIn',
};

export const abilityNames = Object.keys(marks) as readonly AbilityName[];

/** Whether a session has an ability; inside the guard it may be used. */
export function can<A extends AbilityName>(session: Session, ability: A): session is Session & Abilities[A] {
  return marks[ability] in session;
}
