/* A text as the requests that carry it. Pure. */
import { failure, type Failure } from '#model';
import {
  esmClass,
  piecesOf,
  planText,
  registeredDelivery,
  relativeTime,
  type PduInput,
  type TextPlan,
} from '#protocols/smpp';
import { toTon } from '../sms.addresses.js';
import type { SmsSettings } from '../sms.settings.js';
import type { Submission } from '../driver.js';

const carriages = { udh: 'udh8', udh16: 'udh16', sar: 'sar', payload: 'payload' } as const;
const wishes = {
  auto: { coding: 'auto' },
  plain: { coding: 'auto', transliterate: true },
  unicode: { coding: 'ucs2' },
} as const;

/** How a text is cut and written with these settings, or why it cannot be. */
export function planOf(text: string, { coding, smpp }: SmsSettings): TextPlan | Failure {
  const plan = planText(text, { ...wishes[coding], carriage: carriages[smpp.longTexts] });
  return 'problem' in plan ? failure('too-large', plan.detail) : plan;
}

/** One request for each part. @param reference what the parts have in common, 0 to 65535. */
export function requestsOf(
  { from, to }: Submission,
  plan: TextPlan,
  { smpp }: SmsSettings,
  reference: number,
): readonly PduInput<'submit_sm'>[] {
  const [peer = ''] = to;
  return piecesOf(plan, reference).map(({ udhi, dataCoding, shortMessage, messagePayload, sar }) => ({
    command: 'submit_sm',
    source: toTon(from),
    destination: toTon(peer),
    ...(udhi && { esmClass: esmClass.udhi }),
    ...(smpp.receipts && { registeredDelivery: registeredDelivery.final }),
    ...(smpp.validityMinutes !== undefined && {
      validityPeriod: relativeTime(smpp.validityMinutes * 60_000),
    }),
    dataCoding,
    shortMessage,
    tlvs: {
      ...(messagePayload !== undefined && { messagePayload }),
      ...(sar !== undefined && {
        sarMsgRefNum: sar.reference,
        sarTotalSegments: sar.of,
        sarSegmentSeqnum: sar.number,
      }),
    },
  }));
}
