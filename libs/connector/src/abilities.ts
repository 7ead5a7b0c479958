/*
 * What a session may do beyond the core: small interfaces, declared by name in the connector's description and found
 * by a guard. The conformance kit checks that what is declared is what is there.
 */
import type { AccountId, CallId, Failure, PresenceState } from '#model';
import type { Admission, DesiredContact, DesiredRoom, JsonObject, JsonValue, Session } from './connector.js';
import type { Occupant } from './context.js';
import type { CallName, InboundChange, InboundMessage, RemoteId } from './inbound.js';
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
 * The network itself keeps the roster, for all of our person's devices. Everything on it is told as `contact` events: all
 * of it after a connect without what the house has (unchanged entries do no harm), then every change. What is wanted of
 * it is done whenever the account is online, and told by such an event when it is.
 */
export interface KeepsRoster extends HasContacts {
  readonly keepsRoster: true;
}

/**
 * People on the network ask before they see somebody's presence. Who asks is told as a `contact` event, whether they are
 * on a roster or not, and so is that they ask no longer. Where the network keeps the roster it keeps the answers too, and
 * one is done with when such an event says so; where it does not, the house keeps them, and every attach brings them all.
 */
export interface Admits {
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

/**
 * Connects two phones: our person's own is called first, and theirs when it is answered. What becomes of a call is told as
 * `call` events, from the first ring to its end, also by the next session when this one died: nothing is left ringing,
 * and no call that was placed goes without an end. Calls that come in need no ability: they are told.
 */
export interface PlacesCalls {
  /**
   * Begins to place a call; answers as soon as it is on its way, which may be before anything rings. Never rejects.
   * Asked again with the id of a call that it knows, it answers as before and places nothing.
   */
  placeCall(account: AccountId, order: CallOrder): Promise<PlaceOutcome>;
  /** Hangs up, gives up or, of one that rings here, declines. Its end is told as an event. Never rejects. */
  endCall(account: AccountId, call: CallName): Promise<EndOutcome>;
}

/** A call that the house has stored and wants placed. */
export interface CallOrder {
  readonly call: CallId;
  /** Our person's phone, canonical; the account's own address where it is absent. */
  readonly from?: string;
  /** Whom it is for, canonical. */
  readonly to: string;
}

export type PlaceOutcome =
  { readonly outcome: 'placed' } | { readonly outcome: 'refused'; readonly failure: Failure };

/** `refused` with `not-found`: there is no such call here, or not any more. */
export type EndOutcome =
  { readonly outcome: 'ending' } | { readonly outcome: 'refused'; readonly failure: Failure };

interface Abilities {
  'has-rooms': HasRooms;
  'has-contacts': HasContacts;
  'keeps-roster': KeepsRoster;
  admits: Admits;
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
  'places-calls': PlacesCalls;
}
export type AbilityName = keyof Abilities;

const marks: Record<AbilityName, string> = {
  'has-rooms': 'setRooms',
  'has-contacts': 'setContacts',
  'keeps-roster': 'keepsRoster',
  admits: 'setAdmissions',
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
  'places-calls': 'placeCall',
};

export const abilityNames = Object.keys(marks) as readonly AbilityName[];

/** Whether a session has an ability; inside the guard it may be used. */
export function can<A extends AbilityName>(session: Session, ability: A): session is Session & Abilities[A] {
  return marks[ability] in session;
}
