/* What an answer over HTTP means for a text, whatever the provider. Pure. */
import type { SendOutcome } from '#connector';
import { failure, type Failure } from '#model';
import { retryAfterOf, type Answered, type HttpOutcome } from './http.js';

/** How long to wait where a provider asks for patience and does not say how long. */
const patienceMs = 5_000;

/** What no answer means: what did not leave goes again, of what left nobody knows. */
export function withoutAnswer({ outcome, failure: why }: Exclude<HttpOutcome, Answered>): SendOutcome {
  if (outcome === 'unanswered') return { outcome: 'unknown', failure: why };
  // Where no account may connect, or nobody can be trusted, waiting does not help.
  if (why.remedy !== 'retry' && !why.code.startsWith('tls-')) return { outcome: 'refused', failure: why };
  return { outcome: 'later', retryAfterMs: patienceMs, failure: why };
}

/**
 * Patience that an answer asks for by its status (RFC 6585 §4, RFC 9110 §15.6.4); undefined where it asks for none.
 * @param now milliseconds since 1970
 */
export function patienceOf({ status, headers }: Answered, now: number): SendOutcome | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const why =
    status === 429
      ? failure('rate-limited', 'The provider asks for patience.')
      : failure('server-shutdown', 'The provider cannot take texts at the moment.');
  return { outcome: 'later', retryAfterMs: retryAfterOf(headers, now) ?? patienceMs, failure: why };
}

/** What a bad status says where the provider says nothing that we know. */
export function statusFailure(status: number): Failure {
  if (status === 401 || status === 403) {
    return failure('auth-failed', `The provider does not let the account in (HTTP ${String(status)}).`);
  }
  if (status === 402)
    return failure('insufficient-credit', 'The account at the provider has no credit left.');
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return failure(
      'unsupported',
      `There is no such service at this address (HTTP ${String(status)}).`,
      'ask-person',
    );
  }
  if (status === 413) return failure('too-large', 'The provider does not take a text of this length.');
  return failure('refused', `The provider refuses the text (HTTP ${String(status)}).`, 'give-up');
}

/**
 * What a bad answer means: what the provider refused will not go; when it failed itself (5xx), it may have sent the text.
 * @param why what the provider said, where it said something that we know
 */
export function badAnswer(answer: Answered, now: number, why?: Failure): SendOutcome {
  if (why?.code === 'rate-limited') {
    return { outcome: 'later', retryAfterMs: retryAfterOf(answer.headers, now) ?? patienceMs, failure: why };
  }
  const patience = why === undefined ? patienceOf(answer, now) : undefined;
  if (patience) return patience;
  if (answer.status >= 500) {
    const detail = `The provider failed (HTTP ${String(answer.status)}); it may have sent the text.`;
    return { outcome: 'unknown', failure: failure('unknown', detail) };
  }
  return { outcome: 'refused', failure: why ?? statusFailure(answer.status) };
}
