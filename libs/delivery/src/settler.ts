import { Injectable } from '@nestjs/common';
import type { AccountId, ConversationId, EnvelopeId, EnvelopeState, NewEvent } from '#model';
import type { Sql } from '#platform';
import { EnvelopeStore } from './envelope.store.js';
import { fold, type EnvelopeNews, type KnownEnvelope, type PartNews, type Settlement } from './settle.js';

/** What became of an envelope that news spoke of. */
export interface Settled {
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly state: EnvelopeState;
  /** Whether the news moved it. */
  readonly moved: boolean;
}

/** Applies news of envelopes inside a transaction: outcomes, echoes, receipts, cancellations. */
@Injectable()
export class Settler {
  constructor(private readonly store: EnvelopeStore) {}

  /** Answers for each envelope that exists; several news of one envelope are folded in the order given. */
  async apply(
    sql: Sql,
    news: readonly EnvelopeNews[],
  ): Promise<{ events: NewEvent[]; settled: Map<EnvelopeId, Settled> }> {
    const settled = new Map<EnvelopeId, Settled>();
    if (news.length === 0) return { events: [], settled };
    const known = await this.store.lock(
      sql,
      news.map(({ envelope }) => envelope),
    );
    const settlements = new Map<EnvelopeId, Settlement>();
    for (const item of news) {
      const before = settlements.get(item.envelope);
      const subject = before ? advance(before) : known.get(item.envelope);
      if (!subject || (item.account ?? subject.account) !== subject.account) continue;
      const next = fold(subject, item);
      if (next) settlements.set(item.envelope, before ? join(before, next) : next);
      settled.set(item.envelope, {
        account: subject.account,
        conversation: subject.conversation,
        state: settlements.get(item.envelope)?.state ?? subject.state,
        moved: settlements.get(item.envelope)?.state !== undefined,
      });
    }
    return { events: await this.store.save(sql, [...settlements.values()]), settled };
  }
}

/** An envelope as it will be once a settlement is written. */
function advance(settlement: Settlement): KnownEnvelope {
  const { known } = settlement;
  return {
    ...known,
    state: settlement.state ?? known.state,
    total: settlement.total ?? known.total,
    parts: new Map([...known.parts, ...settlement.parts.map(({ part, state }) => [part, state] as const)]),
    codes: new Map([
      ...(known.codes ?? []),
      ...settlement.parts.flatMap(({ part, failure }) => (failure ? [[part, failure.code] as const] : [])),
    ]),
  };
}

/** What two news say of one part: the later word on its state, and the ids of both, the later first. */
function both(before: PartNews, part: PartNews): PartNews {
  const failure = part.failure ?? (before.state === part.state ? before.failure : undefined);
  return {
    part: part.part,
    state: part.state,
    remoteIds: [...(part.remoteIds ?? []), ...(before.remoteIds ?? [])],
    ...(failure ? { failure } : {}),
  };
}

function join(first: Settlement, second: Settlement): Settlement {
  const parts = new Map<number, PartNews>();
  for (const part of [...first.parts, ...second.parts])
    parts.set(part.part, both(parts.get(part.part) ?? part, part));
  // A later state stands alone: the reason of an earlier one is none of its own.
  const { state, reason, retryAt, failure } = second.state === undefined ? first : second;
  const total = second.total ?? first.total;
  return {
    known: first.known,
    ...(state === undefined ? {} : { state }),
    ...(reason === undefined ? {} : { reason }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(failure === undefined ? {} : { failure }),
    ...(total === undefined ? {} : { total }),
    parts: [...parts.values()],
  };
}
