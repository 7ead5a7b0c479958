import { RequestRefused } from '#bus';
import { can, type CallName, type PlacesCalls } from '#connector';
import type { AccountId, CallId } from '#model';
import type { LinkRuntime } from './link-runtime.js';

/** Place a call. The answer means that it is on its way. Served as the requests of `LinkRequests` are. */
export interface PlaceCallRequest {
  readonly act: 'place-call';
  readonly account: AccountId;
  readonly call: CallId;
  readonly from?: string;
  readonly to: string;
}

/** Hang up or decline. The answer means that it is ending. */
export interface EndCallRequest {
  readonly act: 'end-call';
  readonly account: AccountId;
  readonly call: CallName;
}

export type CallRequest = PlaceCallRequest | EndCallRequest;

/** @throws RequestRefused with the session's code; `not-found` for a call that it does not know */
export async function handleCall(runtime: LinkRuntime, request: CallRequest): Promise<null> {
  const { account } = request;
  const outcome =
    request.act === 'place-call'
      ? await exchangeOf(runtime).placeCall(account, {
          call: request.call,
          to: request.to,
          ...(request.from !== undefined && { from: request.from }),
        })
      : await exchangeOf(runtime).endCall(account, request.call);
  if (outcome.outcome !== 'refused') return null;
  const { code, detail = 'The network refused.' } = outcome.failure;
  throw new RequestRefused(code, detail);
}

function exchangeOf({ live }: LinkRuntime): PlacesCalls {
  if (!can(live, 'places-calls')) throw new RequestRefused('unsupported', 'This network cannot do that.');
  return live;
}
