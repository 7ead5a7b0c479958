/* What a message centre complains of, translated once into our closed codes (SMPP 3.4 §5.1.3). */
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';
import { isThrottle, statuses, statusName, type Receipt } from '#protocols/smpp';

type Translation = readonly [code: ErrorCode, detail: string, remedy?: Remedy];

const translations: Readonly<Record<number, Translation>> = {
  [statuses.ESME_RINVMSGLEN]: ['too-large', 'The message centre does not take a text of this length.'],
  [statuses.ESME_RINVSRCADR]: ['not-allowed', 'The message centre does not let us send from this number.'],
  [statuses.ESME_RINVSRCTON]: [
    'not-allowed',
    'The message centre does not let us send from this kind of number.',
  ],
  [statuses.ESME_RINVSRCNPI]: [
    'not-allowed',
    'The message centre does not let us send from this kind of number.',
  ],
  [statuses.ESME_RINVDSTADR]: ['not-found', 'The message centre does not know this number.'],
  [statuses.ESME_RINVDSTTON]: ['not-found', 'The message centre does not know this kind of number.'],
  [statuses.ESME_RINVDSTNPI]: ['not-found', 'The message centre does not know this kind of number.'],
  [statuses.ESME_RBINDFAIL]: ['auth-failed', 'The message centre does not let the account in.'],
  [statuses.ESME_RINVPASWD]: ['auth-failed', 'The system id and its password do not fit.'],
  [statuses.ESME_RINVSYSID]: ['auth-failed', 'The message centre does not know the system id.'],
  [statuses.ESME_RINVSYSTYP]: ['auth-failed', 'The message centre does not know the system type.'],
  [statuses.ESME_RALYBND]: ['resource-conflict', 'The account is connected elsewhere already.', 'retry'],
  [statuses.ESME_RSYSERR]: ['unknown', 'The message centre has a problem of its own.', 'retry'],
};

/** What an answer says that is neither success nor a call for patience. */
export function statusFailure(status: number): Failure {
  if (isThrottle(status)) return failure('rate-limited', 'The message centre asks for patience.');
  const [code, detail, remedy] = translations[status] ?? [
    'refused',
    `The message centre refuses it (${statusName(status)}).`,
    'give-up',
  ];
  return failure(code, detail, remedy);
}

/** Whether a request may succeed if it is made again a while later. */
export function isPassing(status: number): boolean {
  return isThrottle(status) || status === statuses.ESME_RSYSERR || status === statuses.ESME_RX_T_APPN;
}

/** Why a text that the message centre had taken did not arrive (§5.2.28); undefined where it did or still may. */
export function receiptFailure({ state, error }: Receipt): Failure | undefined {
  const said = error === undefined || /^0*$/.test(error) ? '' : ` (error ${error})`;
  switch (state) {
    case 'expired':
      return failure('timeout', `The phone could not be reached in time${said}.`, 'give-up');
    case 'deleted':
      return failure('refused', `The message centre has deleted the text${said}.`, 'give-up');
    case 'undeliverable':
      return failure('refused', `The text cannot be delivered${said}.`, 'give-up');
    case 'rejected':
    case 'skipped':
      return failure('refused', `The message centre has rejected the text${said}.`, 'give-up');
    case 'accepted':
    case 'delivered':
    case 'enroute':
    case 'scheduled':
    case 'unknown':
      return undefined;
  }
}
