/*
 * The contract that every connector signs. It holds the contract and nothing else: what a connector is, what a session
 * must do, and what a session sees of the house. Abilities beyond the core are in abilities.ts, what flows inward in
 * inbound.ts, what flows outward in outbound.ts.
 */
import type { AccountId, Address, AdmissionAnswer, Capabilities, ConversationKind, LinkId } from '#model';
import type { AbilityName } from './abilities.js';
import type { Assessment, AssessmentAsk } from './assessment.js';
import type { SessionContext } from './context.js';
import type { OutboundEnvelope, SendOutcome } from './outbound.js';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** One protocol, spoken. Pure but for `open`. */
export interface Connector {
  describe(): ConnectorDescription;
  readonly addresses: AddressRules;
  /**
   * The network that settings point at, as a scope in which an address is unique: `irc:libera.chat`, `xmpp`.
   * Settings have passed the schema.
   */
  networkOf(settings: JsonObject): string;
  /** Every host that a session with these settings would connect to; the house checks them (DESIGN.md, law 9). */
  targetsOf(settings: JsonObject): readonly Target[];
  /**
   * Where a session with these settings would wait for others to connect to it. Only the links that admins share among
   * accounts may listen (DESIGN.md, law 9); whoever finds a port taken says so as `needs-person` with `resource-conflict`.
   * Absent, or empty for these settings: it only connects. A port that a client opens to be answered at is no such place.
   */
  listensOn?(settings: JsonObject): readonly ListenPoint[];
  /**
   * What is to be known of a message before it is accepted; pure, and quick: under a millisecond for an ordinary text.
   * Asked once for each message, and once more for one that has waited. Absent: everything may go at any time, uncounted.
   */
  assess?(ask: AssessmentAsk): Assessment;
  /** Makes a session that is still closed. Never throws for what a network does: failures travel as states. */
  open(link: LinkSettings, context: SessionContext): Session;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A place where a session listens: a transport in the protocol's own word, an address of this machine, a port. */
export interface ListenPoint extends Target {
  readonly transport: string;
}

export interface ConnectorDescription {
  /** The word for code and tables: `irc`. */
  readonly protocol: string;
  /** The word for people: `IRC`. */
  readonly name: string;
  /** The name of the drawn mark in the inbox. */
  readonly mark: string;
  /** JSON Schema (2020-12) of the settings: form, validation and docs in one. */
  readonly settings: JsonObject;
  /** JSON Schema of the secrets: an object of strings. */
  readonly secrets: JsonObject;
  /** The most that a session may offer; a live session says what holds here and now. */
  readonly capabilities: Capabilities;
  readonly abilities: readonly AbilityName[];
  /** What the network tolerates, in envelopes: a burst, then a steady rate. */
  readonly flood: FloodProfile;
  /** The highest envelope state that this network lets us see; nothing waits for a better one. */
  readonly observes: 'sent' | 'delivered' | 'read';
  /** How many envelopes may be between `sending` and their outcome at once. */
  readonly inFlight: { readonly perLane: number; readonly perLink: number };
  /** What this network can lose or double even when all goes well, as sentences for people. */
  readonly losses: readonly string[];
}

export interface FloodProfile {
  readonly burst: number;
  readonly perSecond: number;
}

/** The rules of a network's addresses. Pure; the only maker and parser of them outside the connector's own room. */
export interface AddressRules {
  /**
   * What a person typed, made canonical. Throws an `AddressError` with a sentence for the person.
   * @param settings of the link by which it is spoken to: they may say what a short way of writing stands for (the
   *   country of a number, our own side). An address that is canonical reads the same under all settings.
   */
  parse(raw: string, settings: JsonObject): Address;
  /**
   * Whether an address names a room or somebody; undefined where it does not tell (a JID may be either). Then it is what
   * the person says, or what the account knows it as, or somebody.
   */
  kindOf(address: string): ConversationKind | undefined;
  /**
   * Who is at the other end of a conversation, where its address tells and is not simply theirs: an address that has our
   * own side in it, or a group that consists of whoever it names. One for a direct conversation. Absent: a direct
   * conversation has its peer's address, and the session knows who is in a room.
   */
  membersOf?(conversation: string): readonly Address[];
  /** The address as people write it. */
  display(address: string): string;
}

/** A text that is no address on this network; the message is a sentence for the person. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** What a link is opened with. Settings have passed the connector's own schema; secrets come from the context. */
export interface LinkSettings {
  readonly id: LinkId;
  readonly settings: JsonObject;
}

/** An account as a session is given it: who it is, and what should be true whenever it is online. */
export interface AttachedAccount {
  readonly id: AccountId;
  /**
   * Its own address on a link that many accounts share (a trunk's number, a component's JID). Absent on a private link,
   * whose settings say who it is.
   */
  readonly localAddress?: string;
  readonly desired: DesiredState;
}

/** What must survive a reconnect; the session brings the network in line at every connect. */
export interface DesiredState {
  readonly rooms: readonly DesiredRoom[];
  readonly contacts: readonly DesiredContact[];
  /** Answers to those who ask to see our person's presence, and to those who may yet ask; until the network has them. */
  readonly admissions?: readonly Admission[];
  readonly presence: { readonly presence: string; readonly note?: string };
}

export interface DesiredRoom {
  readonly address: string;
  /** What joining needs: a key, a nick. As the person gave it in `POST /v1/conversations`. */
  readonly options: JsonObject;
}

/** Somebody on an account's own roster, as its person wants them there. */
export interface DesiredContact {
  readonly address: string;
  /** A stable address of the same somebody, where the network has vouched for one: they are known by it when they move. */
  readonly stableAddress?: string;
  /** What the person calls them there. */
  readonly name?: string;
  readonly groups: readonly string[];
  /**
   * Where the network keeps the roster (`keeps-roster`): it has them as our person wanted them, and told so. From then on
   * its word counts: what it says otherwise was done elsewhere. Without it, it is to be brought in line.
   */
  readonly settled?: boolean;
  /** Where the network keeps the roster: our person wants them off it, and the network has not yet said that they are. */
  readonly removed?: boolean;
}

/** Our person's answer to somebody who asks to see their presence, or may ask. */
export interface Admission {
  readonly address: string;
  readonly answer: AdmissionAnswer;
}

/**
 * A link alive.
 *
 * MUST: report every change through `context.state`; put envelopes on the wire in the order of the `send` calls;
 * acknowledge a network only what `context.emit` has answered with `stored` or `duplicate`; reconnect by itself with
 * back-off and jitter; settle every `send` when the link drops.
 * MUST NOT: throw because of a peer's bytes; keep more than a bounded amount in memory; touch anything after `close`.
 */
export interface Session {
  /** Takes an account onto the link. A private link has one, a trunk or component many. */
  attach(account: AttachedAccount): void;
  /** Takes it off again; what it has in flight is settled first. */
  detach(account: AccountId): Promise<void>;
  /** Begins to connect and keeps connected. Never throws: first and later failures share one path, the states. */
  connect(): void;
  /** Ends the link in an orderly way; resolves when the last byte is out or 5 s have passed. */
  close(reason: CloseReason): Promise<void>;
  /** Sends one envelope. Never rejects; an aborted signal means "as soon as you can, say what you know". */
  send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome>;
}

/** Why a session ends: the person asked, the worker stops or hands over, or its right to the link is gone. */
export type CloseReason = 'asked' | 'shutdown' | 'fenced';
