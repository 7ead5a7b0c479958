import { RequestRefused, Requests, type JsonLike } from '#bus';
import { can, type JsonObject } from '#connector';
import { brand, failure, type AccountId } from '#model';
import type { LinkRuntime } from './link-runtime.js';

/** The address at which the holder of a link is asked. */
export function linkAddress(link: string): string {
  return `link:${link}`;
}

/** What may be asked of a live session. */
interface LinkAsk {
  readonly act?: string;
  readonly account?: string;
  /** The address of a conversation. */
  readonly conversation?: string;
  readonly active?: boolean;
  readonly kind?: string;
  readonly options?: JsonObject;
}

/** Serves momentary questions and acts for one live link, until the answer is called. */
export function serveLink(requests: Requests, runtime: LinkRuntime): () => void {
  return requests.serve(linkAddress(runtime.link), (body, signal) =>
    answer(runtime, body as LinkAsk, signal),
  );
}

async function answer(runtime: LinkRuntime, ask: LinkAsk, signal: AbortSignal): Promise<JsonLike> {
  const account: AccountId = brand<'AccountId'>(ask.account ?? '');
  if (!runtime.carries(account)) throw refusal('not-found', 'This account has no session now.');
  const session = runtime.live;
  const conversation = ask.conversation ?? '';
  switch (ask.act) {
    case 'occupants':
      if (!can(session, 'has-rooms')) throw unsupported();
      return session.occupants(account, conversation) as unknown as JsonLike;
    case 'typing':
      if (!can(session, 'shows-typing')) throw unsupported();
      session.typing(account, conversation, ask.active === true);
      return null;
    case 'request': {
      if (!can(session, 'takes-requests') || !session.requestKinds.includes(ask.kind ?? ''))
        throw unsupported();
      const outcome = await session.request(
        account,
        {
          kind: ask.kind ?? '',
          ...(ask.conversation === undefined ? {} : { conversation }),
          options: ask.options ?? {},
        },
        signal,
      );
      if (outcome.outcome === 'refused') {
        throw refusal(outcome.failure.code, outcome.failure.detail ?? 'The network refused.');
      }
      return outcome.answer;
    }
    case undefined:
    default:
      throw unsupported();
  }
}

function unsupported(): RequestRefused {
  return refusal('unsupported', 'This network cannot do that.');
}

function refusal(code: ReturnType<typeof failure>['code'], detail: string): RequestRefused {
  return new RequestRefused(code, detail);
}
