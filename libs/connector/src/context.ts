import type {
  AccountId,
  Attachment,
  Capabilities,
  Failure,
  FileId,
  PresenceState,
  SessionState,
} from '#model';
import type { JsonValue, Target } from './connector.js';
import type { EmitOutcome, InboundBatch } from './inbound.js';

/** All that a session sees of the house. */
export interface SessionContext {
  /**
   * Stores a batch in one transaction and answers once per event, in order, after the commit; once for notes alone. May be called again
   * without waiting; order is kept. At most `emitLimit` events may be outstanding: past that, pause the transport.
   * @param deadlineMs what is not yet being committed by then is withdrawn and answered `not-stored`.
   */
  emit(batch: InboundBatch, deadlineMs?: number): Promise<readonly EmitOutcome[]>;
  readonly emitLimit: number;
  /** Says where an account's session stands. */
  state(account: AccountId, state: SessionState): void;
  /** Says what can be done, for the account as a whole or in one conversation. */
  capabilities(account: AccountId, capabilities: Capabilities, conversation?: string): void;
  /** Somebody's presence; only the latest counts. */
  presence(account: AccountId, address: string, presence: PresenceState): void;
  /** Somebody is writing, or has stopped. */
  typing(account: AccountId, conversation: string, address: string, active: boolean): void;
  /** Who came into or left a room; kept by those who look at it. */
  occupancy(account: AccountId, conversation: string, change: OccupancyChange): void;
  /** Tells the house that sending may go faster now than `allowance` said before. */
  wake(account: AccountId): void;
  /** The link's opened secrets. Not to be kept longer than needed. */
  secrets(): Promise<Readonly<Record<string, string>>>;
  /**
   * Where the provider of an account is to call us (`accepts-http`): a secret, for the provider only. It may become another
   * at any time. On this machine's own address where nobody said how we are reached from outside; undefined where the
   * account has none.
   */
  ingressUrl(account: AccountId): string | undefined;
  readonly keyValues: {
    read(account: AccountId, key: string): Promise<JsonValue | undefined>;
  };
  readonly files: {
    /**
     * Takes a file in as it comes, for the account's holder: never held in memory, at most as many bytes as the house
     * takes of one file and the holder has left. What it is, is judged by its content; `mediaType` is believed only where
     * it fits. The attachment goes into the content of the message that brings the file, or is somebody's avatar; one that
     * nothing names within a day is let go.
     *
     * Never rejects. `refused`: `too-large` (the house's limit, the holder's quota, or more bytes than `size`),
     * `network-unreachable` (the content threw, ended short of `size`, or the signal was given), `storage-unavailable`,
     * `account-gone`. Nothing of a refused file is kept, and its content is not read any further: it is closed
     * (`return`), so that the transport behind it can be.
     */
    receive(
      account: AccountId,
      file: InboundFile,
      content: AsyncIterable<Uint8Array>,
      signal: AbortSignal,
    ): Promise<FileOutcome>;
    /**
     * A file that a message of the account carries: what it is, and its bytes as they are taken. Undefined where no message
     * of the account carries it, or it cannot be read now. Never rejects; the content may throw while it is read, and is
     * closed (`return`) by whoever stops before its end.
     */
    read(account: AccountId, file: FileId): Promise<OutboundFile | undefined>;
  };
  /**
   * Waits for a turn to connect to a target: connects of all links of this worker to one host are paced, with jitter.
   * A host may be turned elsewhere at any time, so it is looked up and judged here, at every connect.
   */
  turn(target: Target): Promise<Turn>;
  readonly clock: SessionClock;
  /** Uniform in [0, 1). */
  random(): number;
  readonly log: SessionLog;
}

/** A file that a network hands over, as its sender describes it: none of it is believed. */
export interface InboundFile {
  readonly name: string;
  readonly mediaType?: string;
  /** Bytes, where they were announced. */
  readonly size?: number;
}

/** A file of the house, to be handed to a network. */
export interface OutboundFile {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes: exactly so many. */
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** What became of a file that was handed over. */
export type FileOutcome =
  | { readonly outcome: 'stored'; readonly attachment: Attachment }
  | { readonly outcome: 'refused'; readonly failure: Failure };

/**
 * What a turn says. `go`: connect to one of these addresses, not to the name, which might answer something else a moment
 * later (for TLS the name still counts). `closed`: the session was closed meanwhile. `refused`: no account may connect
 * there, or the host cannot be found; the state to tell is in the failure's remedy.
 */
export type Turn =
  | { readonly turn: 'go'; readonly addresses: readonly string[] }
  | { readonly turn: 'closed' }
  | { readonly turn: 'refused'; readonly failure: Failure };

export interface OccupancyChange {
  readonly joined?: readonly Occupant[];
  readonly left?: readonly string[];
}

export interface Occupant {
  readonly address: string;
  readonly name?: string;
  /** The highest of their roles, in the network's own word. */
  readonly role?: string;
  /** All of them, highest first, where there are several. */
  readonly roles?: readonly string[];
}

export interface SessionClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that only grow. */
  monotonic(): number;
  /** Calls once after a time; the answer cancels it. */
  after(ms: number, call: () => void): () => void;
}

/** The sentence is constant, the facts are fields; never a body, never a secret. */
export interface SessionLog {
  debug(facts: Readonly<Record<string, unknown>>, sentence: string): void;
  info(facts: Readonly<Record<string, unknown>>, sentence: string): void;
  warn(facts: Readonly<Record<string, unknown>>, sentence: string): void;
}
