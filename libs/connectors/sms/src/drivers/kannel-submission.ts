/*
 * A text as the requests of Kannel's sendsms that carry it (Kannel user guide, "SMS Push"). We cut long texts ourselves:
 * of what Kannel cuts, it tells the fate of the first part only. Pure.
 */
import { wireIdOf } from '#connector';
import { failure, type Failure } from '#model';
import { piecesOf, type TextPlan } from '#protocols/smpp';
import type { Submission } from '../driver.js';
import type { KannelSettings } from './kannel.settings.js';
import { writtenParty } from './written-party.js';

/** Delivered, failed, buffered, taken by the SMSC, rejected by it. */
const dlrMask = '31';

export interface KannelLogin {
  readonly settings: KannelSettings;
  readonly password: string;
  /** Where Kannel is to call us; undefined where it cannot. */
  readonly callback: string | undefined;
}

/** One URL for each part. @param reference what the parts have in common, 0 to 255. */
export function requestsOf(
  { envelope, from, to }: Submission,
  plan: TextPlan,
  { settings, password, callback }: KannelLogin,
  reference: number,
): readonly URL[] {
  const [peer = ''] = to;
  return piecesOf(plan, reference).map(({ udhi, shortMessage }, part) => {
    const headerLength = udhi ? (shortMessage[0] ?? 0) + 1 : 0;
    const said = plan.parts[part]?.text ?? plan.text;
    const fields: readonly (readonly [string, string | Buffer])[] = [
      ['username', settings.username],
      ['password', password],
      ['from', writtenParty(from)],
      ['to', writtenParty(peer)],
      // Without coding=2, whatever GSM cannot say arrives as question marks, and the answer is 202 all the same.
      ...(plan.coding === 'ucs2'
        ? ([
            ['coding', '2'],
            ['charset', 'UTF-16BE'],
            ['text', shortMessage.subarray(headerLength)],
          ] as const)
        : ([
            ['coding', '0'],
            ['charset', 'UTF-8'],
            ['text', said],
          ] as const)),
      ...(headerLength > 0 ? [['udh', shortMessage.subarray(0, headerLength)] as const] : []),
      ...(settings.smsc === undefined ? [] : [['smsc', settings.smsc] as const]),
      ...(callback === undefined || !settings.receipts
        ? []
        : [
            ['dlr-mask', dlrMask] as const,
            ['dlr-url', `${callback}?type=%d&answer=%A&part=${wireIdOf(envelope, part)}`] as const,
          ]),
    ];
    const query = fields.map(([name, value]) => `${name}=${escaped(value)}`).join('&');
    return new URL(`${settings.url}?${query}`);
  });
}

/** Every octet that is not a letter or digit, escaped: a text need not be UTF-8. */
function escaped(value: string | Buffer): string {
  return [...Buffer.from(value)]
    .map((octet) => {
      const character = String.fromCharCode(octet);
      return /[A-Za-z0-9]/.test(character)
        ? character
        : `%${octet.toString(16).padStart(2, '0').toUpperCase()}`;
    })
    .join('');
}

/** What an answer other than 202 says; Kannel says it in words. */
export function kannelFailure(status: number, said: string): Failure | undefined {
  if (/authori[sz]ation failed/i.test(said)) {
    return failure('auth-failed', 'Kannel does not let the account in: user and password do not fit.');
  }
  if (/not routable/i.test(said)) {
    return failure('not-allowed', 'Kannel has no way to this number.', 'give-up');
  }
  if (/receiver/i.test(said)) return failure('not-found', 'Kannel takes this for no number.');
  if (/sender/i.test(said)) return failure('not-allowed', 'Kannel does not let us send from this number.');
  if (/denied|black-?list|white-?list/i.test(said)) {
    return failure('not-allowed', 'Kannel does not let us write to this number.');
  }
  if (/empty text|missing text/i.test(said)) return failure('unsupported', 'There is no text in it.');
  if (/temporal failure|try again/i.test(said) || status === 503) {
    return failure('rate-limited', 'Kannel cannot take texts at the moment.');
  }
  // Not a matter of who we are: those words were looked for above.
  return status === 403 ? failure('not-allowed', 'Kannel does not take the text.', 'give-up') : undefined;
}
