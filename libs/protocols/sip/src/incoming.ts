import type { X509Certificate } from 'node:crypto';
import { newTag, responseTo, type Reply } from './answering.js';
import { buildMessage } from './build.js';
import { tagOf } from './headers/name-addr.js';
import type { SipRequest, SipResponse } from './message.js';
import type { Setting } from './transactions/client.js';
import { ServerTransaction } from './transactions/server.js';
import { InviteServerTransaction } from './transactions/server-invite.js';
import type { Flow, Place, Transport } from './transport/flow.js';

/** Who sent a request. */
export interface Source extends Place {
  readonly transport: Transport;
  readonly certificate?: X509Certificate;
}

/** A request that waits for its answer; CANCEL and ACK are told by what they are about. */
export interface Incoming {
  /** Its topmost Via says where it came from. */
  readonly request: SipRequest;
  readonly source: Source;
  readonly flow: Flow;
  /** Of the To of our responses. */
  readonly tag: string;
  /** Whether no response of ours goes out any more: it was answered, or the client no longer waits (RFC 4320). */
  readonly isOver: boolean;
  /**
   * Answers. One provisional response after another may go to an INVITE; after the final one nothing does. A 2xx to an INVITE
   * is sent again until its ACK comes.
   * @returns the response as built, sent or not.
   */
  respond(status: number, reply?: Reply): SipResponse;
  /**
   * Answers finally, and holds nothing of it (§8.2.7): for strangers, of whom there may be more than there is room for. Sent
   * again it is new, and is told the same.
   */
  dismiss(status: number, reply?: Reply): void;
  /** Forgets it without an answer, for a sender who is worth none: whoever waits for one gives up. */
  ignore(): void;
  /** Of an INVITE: it is no longer wanted. 487 is sent after this, unless it answered. The CANCEL itself is answered. */
  cancelled: ((cancel: SipRequest) => void) | undefined;
  /** The first ACK of our 2xx. */
  acked: ((ack: SipRequest) => void) | undefined;
  /** No ACK of our 2xx came in 64*T1: end what it began, with BYE. */
  unacked: (() => void) | undefined;
}

/** What requests are answered with. */
export interface Answerer {
  readonly setting: Setting;
  /** The product, for Server. */
  readonly server: string;
  readonly send: (bytes: Buffer) => void;
  /** A tag that is the same however often the request comes. */
  readonly lastingTag: () => string;
  /** The transaction is over: `last` goes out again where the request does. */
  readonly over: (last: Buffer | undefined) => void;
  /** It is over, and nothing is held of it: sent again, it is new. */
  readonly forget: () => void;
}

abstract class Served implements Incoming {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly tag: string;
  cancelled: ((cancel: SipRequest) => void) | undefined = undefined;
  acked: ((ack: SipRequest) => void) | undefined = undefined;
  unacked: (() => void) | undefined = undefined;
  readonly #answerer: Answerer;

  constructor(request: SipRequest, flow: Flow, answerer: Answerer) {
    this.request = request;
    this.flow = flow;
    this.tag = tagOf(request.headers.get('to')) ?? newTag();
    this.#answerer = answerer;
  }

  get source(): Source {
    const { transport, remote, certificate } = this.flow;
    return { transport, ...remote, ...(certificate !== undefined && { certificate }) };
  }

  respond(status: number, reply: Reply = {}): SipResponse {
    const response = responseTo(this.request, status, reply, this.tag, this.#answerer.server);
    this.give(buildMessage(response), status);
    return response;
  }

  dismiss(status: number, reply: Reply = {}): void {
    if (this.isOver) return;
    this.ignore();
    const { send, lastingTag, server } = this.#answerer;
    send(buildMessage(responseTo(this.request, status, reply, lastingTag(), server)));
  }

  abstract readonly isOver: boolean;
  /** The request came once more. */
  abstract retransmitted(): void;
  abstract ignore(): void;
  abstract stop(): void;
  protected abstract give(bytes: Buffer, status: number): void;

  protected trying(): Buffer {
    return buildMessage(responseTo(this.request, 100, {}, this.tag, this.#answerer.server));
  }
}

export type { Served };

/** A request that is not INVITE. */
export class ServedRequest extends Served {
  readonly #transaction: ServerTransaction;
  readonly #forget: () => void;

  constructor(request: SipRequest, flow: Flow, answerer: Answerer) {
    super(request, flow, answerer);
    const { setting, send, over, forget } = answerer;
    this.#forget = forget;
    this.#transaction = new ServerTransaction(setting, { send, over, trying: () => this.trying() });
  }

  get isOver(): boolean {
    return this.#transaction.isOver;
  }

  retransmitted(): void {
    this.#transaction.retransmitted();
  }

  ignore(): void {
    if (this.isOver) return;
    this.stop();
    this.#forget();
  }

  stop(): void {
    this.#transaction.stop();
  }

  protected give(bytes: Buffer, status: number): void {
    // 100 is sent when it is due, and no other provisional response ever (RFC 4320 §4.1).
    if (status >= 200) this.#transaction.respond(bytes);
  }
}

export class ServedInvite extends Served {
  readonly #transaction: InviteServerTransaction;
  #isIgnored = false;

  constructor(request: SipRequest, flow: Flow, answerer: Answerer) {
    super(request, flow, answerer);
    const { setting, send, over, forget } = answerer;
    this.#transaction = new InviteServerTransaction(setting, {
      send,
      trying: () => this.trying(),
      unacknowledged: () => this.unacked?.(),
      over: () => {
        if (this.#isIgnored) forget();
        else over(undefined);
      },
    });
  }

  get isOver(): boolean {
    return this.#transaction.isAnswered;
  }

  retransmitted(): void {
    this.#transaction.retransmitted();
  }

  acknowledged(ack: SipRequest): void {
    if (this.#transaction.acknowledged()) this.acked?.(ack);
  }

  /** A CANCEL came (§9.2). */
  cancel(cancel: SipRequest): void {
    if (this.isOver) return;
    this.cancelled?.(cancel);
    // Does nothing where that answered.
    this.respond(487);
  }

  ignore(): void {
    if (this.isOver) return;
    this.#isIgnored = true;
    this.stop();
  }

  stop(): void {
    this.#transaction.stop();
  }

  protected give(bytes: Buffer, status: number): void {
    this.#transaction.respond(bytes, status);
  }
}
