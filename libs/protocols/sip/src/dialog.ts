import { parseCSeq } from './headers/cseq.js';
import { parseNameAddr, tagOf } from './headers/name-addr.js';
import { requestOf, type SipMessage, type SipRequest, type SipResponse } from './message.js';
import { Headers } from './message-headers.js';
import { parseUri } from './uri.js';

/** What a dialog is, as plain values. */
export interface DialogState {
  readonly callId: string;
  /** Of ours and of theirs; theirs is empty with a peer of RFC 2543. */
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To of our requests, with their tags. */
  readonly local: string;
  readonly remote: string;
  /** The CSeq of our last request; none: we have made none. */
  readonly localSequence?: number;
  readonly remoteSequence?: number;
  /** The Contact of the other side. */
  readonly remoteTarget: string;
  /** Routes in the order in which our requests pass them, as they are written in Route. */
  readonly routeSet: readonly string[];
}

/** Requests whose Contact, and that of their 2xx, is where the next go (RFC 3261 §12.2, 3311, 3515, 6665). */
const targetRefreshers = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

/** A dialog between two user agents (RFC 3261 §12); what it is for, a call or a subscription, is the user's matter. */
export class Dialog {
  #state: DialogState;

  private constructor(state: DialogState) {
    this.#state = state;
  }

  /**
   * The dialog that a response to a request of ours makes (§12.1.2); each fork makes its own.
   * @returns nothing where it makes none: no tag, or no Contact that requests could go to.
   */
  static fromUac(request: SipRequest, response: SipResponse): Dialog | undefined {
    const { headers } = response;
    const remoteTag = tagOf(headers.get('to'));
    const remoteTarget = contactOf(headers);
    const isMade = response.status > 100 && response.status < 300;
    if (!isMade || remoteTag === undefined || remoteTarget === undefined) return undefined;
    const number = sequenceOf(request.headers);
    return new Dialog({
      callId: headers.get('call-id') ?? '',
      localTag: tagOf(headers.get('from')) ?? '',
      remoteTag,
      local: request.headers.get('from') ?? '',
      remote: headers.get('to') ?? '',
      ...(number !== undefined && { localSequence: number }),
      remoteTarget,
      routeSet: headers.list('record-route').toReversed(),
    });
  }

  /**
   * The dialog that our response to a request makes (§12.1.1).
   * @returns nothing where it makes none.
   */
  static fromUas(request: SipRequest, response: SipResponse): Dialog | undefined {
    const { headers } = request;
    const localTag = tagOf(response.headers.get('to'));
    const remoteTarget = contactOf(headers);
    const isMade = response.status > 100 && response.status < 300;
    if (!isMade || localTag === undefined || remoteTarget === undefined) return undefined;
    const number = sequenceOf(headers);
    return new Dialog({
      callId: headers.get('call-id') ?? '',
      localTag,
      remoteTag: tagOf(headers.get('from')) ?? '',
      local: response.headers.get('to') ?? '',
      remote: headers.get('from') ?? '',
      ...(number !== undefined && { remoteSequence: number }),
      remoteTarget,
      routeSet: headers.list('record-route'),
    });
  }

  static fromJSON(state: DialogState): Dialog {
    return new Dialog({ ...state, routeSet: [...state.routeSet] });
  }

  toJSON(): DialogState {
    return this.#state;
  }

  /** Equal to `dialogIdOf` of each of its messages. */
  get id(): string {
    return idOf(this.callId, this.localTag, this.remoteTag);
  }

  get callId(): string {
    return this.#state.callId;
  }

  get localTag(): string {
    return this.#state.localTag;
  }

  get remoteTag(): string {
    return this.#state.remoteTag;
  }

  get remoteTarget(): string {
    return this.#state.remoteTarget;
  }

  get routeSet(): readonly string[] {
    return this.#state.routeSet;
  }

  /** The URI to whose place requests go: the first route, or the other side itself. */
  get hopUri(): string {
    const [first] = this.routeSet;
    return (first === undefined ? undefined : parseNameAddr(first)?.uri) ?? this.remoteTarget;
  }

  /** The next request of ours (§12.2.1.1): its own CSeq, without Via and without Contact. */
  next(
    method: string,
    more: {
      readonly headers?: Headers | Readonly<Record<string, string | readonly string[]>>;
      readonly body?: Buffer | string;
    } = {},
  ): SipRequest {
    const { local, remote, callId, localSequence = 0 } = this.#state;
    const number = localSequence + 1;
    this.#state = { ...this.#state, localSequence: number };
    const { uri, routes } = routed(this.remoteTarget, this.routeSet);
    const headers = new Headers();
    for (const route of routes) headers.add('route', route);
    headers.add('from', local).add('to', remote).add('call-id', callId);
    headers.add('cseq', `${String(number)} ${method}`);
    for (const [name, value] of Headers.from(more.headers ?? {})) headers.add(name, value);
    return requestOf(method, uri, headers, more.body);
  }

  /** A request of ours in this dialog went out: with another CSeq than it was made with, where it was challenged. */
  sent(request: SipRequest): void {
    const number = sequenceOf(request.headers);
    if (number === undefined || number <= (this.#state.localSequence ?? 0)) return;
    this.#state = { ...this.#state, localSequence: number };
  }

  /**
   * A request of theirs (§12.2.2).
   * @returns whether it belongs here, and whether it is older than one before: that is answered with 500.
   */
  receives(request: SipRequest): 'ok' | 'out-of-order' | 'not-mine' {
    if (dialogIdOf(request, 'uas') !== this.id) return 'not-mine';
    const { method, headers } = request;
    // They have the number of what they are about.
    if (method === 'ACK' || method === 'CANCEL') return 'ok';
    const number = sequenceOf(headers) ?? 0;
    if (number < (this.#state.remoteSequence ?? 0)) return 'out-of-order';
    this.#state = { ...this.#state, remoteSequence: number };
    if (targetRefreshers.has(method)) this.#retarget(headers);
    return 'ok';
  }

  /** A response to a request of ours: a 2xx may say where the next are to go (§12.2.1.2). */
  refresh(response: SipResponse): void {
    // Of another fork: it says where that one is.
    if (dialogIdOf(response, 'uac') !== this.id) return;
    const method = parseCSeq(response.headers.get('cseq') ?? '')?.method ?? '';
    const isSuccess = response.status >= 200 && response.status < 300;
    if (isSuccess && targetRefreshers.has(method)) this.#retarget(response.headers);
  }

  #retarget(headers: Headers): void {
    const remoteTarget = contactOf(headers);
    if (remoteTarget !== undefined) this.#state = { ...this.#state, remoteTarget };
  }
}

/**
 * The dialog that a message belongs to.
 * @param side which one is ours: `uas` for a request of theirs, `uac` for a response to ours.
 * @returns nothing where the message has no tag of ours.
 */
export function dialogIdOf({ headers }: SipMessage, side: 'uac' | 'uas'): string | undefined {
  const [from, to] = [tagOf(headers.get('from')), tagOf(headers.get('to'))];
  const [localTag, remoteTag] = side === 'uac' ? [from, to] : [to, from];
  return localTag === undefined ? undefined : idOf(headers.get('call-id') ?? '', localTag, remoteTag ?? '');
}

/** Request-URI and Route of a request to a target along a route (§12.2.1.1), by loose or strict routers. */
export function routed(
  target: string,
  routeSet: readonly string[],
): { readonly uri: string; readonly routes: readonly string[] } {
  const [first, ...others] = routeSet;
  const uri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  if (uri === undefined || parseUri(uri)?.params.has('lr') !== false)
    return { uri: target, routes: routeSet };
  // A strict router: it takes the Request-URI for itself and the last route for the target.
  return { uri, routes: [...others, `<${target}>`] };
}

/** Where the next requests go, by the Contact of a message. */
export function contactOf(headers: Headers): string | undefined {
  const [contact] = headers.list('contact');
  const uri = contact === undefined ? undefined : parseNameAddr(contact)?.uri;
  // It becomes a Request-URI.
  return uri === undefined || parseUri(uri) === undefined || /[\s<>"]/.test(uri) ? undefined : uri;
}

function sequenceOf(headers: Headers): number | undefined {
  return parseCSeq(headers.get('cseq') ?? '')?.number;
}

function idOf(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}
