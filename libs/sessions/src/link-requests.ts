import { RequestRefused, Requests, type JsonLike } from '#bus';
import { can, type Place } from '#connector';
import {
  linkAddress,
  pageOfOccupants,
  positionsBefore,
  type ActRequest,
  type HistoryAnswer,
  type HistoryRequest,
  type LinkRequest,
  type OccupantsAnswer,
  type OccupantsRequest,
} from '#conversations';
import type { ErrorCode } from '#model';
import { handleCall, type CallRequest } from './call-requests.js';
import type { LinkRuntime } from './link-runtime.js';

/** Serves momentary questions and acts for one live link, until the answer is called. */
export function serveLink(requests: Requests, runtime: LinkRuntime): () => void {
  return requests.serve(linkAddress(runtime.link), (body, signal) =>
    answer(runtime, body as unknown as LinkRequest | CallRequest, signal),
  );
}

async function answer(
  runtime: LinkRuntime,
  request: LinkRequest | CallRequest,
  signal: AbortSignal,
): Promise<JsonLike> {
  if (!runtime.carries(request.account)) throw refusal('not-found', 'This account has no session now.');
  switch (request.act) {
    case 'occupants':
      return occupants(runtime, request) as unknown as JsonLike;
    case 'typing':
      if (can(runtime.live, 'shows-typing')) {
        runtime.live.typing(request.account, request.conversation, request.active);
      }
      return null;
    case 'read':
      if (can(runtime.live, 'marks-read')) {
        runtime.live.markRead(request.account, request.conversation, placeOf(request.upTo));
      }
      return null;
    case 'history':
      return (await history(runtime, request, signal)) as unknown as JsonLike;
    case 'request':
      return await act(runtime, request, signal);
    case 'place-call':
    case 'end-call':
      return await handleCall(runtime, request);
  }
}

function occupants(runtime: LinkRuntime, request: OccupantsRequest): OccupantsAnswer {
  if (!can(runtime.live, 'has-rooms')) throw unsupported();
  return pageOfOccupants(runtime.live.occupants(request.account, request.conversation), request);
}

/** A page that brings nothing new leads on to the next, but not for ever. */
const mostPages = 5;

/** Fetches what is older than the house has it and takes it in. */
async function history(
  runtime: LinkRuntime,
  request: HistoryRequest,
  signal: AbortSignal,
): Promise<HistoryAnswer> {
  const { live } = runtime;
  const { account, conversation, limit } = request;
  if (!can(live, 'has-history')) throw unsupported();
  let before = request.before && placeOf(request.before);
  // Where nothing is here yet: what is past stands before now.
  let below = request.below === undefined ? Date.now() * 1_000 : Number(request.below);
  for (let page = 1; ; page++) {
    const found = await live.history(account, { conversation, limit, ...(before && { before }) }, signal);
    if (found.outcome === 'refused') {
      throw refusal(found.failure.code, found.failure.detail ?? 'The network refused.');
    }
    const positions = positionsBefore(
      found.events.map(({ at }) => at),
      below,
    );
    const stored = await runtime.takeIn(found.events, positions);
    const complete = found.complete || found.next === undefined;
    if (stored > 0 || complete || page === mostPages) return { stored, complete };
    before = found.next;
    below = positions[0] ?? below;
  }
}

/** A place as it was before it travelled as JSON. */
function placeOf(place: HistoryRequest['before'] & object): Place {
  return { at: new Date(place.at), remoteIds: place.remoteIds };
}

async function act(runtime: LinkRuntime, request: ActRequest, signal: AbortSignal): Promise<JsonLike> {
  const session = runtime.live;
  const { account, kind, conversation, options } = request;
  if (!can(session, 'takes-requests') || !session.requestKinds.includes(kind)) throw unsupported();
  const about = { kind, options, ...(conversation !== undefined && { conversation }) };
  const outcome = await session.request(account, about, signal);
  if (outcome.outcome === 'refused') {
    throw refusal(outcome.failure.code, outcome.failure.detail ?? 'The network refused.');
  }
  return outcome.answer;
}

function unsupported(): RequestRefused {
  return refusal('unsupported', 'This network cannot do that.');
}

function refusal(code: ErrorCode, detail: string): RequestRefused {
  return new RequestRefused(code, detail);
}
