/* Why a room does not let us in, or does not keep us, and what to do about it (XEP-0045 §7.2, §8.2, §9). Pure. */
import { failure, type Failure } from '#model';
import { status, type MucUser } from './xep/0045.js';

/** What to do after a refusal to let us in. */
export type Refused =
  /** Come under another nick. */
  | { readonly then: 'rename' }
  /** Come under the nick that is reserved for us. */
  | { readonly then: 'ask-nick' }
  | { readonly then: 'fail'; readonly failure: Failure };

const fail = (why: Failure): Refused => ({ then: 'fail', failure: why });

/**
 * @param condition of the error (RFC 6120 §8.3.3).
 * @param usual what the error means anywhere; it has the room's own words.
 */
export function refusedEntry(condition: string, usual: Failure, passwordGiven: boolean): Refused {
  const { detail } = usual;
  switch (condition) {
    case 'conflict':
      return { then: 'rename' };
    case 'not-acceptable':
      return { then: 'ask-nick' };
    case 'not-authorized':
      return fail(
        failure(
          'auth-required',
          passwordGiven ? 'This room takes another password.' : 'This room wants a password.',
        ),
      );
    case 'registration-required':
      return fail(failure('not-allowed', 'Only members may enter this room.'));
    case 'forbidden':
      return fail(failure('banned', detail ?? 'This room has banned the account.'));
    case 'not-allowed':
      return fail(failure('not-allowed', detail ?? 'Rooms may not be made there.'));
    case 'service-unavailable':
      return fail(failure('rate-limited', 'The room is full or its service is away.'));
    // A room that is being made is locked to all but who makes it (§10.1.1).
    case 'item-not-found':
    case 'recipient-unavailable':
    case 'remote-server-timeout':
    case 'remote-server-not-found':
      return fail(failure(usual.code, detail, 'retry'));
    default:
      return fail(usual);
  }
}

/** Why we are in a room no longer; undefined where we went ourselves. */
export function removalOf({ statuses, item, destroyed }: MucUser): Failure | undefined {
  const reason = item?.reason;
  if (destroyed !== undefined) {
    const { alternate, reason: why } = destroyed;
    const moved = alternate === undefined ? undefined : `Its successor is ${alternate}.`;
    const words = [why ?? 'The room was closed.', ...(moved === undefined ? [] : [moved])];
    return failure('account-gone', words.join(' '));
  }
  if (statuses.has(status.banned)) return failure('banned', reason);
  if (statuses.has(status.affiliationLost))
    return failure('not-allowed', reason ?? 'Only members may stay in this room.');
  if (statuses.has(status.membersOnly))
    return failure('not-allowed', reason ?? 'The room is for members only now.');
  if (statuses.has(status.shutdown)) return failure('server-shutdown', reason);
  // A connection that failed is told as a kick as well, so this comes first.
  if (statuses.has(status.technical)) return failure('network-unreachable', reason);
  if (statuses.has(status.kicked))
    return failure('not-allowed', reason ?? 'Somebody has put us out of the room.');
  return undefined;
}
