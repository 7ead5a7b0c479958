/* A line over the ways that there are now: through the own server of an account, or to the peers of a trunk. */
import type { InboundParty } from '#connector';
import {
  followed,
  Headers,
  type Answer,
  type Credentials,
  type Flow,
  type Hop,
  type Incoming,
  type InviteHandle,
  type SipRequest,
  type SipStack,
} from '#protocols/sip';
import type { AskOptions, InviteOptions, Line } from './line.js';
import { domainOf, partyOf } from './sip.addresses.js';

/** Where something goes, first to last. */
export interface Places {
  readonly stack: SipStack;
  readonly hops: readonly (Hop | Flow)[];
}

/** The way of one request. */
export interface RequestWay extends Places {
  /** With what the way wants in it. */
  readonly request: SipRequest;
  /** What it is signed with, where that is asked for. */
  readonly credentials: Credentials | undefined;
}

/** Who an account is, and where what it says goes. */
export interface Ways extends Pick<Line, 'self' | 'displayName' | 'contact'> {
  /** Whom a request is from, where the network vouches for somebody. */
  authorOf?(incoming: Incoming): InboundParty | undefined;
  /** Where a request goes; undefined where there is no way now. @param hop as in `AskOptions` */
  way(request: SipRequest, hop?: string): Promise<RequestWay | undefined>;
  /** Where a URI leads that a dialog names. */
  places(uri: string): Promise<Places | undefined>;
  /** A request was not answered in time. */
  unanswered?(): void;
}

const nowhere: Answer = { answer: 'none', why: 'not-sent', left: false, detail: 'there is no way now' };

/** The line of an account over its ways. */
export function lineOver(ways: Ways): Line {
  const askOf = ({ stack, request, hops, credentials }: RequestWay, contact = false) => ({
    stack,
    ask: {
      request: contact ? withContact(ways, request) : request,
      hops,
      ...(credentials !== undefined && { credentials }),
    },
  });
  const askOnce = async (
    request: SipRequest,
    { hop, contact, signal, timeoutMs }: AskOptions,
  ): Promise<Answer> => {
    const way = await ways.way(request, hop);
    if (way === undefined) return nowhere;
    const { stack, ask } = askOf(way, contact);
    const answer = await stack.request({
      ...ask,
      ...(signal !== undefined && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    if (answer.answer === 'none' && answer.why === 'timeout') ways.unanswered?.();
    return answer;
  };
  return {
    self: ways.self,
    displayName: ways.displayName,
    contact: (flow) => ways.contact(flow),
    authorOf: (incoming) =>
      ways.authorOf?.(incoming) ?? partyOf(incoming.request.headers.get('from') ?? '', domainOf(ways.self)),
    ask: (request, options: AskOptions = {}) =>
      // Within a dialog it is for whom the dialog is with, and for nobody else.
      options.hop === undefined
        ? followed(request, (one) => askOnce(one, options))
        : askOnce(request, options),
    invite: async (
      request,
      { hop, contact, ...options }: InviteOptions = {},
    ): Promise<InviteHandle | undefined> => {
      const way = await ways.way(request, hop);
      if (way === undefined) return undefined;
      const { stack, ask } = askOf(way, contact);
      return stack.invite({ ...ask, ...options });
    },
    cancel: async (invite, headers) => {
      const way = await ways.way(invite);
      return way === undefined ? nowhere : way.stack.cancel(invite, way.hops, headers);
    },
    flowTo: async (uri) => {
      const places = await ways.places(uri);
      const first = places?.hops[0];
      if (places === undefined || first === undefined || 'isOpen' in first) return first as Flow | undefined;
      return places.stack.flowTo(first).catch(() => undefined);
    },
  };
}

/** A request with our Contact, which depends on the way that it takes. */
function withContact(ways: Ways, request: SipRequest): (flow: Flow) => SipRequest {
  return (flow) => ({
    ...request,
    headers: Headers.from(request.headers).set('contact', `<${ways.contact(flow)}>`),
  });
}
