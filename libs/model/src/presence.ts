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

export interface PresenceState {
  readonly presence: Presence;
  readonly note?: string;
  /** When it was learnt, RFC 3339 UTC. */
  readonly since?: string;
}
