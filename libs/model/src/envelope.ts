import type { Failure } from './errors.js';

/** What an envelope waits for. */
export const waitReasons = ['session', 'rate', 'gate', 'schedule', 'target'] as const;
export type WaitReason = (typeof waitReasons)[number];

export const envelopeStates = [
  'accepted',
  'waiting',
  'sending',
  'sent',
  'delivered',
  'read',
  'failed',
  'expired',
  'withdrawn',
  'unknown',
] as const;
export type EnvelopeState = (typeof envelopeStates)[number];

/** The act that an envelope carries. */
export type EnvelopeKind = 'message' | 'edit' | 'retraction' | 'reaction';

/** How far each state has come. Terminal states share the top; `unknown` lies between leaving and having left. */
const rank: Record<EnvelopeState, number> = {
  accepted: 0,
  waiting: 1,
  sending: 2,
  unknown: 3,
  sent: 4,
  delivered: 5,
  read: 6,
  failed: 7,
  expired: 7,
  withdrawn: 7,
};

/**
 * Whether an envelope may go from one state to another. States never go backwards; the two ways back are "retry after
 * N" (`sending` to `waiting`) and an `unknown` that the network says it never saw (`unknown` to `waiting`).
 * A late receipt settles what was thought failed or unknown: the network's word stands above our guess. What has arrived
 * has arrived, whatever is said of it afterwards, so that receipts may come in any order.
 */
export function mayBecome(from: EnvelopeState, to: EnvelopeState): boolean {
  if (from === to) return false;
  if (to === 'waiting') return from === 'accepted' || from === 'sending' || from === 'unknown';
  if (to === 'unknown') return from === 'sending';
  if (from === 'expired' || from === 'withdrawn') return false;
  if (from === 'failed') return to === 'delivered' || to === 'read';
  if (to === 'failed') return from !== 'delivered' && from !== 'read';
  if (to === 'expired' || to === 'withdrawn')
    return from === 'accepted' || from === 'waiting' || from === 'unknown';
  return rank[to] > rank[from];
}

/** An envelope's fate as a person reads it. */
export type EnvelopeFate =
  | { readonly state: 'waiting'; readonly reason: WaitReason; readonly until?: string }
  | { readonly state: 'failed' | 'unknown'; readonly failure: Failure }
  | { readonly state: Exclude<EnvelopeState, 'waiting' | 'failed' | 'unknown'> };
