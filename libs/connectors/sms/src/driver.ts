/*
 * The contract that every driver signs: SMPP, an HTTP provider, a modem's spool. It holds the contract and nothing else. A
 * driver knows one way to get texts to phones and back; it knows nothing of the house: accounts, envelopes' fates,
 * reassembly and opt-out words are the session's.
 */
import type {
  InboundReceipt,
  JsonObject,
  JsonValue,
  Paces,
  RemoteId,
  SendOutcome,
  SessionContext,
} from '#connector';
import type { Kept } from '#connector/session';
import type { AccountId, Attachment, EnvelopeId, Failure } from '#model';
import type { Part } from '#protocols/smpp';
import type { SmsSettings } from './sms.settings.js';
import type { SmsTimings } from './timings.js';

/** What a driver is made of. */
export interface DriverParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly settings: SmsSettings;
  readonly timings: SmsTimings;
  /** Where modems have their directories, if the operator has set one aside. */
  readonly spoolDirectory: string | undefined;
  readonly upward: Upward;
  /** Keeps something for the next session, soon; at most 64 KiB. */
  note(key: string, value: JsonValue): void;
}

/** One way to send texts. */
export interface Driver {
  /**
   * One try to get on. Never rejects. Gives up when the signal is aborted, before the line is there or after; a line that
   * is no longer wanted is destroyed by whoever asked for it.
   */
  open(signal: AbortSignal): Promise<Line | Failure>;
  /** Takes what the gateway accepted from the provider (`AcceptsHttp`), line or no line. Asked again after `later`. */
  readonly takeIn?: (item: JsonObject) => Promise<Kept>;
  /** The session ends: what is being taken in is given up. */
  close?(): void;
}

/** A way to the network that is open. */
export interface Line {
  /** Whether files go with a text (MMS); else their addresses go into it. */
  readonly carriesMedia: boolean;
  /** Sends one text. Never rejects, and settles when the line is over: `unknown` for what had left. */
  submit(submission: Submission, signal: AbortSignal): Promise<SendOutcome>;
  /** How many texts may leave now under the network's rate, and when to ask again. */
  allowance(): Allowance;
  /** Reads no more from the network until `ease`: the house is behind. */
  hold(): void;
  ease(): void;
  /** Ends in order: what has left is waited for, within the time. */
  close(withinMs: number): Promise<void>;
  /** Ends at once. `Upward.broken` is not told. */
  destroy(): void;
}

export type Allowance = ReturnType<Paces['allowance']>;

/** One text on its way out. */
export interface Submission {
  readonly envelope: EnvelopeId;
  /** Our number, short code or name. */
  readonly from: string;
  /** One, or the members of a group. */
  readonly to: readonly string[];
  readonly text: string;
  /** With addresses that the recipient can fetch; empty for drivers that carry none. */
  readonly media: readonly (Attachment & { readonly url: string })[];
}

/** What a driver tells the session. */
export interface Upward {
  /** The line is over. Told once a line. */
  broken(why: Failure): void;
  /** Somebody wrote. Resolves when the house has it, or will not have it; then the network may be answered. */
  heard(text: IncomingText): Promise<Kept>;
  /** The network says what became of a text of ours. */
  reported(report: IncomingReport): Promise<Kept>;
}

export interface IncomingText {
  /** The sender, as `addresses` writes it. */
  readonly from: string;
  /** Which of our numbers it came to. */
  readonly to: string;
  /** The other members of a group. */
  readonly others?: readonly string[];
  readonly at: Date;
  /** The network's id of it, where it has one: what comes again under the same is dropped. */
  readonly id?: string;
  /** A whole text, data that is none, or one part of several. */
  readonly body: { readonly text: string } | { readonly bytes: Buffer } | { readonly part: Part };
  readonly attachments?: readonly Attachment[];
}

export interface IncomingReport {
  /** What it is about: a part by the id that the network gave it (`networkId`), or by ours. */
  readonly about: InboundReceipt['about'];
  readonly state: 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
  readonly failure?: Failure;
  /** Ids of the part that are learnt now. */
  readonly remoteId?: RemoteId;
  readonly otherIds?: readonly RemoteId[];
  readonly at: Date;
}

/** An id that the network gave a part of ours, as `submit` tells it and `about` names it. */
export function networkId(id: string): RemoteId {
  return { scope: 'sent', id, by: 'network' };
}
