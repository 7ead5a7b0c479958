import { Injectable } from '@nestjs/common';
import type { AccountRow } from '#accounts';
import { NoResponder, RequestRefused, Requests, RequestTimeout, type JsonLike } from '#bus';
import type { JsonObject, JsonValue, Occupant, RemoteId } from '#connector';
import type { AccountId, ErrorCode, LinkId } from '#model';
import { Problem } from '#platform';

/*
 * Momentary questions and acts for the session that holds a link. It serves `linkAddress(link)` while it holds the
 * lease, answers as below, and refuses with `RequestRefused` and one of the closed codes.
 */

/** Who is in a room: in the order of their addresses (by code unit), those behind `after`, at most `limit`. */
export interface OccupantsRequest {
  readonly act: 'occupants';
  readonly account: AccountId;
  /** The conversation's address, as its connector normalised it. */
  readonly conversation: string;
  readonly after?: string;
  readonly limit: number;
}
export interface OccupantsAnswer {
  readonly occupants: readonly Occupant[];
  /** Whether more follow. */
  readonly more: boolean;
}

/** The page that was asked for, of all occupants of a room: an answer must be small, and rooms are not. */
export function pageOfOccupants(
  all: readonly Occupant[],
  { after, limit }: Pick<OccupantsRequest, 'after' | 'limit'>,
): OccupantsAnswer {
  const behind = all
    .filter((occupant) => after === undefined || occupant.address > after)
    .sort((a, b) => (a.address < b.address ? -1 : 1));
  return { occupants: behind.slice(0, limit), more: behind.length > limit };
}

/**
 * Set a topic, kick, list rooms: answered with what `TakesRequests` of the connector's contract answers. Without a
 * conversation it is about the account.
 */
export interface ActRequest {
  readonly act: 'request';
  readonly account: AccountId;
  readonly conversation?: string;
  readonly kind: string;
  readonly options: JsonObject;
}

/** Our person is writing, or has stopped. The answer means nothing. */
export interface TypingRequest {
  readonly act: 'typing';
  readonly account: AccountId;
  readonly conversation: string;
  readonly active: boolean;
}

/** A message as a place in a conversation, as it travels. */
export interface PlaceOnNetwork {
  /** RFC 3339. */
  readonly at: string;
  readonly remoteIds: readonly RemoteId[];
}

/** Fetch what is older than a place, and store it. */
export interface HistoryRequest {
  readonly act: 'history';
  readonly account: AccountId;
  readonly conversation: string;
  readonly before?: PlaceOnNetwork;
  /** The position of that place here: what is fetched is put before it. Absent where nothing is here. */
  readonly below?: string;
  readonly limit: number;
}
export interface HistoryAnswer {
  /** How many messages were new. */
  readonly stored: number;
  /** Whether the network has nothing older. */
  readonly complete: boolean;
}

/** Our person has read so far. The answer means nothing. */
export interface ReadRequest {
  readonly act: 'read';
  readonly account: AccountId;
  readonly conversation: string;
  readonly upTo: PlaceOnNetwork;
}

export type LinkRequest = OccupantsRequest | ActRequest | TypingRequest | HistoryRequest | ReadRequest;

/** What every request has. */
interface AnyRequest {
  readonly act: string;
  readonly account: AccountId;
}

/** Where the session that holds a link is asked. */
export function linkAddress(link: LinkId): string {
  return `link:${link}`;
}

/** Asks live sessions on behalf of a person, and says what came of it as a problem that they can act on. */
@Injectable()
export class LinkRequests {
  constructor(private readonly requests: Requests) {}

  /** @throws Problem 409 with the session's code, 503 `no-session`, 504 `timeout` */
  async occupants(
    account: AccountRow,
    request: OccupantsRequest,
    deadlineMs: number,
  ): Promise<OccupantsAnswer> {
    const answer = await this.ask(account, request, deadlineMs);
    return answer as unknown as OccupantsAnswer;
  }

  /** @throws Problem as `occupants` */
  async act(account: AccountRow, request: ActRequest, deadlineMs: number): Promise<JsonValue> {
    return (await this.ask(account, request, deadlineMs)) as JsonValue;
  }

  /** @throws Problem as `occupants` */
  async history(account: AccountRow, request: HistoryRequest, deadlineMs: number): Promise<HistoryAnswer> {
    return (await this.ask(account, request, deadlineMs)) as unknown as HistoryAnswer;
  }

  /** Tells the session in passing: whether it heard is nobody's concern. */
  tell(account: AccountRow, request: TypingRequest | ReadRequest): void {
    this.requests.ask(linkAddress(account.link), asLike(request), 2_000).catch(() => undefined);
  }

  /**
   * Any request that the session's side knows, for the rooms above.
   * @throws Problem as `occupants`
   */
  async ask(account: AccountRow, request: AnyRequest, deadlineMs: number): Promise<JsonLike> {
    mustBeOnline(account);
    try {
      return await this.requests.ask(linkAddress(account.link), asLike(request), deadlineMs);
    } catch (error) {
      if (error instanceof NoResponder) throw noSession(error);
      if (error instanceof RequestTimeout) {
        throw new Problem(
          504,
          'timeout',
          'The network did not answer in time; it may have been done or not.',
          {
            cause: error,
          },
        );
      }
      if (error instanceof RequestRefused) {
        throw new Problem(statusOf(error.code), error.code, error.detail, { cause: error });
      }
      throw error;
    }
  }
}

/** Every request is JSON; that its optional fields may be absent is what the types cannot see. */
function asLike(request: AnyRequest): JsonLike {
  return { ...request };
}

/** @throws Problem 409 with the session's code, or `not-online` */
export function mustBeOnline({ session }: AccountRow): void {
  if (session.state === 'online') return;
  const code = 'code' in session ? session.code : 'not-online';
  throw new Problem(409, code, 'The account is not online now.', { members: { session: session.state } });
}

function noSession(cause: Error): Problem {
  return new Problem(503, 'no-session', 'No worker holds the session of this account now.', {
    retryAfterSeconds: 5,
    cause,
  });
}

/** What was refused is in conflict with how the network stands, but for what trying again can help. */
function statusOf(code: ErrorCode): number {
  switch (code) {
    case 'timeout':
      return 504;
    case 'rate-limited':
      return 429;
    case 'network-unreachable':
    case 'server-shutdown':
    case 'storage-unavailable':
    case 'internal':
      return 503;
    case 'refused':
    case 'tls-untrusted':
    case 'tls-expired':
    case 'tls-mismatch':
    case 'auth-failed':
    case 'auth-method':
    case 'auth-required':
    case 'name-in-use':
    case 'banned':
    case 'protocol-violation':
    case 'resource-conflict':
    case 'account-gone':
    case 'not-found':
    case 'not-allowed':
    case 'too-large':
    case 'unsupported':
    case 'insufficient-credit':
    case 'opted-out':
    case 'unknown':
      return 409;
  }
}
