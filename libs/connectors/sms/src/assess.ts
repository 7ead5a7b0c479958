/* What is to be known of a text before it is accepted: its parts, whom it goes to, whether it may, and whether now. Pure. */
import type { Assessment, AssessmentAsk } from '#connector';
import { cleanText, failure, type Failure } from '#model';
import type { TextPlan } from '#protocols/smpp';
import { planOf } from './drivers/smpp-submission.js';
import { kindOfParty, showParty } from './numbers.js';
import { refusalOf, waitFor } from './recipients.js';
import { endsOf } from './sms.addresses.js';
import type { SmsSettings } from './sms.settings.js';
import { textOf } from './to-sms.js';

/** About as long as the link to a file will be, which is made only when it leaves. */
const someLink = 'https://example.org/f/'.padEnd(80, 'x');

/** Assesses a message as it would be cut with these settings. */
export function assess(
  { to, content, at }: Omit<AssessmentAsk, 'settings'>,
  settings: SmsSettings,
): Assessment {
  const { numbers, region, courtesy } = settings;
  const { peers, own } = endsOf(to);
  const links = (content.attachments ?? []).map(({ name, url = someLink }) => `${name} ${url}`);
  const plan = planOf(cleanText(textOf(content, links)), settings);
  const refused =
    unowned(own, numbers) ??
    refusalOf({ peers, own: own ?? '', region }, courtesy) ??
    ('code' in plan ? plan : undefined);
  const notBefore = refused ? undefined : waitFor({ peers }, courtesy, at);
  return {
    ...('code' in plan ? { parts: 1 } : countsOf(plan)),
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
