/** How reachable somebody is, best first. `unknown` is a fact of its own: nobody told us. */
export const presences = [
  'chatty',
  'available',
  'away',
  'busy',
  'extended-away',
  'unknown',
  'offline',
] as const;

export type Presence = (typeof presences)[number];

/**
 * Whose presence a network's roster tells to whom (RFC 6121 §2.1.2.5): `to` our person is told of theirs, `from` they
 * are told of our person's.
 */
export const subscriptions = ['none', 'to', 'from', 'both'] as const;

export type Subscription = (typeof subscriptions)[number];

/** What our person says to somebody who asks to see their presence. `deny` also ends what was approved before. */
export type AdmissionAnswer = 'approve' | 'deny';

export interface PresenceState {
  readonly presence: Presence;
  readonly note?: string;
  /** When it was learnt, RFC 3339 UTC. */
  readonly since?: string;
}
