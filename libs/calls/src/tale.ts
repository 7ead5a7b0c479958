import type { InboundCall } from '#connector';
import { callMayBecome, isOver, legsAfter, type CallLegs, type CallState, type Failure } from '#model';

/** What of a call changes as it goes on. */
export interface CallTale {
  readonly state: CallState;
  readonly legs: CallLegs | null;
  readonly failure: Failure | null;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
}

/** A word about a call. */
export type CallWord = Pick<InboundCall, 'state' | 'legs' | 'failure' | 'at'>;

/** Of a call of which nothing was told. */
const untold: CallTale = { state: 'calling', legs: null, failure: null, answeredAt: null, endedAt: null };

/**
 * A call after something was told of it: it never goes back, and of one that is over nothing more is heard. The very same
 * object where nothing has changed.
 */
export function tell(before: CallTale | undefined, { state, legs, failure, at }: CallWord): CallTale {
  const tale = before ?? untold;
  if (isOver(tale.state)) return tale;
  const turns = before === undefined || callMayBecome(tale.state, state);
  const now = turns ? state : tale.state;
  const ends = isOver(now);
  const known = legs ? legsAfter(tale.legs ?? undefined, legs) : tale.legs;
  const both: CallLegs | null = known && ends ? { mine: 'ended', theirs: 'ended' } : known;
  if (!turns && sameLegs(both, tale.legs)) return tale;
  return {
    state: now,
    legs: both,
    failure: (turns ? failure : undefined) ?? tale.failure,
    answeredAt: now === 'answered' ? (tale.answeredAt ?? at) : tale.answeredAt,
    endedAt: ends ? at : null,
  };
}

function sameLegs(one: CallLegs | null, other: CallLegs | null): boolean {
  return one?.mine === other?.mine && one?.theirs === other?.theirs;
}

const MINUTE_MS = 60_000;

/** How long to wait for the next word of a call that stands so; past it, whoever knew of it knows no more. */
export function patienceMs(state: CallState): number | undefined {
  if (isOver(state)) return undefined;
  // No phone rings for longer than RFC 3261's timer C allows; nobody is asked how a conversation goes on.
  return state === 'answered' ? 24 * 60 * MINUTE_MS : 5 * MINUTE_MS;
}

/** What a call is that nobody knows of any more. */
export function lostAs(state: CallState): CallState {
  return state === 'answered' ? 'ended' : 'failed';
}
