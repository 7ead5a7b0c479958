/*
 * Presence between the house and SIP (RFC 3863, 4480), by the table of RFC 8048. XMPP's own word goes beside what SIP
 * has (`<show xmlns='jabber:client'>`), so that nothing is lost to whoever reads it. To others arrows are lossy:
 * - `chatty` is `open`, as `available` is;
 * - `extended-away` is away and long idle, and so is whoever left their phone for half an hour;
 * - of the activities of RFC 4480, each becomes busy, away or extended-away, or nothing: which it was is lost.
 */
import type { Presence, PresenceState } from '#model';
import { summaryOf, type Pidf, type PidfSummary } from '#protocols/sip';

/** Whoever has been idle for so long has gone for longer, in seconds. */
const longIdleSeconds = 1_800;
const mostNote = 1_024;

const shows = { chatty: 'chat', away: 'away', 'extended-away': 'xa', busy: 'dnd' } as const;

/** The activities of RFC 4480 §3.2 that say something of how reachable somebody is. */
const activities: Readonly<Record<string, Presence>> = {
  busy: 'busy',
  'on-the-phone': 'busy',
  meeting: 'busy',
  appointment: 'busy',
  presentation: 'busy',
  performance: 'busy',
  spectator: 'busy',
  steering: 'busy',
  worship: 'busy',
  away: 'away',
  breakfast: 'away',
  lunch: 'away',
  dinner: 'away',
  meal: 'away',
  shopping: 'away',
  'in-transit': 'away',
  travel: 'away',
  sleeping: 'extended-away',
  holiday: 'extended-away',
  vacation: 'extended-away',
  'permanent-absence': 'extended-away',
};

/** Of several activities, the first of these that any of them means. */
const order: readonly Presence[] = ['busy', 'extended-away', 'away'];

/** Nothing is known of somebody: no NOTIFY has come, or one that says nothing. */
export function noPresence(now: Date): PresenceState {
  return { presence: 'unknown', since: now.toISOString() };
}

/** How reachable somebody is by their document, learnt now. */
export function presenceFrom(pidf: Pidf, now: Date): PresenceState {
  const summary = summaryOf(pidf);
  const note = summary.note?.slice(0, mostNote).toWellFormed();
  const since = now.toISOString();
  return { presence: presenceOf(summary, now), since, ...(note !== undefined && { note }) };
}

function presenceOf(summary: PidfSummary, now: Date): Presence {
  const { basic, show, idle } = summary;
  if (basic === 'closed') return 'offline';
  const shown = Object.entries(shows).find(([, word]) => word === show)?.[0];
  if (shown !== undefined) return shown as keyof typeof shows;
  const meant = new Set(summary.activities.map((activity) => activities[activity]));
  const doing = order.find((one) => meant.has(one));
  const away = idle === undefined ? doing : (doing ?? 'away');
  if (away === 'away' && idle !== undefined && isLong(idle, now)) return 'extended-away';
  // Where neither a service nor a person says anything, nothing is known.
  return away ?? (basic === 'open' ? 'available' : 'unknown');
}

function isLong({ since, thresholdSeconds = 0 }: NonNullable<PidfSummary['idle']>, now: Date): boolean {
  const idleSeconds = since === undefined ? 0 : (now.getTime() - since.getTime()) / 1_000;
  return Math.max(idleSeconds, thresholdSeconds) >= longIdleSeconds;
}

export interface PidfOptions {
  readonly now: Date;
  /** By which the document's only service is told from those of other devices: what a server joins, it joins by it. */
  readonly id: string;
  /** Where to reach our person: a URI. */
  readonly contact?: string;
}

/**
 * Our person's presence as a document. `unknown` is nothing that can be told: it goes out as `available`.
 * @param address of our person
 */
export function pidfOf(state: PresenceState, address: string, { now, id, contact }: PidfOptions): Pidf {
  const { presence, note } = state;
  const show = presence in shows ? shows[presence as keyof typeof shows] : undefined;
  const doing = presence === 'busy' ? ['busy'] : isAway(presence) ? ['away'] : [];
  return {
    entity: `pres:${address}`,
    notes: [],
    tuples: [
      {
        id,
        basic: presence === 'offline' ? 'closed' : 'open',
        ...(show !== undefined && { show }),
        activities: [],
        ...(contact !== undefined && { contact: { uri: contact } }),
        notes: note === undefined || note === '' ? [] : [{ text: note }],
        timestamp: now,
      },
    ],
    persons:
      doing.length === 0
        ? []
        : [
            {
              id: `${id}-person`,
              activities: doing,
              notes: [],
              ...(presence === 'extended-away' && { idle: { thresholdSeconds: longIdleSeconds } }),
            },
          ],
  };
}

function isAway(presence: Presence): boolean {
  return presence === 'away' || presence === 'extended-away';
}
