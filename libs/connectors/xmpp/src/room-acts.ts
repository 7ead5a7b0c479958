/* What a room's presence says that people in it should read: who was put out, and by whom. Pure. */
import type { InboundRoom } from '#connector';
import { status, type MucUser } from './xep/0045.js';
import { rolesOf, type Member } from './room.js';

/** What happened to somebody, as it is told in the room. */
export interface Act {
  readonly act: NonNullable<InboundRoom['act']>;
  /** Whom it happened to, and why. */
  readonly detail: string;
}

/** Somebody has gone: put out or banned. Undefined where they went by themselves, or their connection did. */
export function goneBy(nick: string, { statuses, item }: MucUser): Act | undefined {
  if (statuses.has(status.technical) || statuses.has(status.shutdown)) return undefined;
  const reason = item?.reason;
  const because = (why: string): string => (reason === undefined ? why : `${why}: ${reason}`);
  if (statuses.has(status.banned)) return { act: 'ban', detail: because(nick) };
  if (statuses.has(status.kicked)) return { act: 'kick', detail: because(nick) };
  if (statuses.has(status.affiliationLost) || statuses.has(status.membersOnly))
    return { act: 'kick', detail: because(`${nick} (not a member)`) };
  return undefined;
}

/** Somebody may do more, or less, than before (XEP-0045 §8.3 to §9.8). */
export function changedBy(before: Member, now: Member): Act | undefined {
  if (before.role === now.role && before.affiliation === now.affiliation) return undefined;
  const roles = rolesOf(now);
  return { act: 'mode', detail: `${now.nick}: ${roles.length === 0 ? 'none' : roles.join(', ')}` };
}
