/* What servers and phones answer with, translated once into our closed codes (RFC 3261 §21). */
import type { SendOutcome } from '#connector';
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';
import { parseRetryAfter, type Answer, type SipResponse } from '#protocols/sip';

type Translation = readonly [code: ErrorCode, detail: string, remedy?: Remedy];

const translations: Readonly<Record<number, Translation>> = {
  401: ['auth-failed', 'The server does not accept our name and password.'],
  402: ['insufficient-credit', 'The server wants to be paid first.'],
  403: ['not-allowed', 'The server does not allow it.'],
  404: ['not-found', 'There is nobody of that address.'],
  405: ['unsupported', 'They do not take messages.'],
  406: ['unsupported', 'They do not take messages of this kind.'],
  407: ['auth-failed', 'The server does not accept our name and password.'],
  410: ['account-gone', 'They are not at that address any more.'],
  413: ['too-large', 'That is more than they take.'],
  414: ['not-found', 'That address is too long for the server.'],
  415: ['unsupported', 'They do not take messages of this kind.'],
  416: ['not-found', 'The server cannot reach addresses of that kind.'],
  420: ['unsupported', 'They cannot do what we ask for.'],
  433: ['not-allowed', 'They take nothing from whom they cannot see.'],
  480: ['refused', 'They cannot be reached now.', 'give-up'],
  481: ['protocol-violation', 'They know nothing of that.', 'give-up'],
  482: ['protocol-violation', 'The servers send it round in circles.', 'give-up'],
  483: ['protocol-violation', 'The servers send it on and on.', 'give-up'],
  484: ['not-found', 'That address is not complete.'],
  485: ['not-found', 'That address may be several people.'],
  486: ['refused', 'They are busy.', 'give-up'],
  488: ['unsupported', 'They do not take that.'],
  489: ['unsupported', 'They do not tell that.'],
  493: ['unsupported', 'They cannot read it.'],
  501: ['unsupported', 'They do not take messages.'],
  505: ['unsupported', 'The server does not speak our version of SIP.'],
  513: ['too-large', 'That is more than the server takes.'],
  600: ['refused', 'They are busy.', 'give-up'],
  603: ['not-allowed', 'They do not want it.', 'give-up'],
  604: ['not-found', 'There is nobody of that address.'],
  606: ['unsupported', 'They do not take that.'],
  607: ['not-allowed', 'They do not want it.', 'give-up'],
};

/** What a final response that is no success means for what was asked. */
export function responseFailure({ status, reason }: SipResponse): Failure {
  const [code, detail, remedy] = translations[status] ?? [
    'refused',
    'It is refused.',
    status >= 500 && status < 600 ? 'retry' : 'give-up',
  ];
  return failure(
    code,
    `${detail} (${String(status)}${reason === '' ? '' : ` ${printable(reason)}`})`,
    remedy,
  );
}

/** Waits that a server may ask for; longer ones are asked about again. */
const longestWaitMs = 3_600_000;

/** How long a response asks us to wait (§20.33); undefined where it does not. */
export function waitOf(response: SipResponse): number | undefined {
  const seconds = parseRetryAfter(response.headers.get('retry-after'));
  return seconds === undefined ? undefined : Math.min(longestWaitMs, seconds * 1_000);
}

/** Without a word of the server, what it cannot do now is tried again after so long. */
const usualWaitMs = 5_000;

/** What became of a message, from the answer to it. */
export function outcomeOf(
  answer: Answer,
): Extract<SendOutcome, { outcome: 'later' | 'refused' | 'unknown' }> | 'sent' {
  if (answer.answer === 'none') {
    const why = answerFailure(answer);
    return answer.left
      ? { outcome: 'unknown', failure: why }
      : { outcome: 'later', retryAfterMs: usualWaitMs, failure: why };
  }
  const { response } = answer;
  if (response.status < 300) return 'sent';
  const why = responseFailure(response);
  switch (response.status) {
    // The server gave up waiting for theirs, which may have it by now (§21.4.9, §21.5.5).
    case 408:
    case 504:
      return {
        outcome: 'unknown',
        failure: failure('timeout', 'Their server did not hear from them in time.'),
      };
    case 500:
    case 503:
      return { outcome: 'later', retryAfterMs: waitOf(response) ?? usualWaitMs, failure: why };
    default: {
      // Others may say when to come again as well: who is busy, or not there (§20.33).
      const wait = waitOf(response);
      return wait === undefined
        ? { outcome: 'refused', failure: why }
        : { outcome: 'later', retryAfterMs: wait, failure: why };
    }
  }
}

/** Why nothing came back. */
export function answerFailure(answer: Extract<Answer, { answer: 'none' }>): Failure {
  switch (answer.why) {
    case 'timeout':
      return failure('timeout', 'No answer came in time.');
    case 'aborted':
      return failure('timeout', 'The time was over before an answer came.');
    case 'broken':
      return failure('network-unreachable', 'The connection was lost before an answer came.');
    case 'not-sent':
      return failure('network-unreachable', `There is no way to them now (${answer.detail}).`);
  }
}

/** Why a registration did not come about. */
export function registrationFailure(answer: Answer): Failure {
  if (answer.answer === 'none') return answerFailure(answer);
  const { response, unauthorised } = answer;
  if (unauthorised === 'unsupported') {
    return failure('auth-method', 'The server wants a way of signing in that we do not know.');
  }
  switch (response.status) {
    case 401:
    case 407:
      return failure('auth-failed', 'The server does not accept the name and password.');
    case 403:
      return failure(
        'auth-failed',
        `The server does not let the account in (403 ${printable(response.reason)}).`,
      );
    case 404:
    case 410:
      return failure('not-found', 'The server does not know the account.', 'ask-person');
    case 503:
      return failure('server-shutdown', 'The server takes nobody in now.');
    default: {
      const { code, detail } = responseFailure(response);
      const passing = [408, 480].includes(response.status) || response.status >= 500 || response.status < 400;
      return failure(passing ? 'refused' : code, detail, passing ? 'retry' : 'ask-person');
    }
  }
}

/** A peer's own words, as far as people can read them. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, 100);
}
