import type { AccountLink } from '#accounts';
import type { Assessment, AssessmentAsk } from '#connector';
import { failure } from '#model';
import { logger } from '#platform';

const log = logger('delivery');

/**
 * What an account's connector says of a message before it may leave; undefined where it has nothing to say. A connector
 * that fails at it refuses this message and no other.
 */
export function assess(
  { connector, settings }: Pick<AccountLink, 'connector' | 'settings'>,
  ask: Omit<AssessmentAsk, 'settings'>,
): Assessment | undefined {
  try {
    return connector.assess?.({ ...ask, settings });
  } catch (err) {
    log.error({ err }, 'a connector broke its contract: assess threw');
    return { parts: 1, destinations: [], failure: failure('internal') };
  }
}

/** When a message is to leave: absent is at once. Later than asked for, with the reason, where courtesy demands it. */
export interface Leaving {
  readonly scheduleAt?: Date;
  readonly why?: string;
}

/**
 * @param asked when the person wants it to leave; absent: now
 * @param urgent whether they insist
 */
export function leavingAt(
  asked: Date | undefined,
  now: Date,
  assessment: Assessment | undefined,
  urgent: boolean,
): Leaving {
  const { notBefore } = assessment ?? {};
  if (!urgent && notBefore && notBefore.at > (asked ?? now)) {
    return { scheduleAt: notBefore.at, why: notBefore.why };
  }
  return asked ? { scheduleAt: asked } : {};
}
