/* What Twilio and its like complain of, translated once into our closed codes. By the error codes that they publish. */
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';

type Translation = readonly [code: ErrorCode, detail: string, remedy?: Remedy];

const number: Translation = ['not-found', 'This is no number that can be written to.'];
const sender: Translation = ['not-allowed', 'The provider does not let us send from this number.'];
const media: Translation = ['unsupported', 'The provider could not take the file.'];
const suspended: Translation = ['banned', 'The account at the provider is suspended.'];
const unregistered: Translation = [
  'not-allowed',
  'Networks there take texts from this number only after it was registered with the provider.',
];

const translations: Readonly<Record<number, Translation>> = {
  20003: ['auth-failed', 'The provider does not know the account, or its token is wrong.'],
  20005: suspended,
  20404: ['auth-failed', 'The provider does not know the account or the messaging service.'],
  20429: ['rate-limited', 'The provider asks for patience.'],
  21211: number,
  21212: sender,
  21214: number,
  21217: number,
  21265: number,
  21266: ['not-allowed', 'A number cannot write to itself.', 'give-up'],
  21408: ['not-allowed', 'The account at the provider may not write to this country.'],
  21601: number,
  21602: ['unsupported', 'There is no text in it.'],
  21603: sender,
  21604: number,
  21605: ['too-large', 'The provider does not take a text of this length.'],
  21606: sender,
  21607: sender,
  21608: ['not-allowed', 'A trial account may write only to numbers that were verified.'],
  21609: ['unsupported', 'The provider cannot call us at our address; set PARLEY_PUBLIC_URL.', 'ask-person'],
  21610: ['opted-out', 'They have asked not to be written to from this number.'],
  21611: ['rate-limited', 'Too much waits at the provider already.'],
  21612: ['not-allowed', 'This number cannot be reached from ours.', 'give-up'],
  21614: ['not-found', 'This number belongs to no mobile phone.'],
  21617: ['too-large', 'The provider does not take a text of this length.'],
  21619: ['unsupported', 'There is no text in it.'],
  21620: media,
  21623: ['too-large', 'The provider does not take so many files at once.'],
  21703: ['not-allowed', 'The messaging service has no number to send from.'],
  21704: ['not-allowed', 'The messaging service has no number to send from.'],
  21712: ['not-allowed', 'This number does not belong to the messaging service.'],
  30001: ['rate-limited', 'Too much waited at the provider; the text was dropped.', 'give-up'],
  30002: suspended,
  30003: ['network-unreachable', 'The phone could not be reached.', 'give-up'],
  30004: ['refused', 'The phone or its network blocks texts from this number.', 'give-up'],
  30005: ['not-found', 'The phone is not known to its network.'],
  30006: ['not-found', 'The number belongs to a landline, or to a network that cannot be reached.'],
  30007: ['refused', 'A network on the way has filtered the text.', 'give-up'],
  30008: ['unknown', 'The text was not delivered, and nobody says why.', 'give-up'],
  30009: ['unknown', 'A part of the text was lost on its way.', 'give-up'],
  30010: ['insufficient-credit', 'The text costs more than the account at the provider allows.'],
  30011: ['unsupported', 'The network of the phone carries no files.'],
  30019: ['too-large', 'The file is larger than the network of the phone takes.'],
  30022: [
    'rate-limited',
    'The network of the phone takes no more texts from this number for now.',
    'give-up',
  ],
  30023: ['rate-limited', 'The network of the phone takes no more texts from this number today.', 'give-up'],
  30024: sender,
  30032: unregistered,
  30034: unregistered,
  30036: ['timeout', 'The phone could not be reached in time.', 'give-up'],
  30410: ['timeout', 'A network on the way did not answer.', 'give-up'],
  63003: number,
  63018: ['rate-limited', 'The provider asks for patience.', 'give-up'],
  90010: suspended,
};

/** What an error code of the provider says; undefined where it says none. */
export function twilioFailure(code: number | undefined): Failure | undefined {
  if (code === undefined || code === 0 || !Number.isSafeInteger(code)) return undefined;
  const said = ` (error ${String(code)})`;
  const [name, detail, remedy] = translations[code] ?? [
    'refused',
    code >= 63_000 && code < 64_000
      ? 'The channel to this address does not take the text.'
      : 'The provider refuses the text.',
    'give-up',
  ];
  return failure(name, detail.replace(/\.$/, `${said}.`), remedy);
}
