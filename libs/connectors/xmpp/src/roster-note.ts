/*
 * The roster between two connections: its version with what it held then (RFC 6121 §2.6), so that only what changed is
 * asked for; where that is too much for a note, who was on it, so that it can be told who was taken off meanwhile.
 */
import type { JsonValue } from '#connector';
import { fieldsOf } from '#connector/session';
import type { RosterItem } from './xep/rfc6121.js';

export const rosterKey = 'xmpp.roster';

/** A note may have 64 KiB. */
const mostBytes = 60_000;

export interface KeptRoster {
  /** With it the items are complete; without it only their addresses are. */
  readonly version: string | undefined;
  readonly items: ReadonlyMap<string, RosterItem>;
}

const subscriptions = ['none', 'to', 'from', 'both'] as const;

/** A roster as a note. */
export function rosterNote({ version, items }: KeptRoster): JsonValue {
  if (version !== undefined) {
    const whole = { version, items: [...items.values()].map(packed) };
    if (Buffer.byteLength(JSON.stringify(whole)) <= mostBytes) return whole;
  }
  const addresses: string[] = [];
  let bytes = 0;
  for (const address of items.keys()) {
    bytes += Buffer.byteLength(JSON.stringify(address)) + 1;
    if (bytes > mostBytes) break;
    addresses.push(address);
  }
  return { addresses };
}

/** Reads a note back; what makes no sense in it is as if it were not there. */
export function keptRoster(note: JsonValue | undefined): KeptRoster {
  const { version, items, addresses } = fieldsOf(note);
  const known = (Array.isArray(items) ? items : []).flatMap((one) => unpacked(one as JsonValue) ?? []);
  const bare = (Array.isArray(addresses) ? addresses : []).flatMap((jid) =>
    typeof jid === 'string'
      ? [{ jid, subscription: 'none', asked: false, approved: false, groups: [] } as const]
      : [],
  );
  return {
    version: typeof version === 'string' ? version : undefined,
    items: new Map([...known, ...bare].map((item) => [item.jid, item])),
  };
}

/** Whether two entries say the same. */
export function isSame(one: RosterItem, other: RosterItem | undefined): boolean {
  return other !== undefined && JSON.stringify(packed(one)) === JSON.stringify(packed(other));
}

function packed({ jid, name, subscription, asked, approved, groups }: RosterItem): JsonValue {
  const flags =
    (subscriptions as readonly string[]).indexOf(subscription) + (asked ? 4 : 0) + (approved ? 8 : 0);
  return [jid, flags, name ?? '', ...groups];
}

function unpacked(value: JsonValue): RosterItem | undefined {
  if (!Array.isArray(value)) return undefined;
  const [jid, flags, name, ...groups] = value as readonly JsonValue[];
  if (typeof jid !== 'string' || typeof flags !== 'number') return undefined;
  return {
    jid,
    ...(typeof name === 'string' && name !== '' && { name }),
    subscription: subscriptions[flags & 3] ?? 'none',
    asked: (flags & 4) !== 0,
    approved: (flags & 8) !== 0,
    groups: groups.filter((group) => typeof group === 'string'),
  };
}
