import type { RemoteId } from '#connector';
import {
  mayBecome,
  type AccountId,
  type ConversationId,
  type EnvelopeId,
  failure as failureOf,
  type EnvelopeState,
  type ErrorCode,
  type Failure,
  type MessageId,
  type WaitReason,
} from '#model';

export type PartState = Extract<
  EnvelopeState,
  'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown'
>;

/** What was learnt of one part. */
export interface PartNews {
  readonly part: number;
  readonly state: PartState;
  /** All ids that it is known to bear on the network; the first is shown. */
  readonly remoteIds?: readonly RemoteId[];
  readonly failure?: Failure;
}

/** What was learnt of one envelope: of its parts, or of the whole. */
export interface EnvelopeNews {
  readonly envelope: EnvelopeId;
  /** Whose network says so: of another account's envelopes it can say nothing. */
  readonly account?: AccountId;
  /** How many parts it has on the wire, once known. */
  readonly total?: number;
  readonly parts?: readonly PartNews[];
  readonly whole?:
    | { readonly state: 'waiting'; readonly reason: WaitReason; readonly retryAt?: Date }
    | { readonly state: 'failed' | 'unknown'; readonly failure: Failure }
    | { readonly state: 'withdrawn' | 'expired' };
}

/** An envelope as its rows say, locked. */
export interface KnownEnvelope {
  readonly id: EnvelopeId;
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly state: EnvelopeState;
  readonly total: number | undefined;
  readonly parts: ReadonlyMap<number, PartState>;
  /** How many parts it is charged for; absent where it is not. */
  readonly charged?: number;
  /** Why parts failed, of those that did. */
  readonly codes?: ReadonlyMap<number, ErrorCode>;
}

/** What its rows should say now. `state` absent: the envelope itself stays as it is. */
export interface Settlement {
  readonly known: KnownEnvelope;
  readonly state?: EnvelopeState;
  readonly reason?: WaitReason;
  readonly retryAt?: Date;
  readonly failure?: Failure;
  readonly total?: number;
  readonly parts: readonly PartNews[];
}

/** Whether what it is charged for may not stand any more. */
export function unsettles({ known, state = known.state, total = known.total }: Settlement): boolean {
  if (known.charged === undefined) return false;
  if (state === 'failed') return true;
  // What nobody knows of may have left.
  if (state === 'expired' || state === 'withdrawn') return known.state !== 'unknown';
  return total !== undefined && total !== known.charged;
}

/** From the least to the most that can be said of a whole by its parts. */
const order: readonly PartState[] = ['sending', 'unknown', 'sent', 'delivered', 'read'];

/**
 * Folds news into what is known. A whole is as far as its least part; one failed part fails it. As long as nobody has
 * said how many parts there are the whole stays in `sending`; of an envelope of unknown fate nobody will say it any more,
 * so the parts that were heard of stand for all.
 */
export function fold(known: KnownEnvelope, news: EnvelopeNews): Settlement | undefined {
  const parts: PartNews[] = [];
  const states = new Map(known.parts);
  for (const part of news.parts ?? []) {
    const before = states.get(part.part);
    const moves = before === undefined || mayBecome(before, part.state);
    if (moves) states.set(part.part, part.state);
    if (moves) parts.push(part);
    else if (part.remoteIds?.length)
      parts.push({ part: part.part, state: before, remoteIds: part.remoteIds });
  }
  const total =
    news.total ??
    known.total ??
    (known.state === 'unknown' ? Math.max(-1, ...states.keys()) + 1 || undefined : undefined);
  const grown = total === known.total ? {} : { total };
  const still: Settlement | undefined =
    parts.length > 0 || 'total' in grown ? { known, ...definedTotal(grown.total), parts } : undefined;

  if (news.whole) {
    if (!mayBecome(known.state, news.whole.state)) return still;
    const { whole } = news;
    return {
      known,
      state: whole.state,
      ...('reason' in whole ? { reason: whole.reason } : {}),
      ...('retryAt' in whole ? { retryAt: whole.retryAt } : {}),
      ...('failure' in whole ? { failure: whole.failure } : {}),
      ...definedTotal(grown.total),
      parts,
    };
  }
  if (total === undefined) return still;
  const wholeState = leastOf(states, total);
  if (!mayBecome(known.state, wholeState)) return still;
  const failed =
    wholeState === 'failed' || wholeState === 'unknown'
      ? reasonOf(wholeState, states, parts, known, total)
      : undefined;
  return {
    known,
    state: wholeState,
    ...(failed ? { failure: failed } : {}),
    ...definedTotal(grown.total),
    parts,
  };
}

/** Why the whole is no better: the reason of the first part that is no better, and which that is. */
function reasonOf(
  state: 'failed' | 'unknown',
  states: ReadonlyMap<number, PartState>,
  news: readonly PartNews[],
  known: KnownEnvelope,
  total: number,
): Failure {
  const [part = 0] = [...states].flatMap(([part, is]) => (is === state ? [part] : [])).sort((a, b) => a - b);
  const told = news.find((one) => one.part === part)?.failure;
  const code = told?.code ?? known.codes?.get(part) ?? 'unknown';
  const detail = told?.detail ?? (code === 'unknown' ? silent[state] : undefined);
  if (total === 1) return failureOf(code, detail, told?.remedy);
  const which = `Part ${String(part + 1)} of ${String(total)} ${troubled[state]}`;
  return failureOf(code, detail === undefined ? `${which}.` : `${which}: ${detail}`, told?.remedy);
}

const silent = {
  failed: 'The network did not say why.',
  unknown: 'The network cannot tell what became of it.',
} as const;
const troubled = { failed: 'did not arrive', unknown: 'has an unknown fate' } as const;

function definedTotal(total: number | undefined): { total?: number } {
  return total === undefined ? {} : { total };
}

function leastOf(states: ReadonlyMap<number, PartState>, total: number): PartState {
  let least = order.length - 1;
  for (let part = 0; part < total; part++) {
    const state = states.get(part) ?? 'sending';
    if (state === 'failed') return 'failed';
    least = Math.min(least, order.indexOf(state));
  }
  return order[least] ?? 'sending';
}
