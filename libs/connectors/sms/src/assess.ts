/* What is to be known of a text before it is accepted: its parts, whom it goes to, whether it may, and whether now. Pure. */
import type { Assessment, AssessmentAsk } from '#connector';
import { failure, type Failure } from '#model';
import type { TextPlan } from '#protocols/smpp';
import { readCourtesy } from './courtesy.settings.js';
import { kindOfParty, showParty } from './numbers.js';
import { refusalOf, waitFor } from './recipients.js';
import { endsOf, ownNumbers } from './sms.addresses.js';

/**
 * Assesses a text.
 * @param plan how the account's way of sending would cut it, or why it cannot
 */
export function assess(
  { to, settings, at }: Pick<AssessmentAsk, 'to' | 'settings' | 'at'>,
  plan: TextPlan | Failure,
): Assessment {
  const { peers, own } = endsOf(to);
  const courtesy = readCourtesy(settings);
  const region = typeof settings['region'] === 'string' ? settings['region'] : undefined;
  const cut = 'code' in plan ? { parts: 1 } : countsOf(plan);
  const refused =
    unowned(own, ownNumbers(settings)) ??
    refusalOf({ peers, own: own ?? '', region }, courtesy) ??
    ('code' in plan ? plan : undefined);
  const notBefore = refused ? undefined : waitFor({ peers }, courtesy, at);
  return {
    ...cut,
    destinations: peers.filter((peer) => kindOfParty(peer) !== 'name').map((peer) => peer.replace('+', '')),
    ...(refused && { failure: refused }),
    ...(notBefore && { notBefore }),
  };
}

function countsOf({ parts, label, units, unitsLeft }: TextPlan): Omit<Assessment, 'destinations'> {
  return { parts: parts.length, coding: label, units, unitsLeft };
}

/** A number that the account has no longer, or never had, sends nothing. */
function unowned(own: string | undefined, numbers: readonly string[]): Failure | undefined {
  if (own !== undefined && numbers.includes(own)) return undefined;
  return failure(
    'not-allowed',
    own === undefined
      ? 'It does not say which of our numbers it would come from.'
      : `The account has no number ${showParty(own)} to send from.`,
  );
}
