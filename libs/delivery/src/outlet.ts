import type { Assessment, AssessmentAsk, OutboundEnvelope, SendOutcome } from '#connector';
import type { AccountId, LinkId, WorkspaceId } from '#model';
import type { Sql } from '#platform';

/**
 * A way out of the house for one account (a port: sessions open one while they hold the account's link). It lives for one
 * lease epoch.
 */
export interface Outlet {
  readonly workspace: WorkspaceId;
  readonly link: LinkId;
  readonly account: AccountId;
  /** Its protocol. */
  readonly connector: string;
  readonly epoch: bigint;
  /** How many envelopes may be between `sending` and their outcome. */
  readonly inFlight: { readonly perLane: number; readonly perLink: number };
  /** What to do with an envelope of unknown fate that the network cannot settle. */
  readonly onUnknown: 'ask' | 'resend';
  /** How many envelopes the network's rate lets through now, and when to ask again. */
  allowance(): { readonly envelopes: number; readonly againInMs: number };
  /** What the network’s law and courtesy say of a message now; undefined where they say nothing. */
  assess(ask: Omit<AssessmentAsk, 'settings'>): Assessment | undefined;
  send(envelope: OutboundEnvelope): Promise<SendOutcome>;
  /** Asks the network whether an envelope of unknown fate arrived; absent where it cannot tell. */
  readonly resolve?: (envelope: OutboundEnvelope) => Promise<'present' | 'absent' | 'unknown'>;
  /** Told when a write found that another worker holds the link. */
  fenced(): void;
}

/** A link and the epoch under which a worker believes to hold it. */
export interface Claim {
  readonly link: LinkId;
  readonly epoch: bigint;
}

/** Proof of a lease inside a transaction (a port: sessions own the leases). */
export abstract class Fence {
  /** Locks the lease rows FOR SHARE, in the order of their links; answers the links that are truly held. */
  abstract hold(sql: Sql, claims: readonly Claim[]): Promise<ReadonlySet<LinkId>>;
}
