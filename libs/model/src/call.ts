/**
 * Where a call stands. `calling`: placed, and the first phone does not ring yet. `missed`: it rang here and nobody took
 * it. `answered-elsewhere`: it was taken on another device of ours. `declined`: somebody said no. `ended`: it was
 * answered, and is over. The last six are final.
 */
export const callStates = [
  'calling',
  'ringing',
  'answered',
  'missed',
  'answered-elsewhere',
  'declined',
  'busy',
  'failed',
  'ended',
] as const;
export type CallState = (typeof callStates)[number];

/** Where one end of a call stands that we place between two phones. `waiting`: it is not called yet. */
export const legStates = ['waiting', 'calling', 'ringing', 'answered', 'ended'] as const;
export type LegState = (typeof legStates)[number];

/** Both ends of a call that we place: our person's phone, and theirs. */
export interface CallLegs {
  readonly mine: LegState;
  readonly theirs: LegState;
}

const rank: Partial<Record<CallState, number>> = { calling: 0, ringing: 1, answered: 2 };

/** Whether nothing follows a state any more. */
export function isOver(state: CallState): boolean {
  return rank[state] === undefined;
}

/** Whether a call may go from one state to another: never backwards, and from its end nowhere. */
export function callMayBecome(from: CallState, to: CallState): boolean {
  const before = rank[from];
  if (before === undefined || from === to) return false;
  const after = rank[to];
  if (after !== undefined) return after > before;
  return from !== 'answered' || to === 'ended' || to === 'failed';
}

/** Both ends as they stand after something was told of them: neither goes back. */
export function legsAfter(before: CallLegs | undefined, told: CallLegs): CallLegs {
  if (before === undefined) return told;
  return { mine: further(before.mine, told.mine), theirs: further(before.theirs, told.theirs) };
}

function further(one: LegState, other: LegState): LegState {
  return legStates.indexOf(other) > legStates.indexOf(one) ? other : one;
}
