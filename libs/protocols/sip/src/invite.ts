import { Asking, unanswered, viaOf, type Answer, type Ask, type Ways } from './ask.js';
import { buildMessage } from './build.js';
import { branchOf, type Clients } from './clients.js';
import { contactOf, routed } from './dialog.js';
import { formatCSeq, parseCSeq } from './headers/cseq.js';
import { parseNameAddr, tagOf } from './headers/name-addr.js';
import { requestOf, type SipRequest, type SipResponse } from './message.js';
import { Headers } from './message-headers.js';
import { InviteClientTransaction } from './transactions/client-invite.js';
import { newBranch } from './transactions/keys.js';
import type { Flow } from './transport/flow.js';
import { parseUri } from './uri.js';

export interface InviteAsk extends Omit<Ask, 'timeoutMs'> {
  /**
   * Waited for before each try leaves, with what it will be on the wire: whoever keeps that can cancel it even if this
   * process dies (`SipStack.cancel`). Where it rejects, nothing leaves.
   */
  readonly before?: (request: SipRequest, flow: Flow) => Promise<void>;
  /** A response of 101 to 199. */
  readonly provisional?: (response: SipResponse, flow: Flow) => void;
  /** A 2xx besides the answer, of another fork: acknowledge it, and end with BYE what is not wanted (§13.2.2.4). */
  readonly late?: (response: SipResponse, flow: Flow) => void;
}

/** An INVITE under way. */
export interface InviteHandle {
  /** The first final response; never rejects. After `cancel` usually 487, but a 2xx may have been faster. */
  readonly answer: Promise<Answer>;
  /**
   * Gives it up: CANCEL goes out as soon as it may, which is after a provisional response (§9.1).
   * @param headers of the CANCEL, as Reason (RFC 3326).
   */
  cancel(headers?: Readonly<Record<string, string>>): void;
  /**
   * Acknowledges a 2xx; goes out again for each retransmission of it.
   * @param over where it goes, if not the way of the INVITE.
   */
  ack(
    response: SipResponse,
    more?: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Buffer | string;
      readonly over?: Flow;
    },
  ): SipRequest;
}

/** Forks of which a 2xx is told. */
const mostForks = 64;

interface Sent {
  readonly request: SipRequest;
  readonly flow: Flow;
}

export class Invite implements InviteHandle {
  readonly answer: Promise<Answer>;
  readonly #ways: Ways;
  readonly #clients: Clients;
  readonly #ask: InviteAsk;
  readonly #giveUp = new AbortController();
  /** By To-tag of the 2xx: undefined while the user has not acknowledged. */
  readonly #forks = new Map<string, (() => void) | undefined>();
  #sent: Sent | undefined;
  #transaction: InviteClientTransaction | undefined;
  #cancelHeaders: Readonly<Record<string, string>> = {};
  #isCancelSent = false;

  constructor(ways: Ways, clients: Clients, ask: InviteAsk) {
    this.#ways = ways;
    this.#clients = clients;
    this.#ask = ask;
    const asking = new Asking(ways, { ...ask, signal: this.#giveUp.signal }, (request, bytes, flow) =>
      this.#carry(request, bytes, flow),
    );
    const abort = (): void => {
      this.cancel();
    };
    if (ask.signal?.aborted === true) abort();
    ask.signal?.addEventListener('abort', abort);
    this.answer = asking.run().finally(() => ask.signal?.removeEventListener('abort', abort));
  }

  cancel(headers: Readonly<Record<string, string>> = {}): void {
    if (this.#giveUp.signal.aborted) return;
    this.#cancelHeaders = headers;
    this.#giveUp.abort();
    if (this.#transaction?.isProceeding === true) this.#sendCancel();
  }

  ack(
    response: SipResponse,
    { headers = {}, body, over }: Parameters<InviteHandle['ack']>[1] = {},
  ): SipRequest {
    const invite = this.#sent;
    if (invite === undefined) throw new TypeError('there is nothing to acknowledge');
    const flow = over ?? invite.flow;
    const request = acknowledgementOf(invite.request, response, flow, {
      headers,
      ...(body !== undefined && { body }),
    });
    const bytes = buildMessage(request);
    const send = (): void => void flow.send(bytes);
    this.#forks.set(forkOf(response), send);
    send();
    return request;
  }

  async #carry(request: SipRequest, bytes: Buffer, flow: Flow): Promise<Answer> {
    const { before } = this.#ask;
    if (before === undefined) return this.#put(request, bytes, flow);
    try {
      await before(request, flow);
    } catch (error) {
      return unanswered('not-sent', error instanceof Error ? error.message : 'it may not leave');
    }
    return this.#giveUp.signal.aborted ? unanswered('aborted', 'given up') : this.#put(request, bytes, flow);
  }

  #put(request: SipRequest, bytes: Buffer, flow: Flow): Promise<Answer> {
    const { refusal } = this.#clients;
    if (refusal !== undefined) return Promise.resolve(unanswered('not-sent', refusal));
    const branch = branchOf(request);
    this.#sent = { request, flow };
    this.#isCancelSent = false;
    return new Promise((resolve) => {
      let left = false;
      let unwatch = (): void => undefined;
      const none = (why: 'not-sent' | 'timeout' | 'broken' | 'aborted', detail: string): void => {
        unwatch();
        resolve({ answer: 'none', why, left, detail, flow, request });
      };
      const fail = (why: 'not-sent' | 'broken' | 'aborted', detail: string): void => {
        none(why, detail);
        transaction.stop();
      };
      const setting = this.#clients.settingOf(flow);
      const since = setting.clock.monotonic();
      const transaction = new InviteClientTransaction(setting, {
        send: () => {
          const isFirst = !left;
          const failed = (why: string): void => {
            if (!isFirst) return;
            left = false;
            fail('not-sent', why);
          };
          left = flow.send(bytes, failed) || left;
          if (!left) fail('not-sent', flow.isOpen ? 'too much waits for this peer' : 'the flow is over');
        },
        acknowledge: (response) => void flow.send(buildMessage(refusalAck(request, response))),
        provisional: (response) => {
          if (this.#giveUp.signal.aborted) this.#sendCancel();
          else if (response.status > 100) this.#ask.provisional?.(response, flow);
        },
        final: (response) => {
          unwatch();
          if (response.status < 300) this.#succeeded(response, flow);
          resolve({ answer: 'response', response, flow, request });
        },
        timeout: () => {
          none('timeout', 'nobody answered');
          flow.unanswered(since);
        },
        over: () => {
          this.#clients.remove(branch, 'INVITE');
        },
      });
      this.#transaction = transaction;
      this.#clients.add(branch, 'INVITE', {
        receive: (response) => {
          transaction.receive(response);
        },
        stop: () => {
          fail('aborted', 'the stack is closed');
        },
      });
      transaction.start();
      unwatch = flow.ended((why) => {
        fail('broken', why);
      });
    });
  }

  /** A 2xx: the answer, one of another fork, or one once more. */
  #succeeded(response: SipResponse, flow: Flow): void {
    const fork = forkOf(response);
    if (this.#forks.has(fork)) this.#forks.get(fork)?.();
    else if (this.#forks.size < mostForks) {
      const isFirst = this.#forks.size === 0;
      this.#forks.set(fork, undefined);
      if (!isFirst) this.#ask.late?.(response, flow);
    }
  }

  #sendCancel(): void {
    if (this.#isCancelSent || this.#sent === undefined) return;
    this.#isCancelSent = true;
    const { request, flow } = this.#sent;
    const cancel = cancelOf(request, this.#cancelHeaders);
    this.#transaction?.cancelled();
    void this.#clients.carry(cancel, buildMessage(cancel), flow);
  }
}

/** The CANCEL of an INVITE as that went out, with its Via (§9.1). */
export function cancelOf(invite: SipRequest, headers: Readonly<Record<string, string>>): SipRequest {
  const cancel = requestOf('CANCEL', invite.uri, aboutInvite(invite, 'CANCEL'));
  for (const [name, value] of Object.entries(headers)) cancel.headers.add(name, value);
  return cancel;
}

/** What CANCEL and ACK have of their INVITE: the topmost Via, and who calls whom (§9.1, §17.1.1.3). */
function aboutInvite({ headers: invite }: SipRequest, method: string, to = invite.get('to') ?? ''): Headers {
  const headers = new Headers();
  headers.add('via', invite.list('via')[0] ?? '');
  for (const route of invite.all('route')) headers.add('route', route);
  headers
    .add('max-forwards', '70')
    .add('from', invite.get('from') ?? '')
    .add('to', to);
  headers.add('call-id', invite.get('call-id') ?? '');
  return headers.add('cseq', sequenceFor(invite, method));
}

function refusalAck(invite: SipRequest, response: SipResponse): SipRequest {
  return requestOf('ACK', invite.uri, aboutInvite(invite, 'ACK', response.headers.get('to')));
}

/** The ACK of a 2xx: a request in the dialog, with the credentials of the INVITE (§13.2.2.4). */
function acknowledgementOf(
  { headers: invite, uri: asked }: SipRequest,
  response: SipResponse,
  flow: Flow,
  {
    headers: more,
    body,
  }: { readonly headers: Readonly<Record<string, string>>; readonly body?: Buffer | string },
): SipRequest {
  const target = contactOf(response.headers) ?? asked;
  const { uri, routes } =
    tagOf(invite.get('to')) === undefined
      ? routed(target, response.headers.list('record-route').toReversed())
      : within(target, asked, invite.list('route'));
  const headers = new Headers();
  headers.add('via', viaOf(flow, newBranch()));
  for (const route of routes) headers.add('route', route);
  headers.add('max-forwards', '70').add('from', invite.get('from') ?? '');
  headers.add('to', response.headers.get('to') ?? '').add('call-id', invite.get('call-id') ?? '');
  headers.add('cseq', sequenceFor(invite, 'ACK'));
  for (const field of ['authorization', 'proxy-authorization']) {
    for (const value of invite.all(field)) headers.add(field, value);
  }
  for (const [name, value] of Object.entries(more)) headers.add(name, value);
  return requestOf('ACK', uri, headers, body);
}

/** Within a dialog the routes stand, whatever a response records (§12.2): the ACK goes as its INVITE went. */
function within(target: string, asked: string, routes: readonly string[]): ReturnType<typeof routed> {
  const [first] = routes;
  const uri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  // A strict router has the Request-URI for itself, and the target is the last route.
  const isLoose = uri === undefined || parseUri(uri)?.params.has('lr') !== false;
  return { uri: isLoose ? target : asked, routes };
}

function sequenceFor(invite: Headers, method: string): string {
  return formatCSeq({ number: parseCSeq(invite.get('cseq') ?? '')?.number ?? 1, method });
}

function forkOf(response: SipResponse): string {
  return tagOf(response.headers.get('to')) ?? '';
}
