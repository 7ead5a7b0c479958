/*
 * The way of one account to its network, for whoever says something on its behalf: messages, presence, calls. Behind it is
 * a registration or a trunk; nobody above needs to know.
 */
import { randomBytes } from 'node:crypto';
import type { InboundParty } from '#connector';
import {
  formatNameAddr,
  requestOf,
  type Answer,
  type Flow,
  type Incoming,
  type InviteAsk,
  type InviteHandle,
  type SipRequest,
} from '#protocols/sip';
import { uriOf } from './sip.addresses.js';

export interface Line {
  /** Our own address, as `addresses` writes it. */
  readonly self: string;
  /** The name that others see. */
  readonly displayName: string | undefined;
  /** Our Contact over a flow, without parameters of a registration (RFC 3261 §8.1.1.8). */
  contact(flow: Flow): string;
  /**
   * Asks somebody of our network, or of another through it; waits for the final response. Never rejects.
   * @param request without Via and Contact.
   */
  ask(request: SipRequest, options?: AskOptions): Promise<Answer>;
  /** Whom a request is from: whom the network vouches for (RFC 3325), or else whom From names; undefined for nobody. */
  authorOf(incoming: Incoming): InboundParty | undefined;
  /** The same for a call; undefined where there is no way now. */
  invite(request: SipRequest, options?: InviteOptions): Promise<InviteHandle | undefined>;
  /** Cancels an INVITE that went out with an earlier session, or over a way that is gone; as it was on the wire. */
  cancel(invite: SipRequest, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The flow to the place of a URI, as `hop` says it; undefined where there is none now. */
  flowTo(hop: string): Promise<Flow | undefined>;
}

export interface AskOptions {
  /** The URI that decides where it goes first, where a dialog says so; else it goes to our own server, or to the peer. */
  readonly hop?: string;
  /** Says where we are to be asked back: what makes a dialog, or keeps one. */
  readonly contact?: boolean;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export type InviteOptions = AskOptions & Pick<InviteAsk, 'before' | 'provisional' | 'late'>;

/** Takes the requests of some methods that come to an account. Answers each, at once or when it is stored. */
export interface Service {
  readonly methods: readonly string[];
  /** Whether it takes one; undefined events for what is not a matter of events. */
  takes?(incoming: Incoming): boolean;
  take(incoming: Incoming): void;
  /** The account is on its network, or is so again over another flow. */
  online?(): void;
  /** It is so no longer; nothing can be said. */
  offline?(): void;
  /** The farewell, while it is still online; then `offline` follows. */
  leave?(): Promise<void>;
}

export interface Naming {
  readonly callId?: string;
  readonly fromTag?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | string;
}

/**
 * A request of ours outside a dialog (RFC 3261 §8.1.1), without Via and Contact.
 * @param to a URI: both whom it is for and its Request-URI.
 */
export function newRequest(line: Line, method: string, to: string, naming: Naming = {}): SipRequest {
  const { callId = randomBytes(16).toString('hex'), fromTag = newTag(), headers = {}, body } = naming;
  const from = formatNameAddr({
    ...(line.displayName !== undefined && { display: line.displayName }),
    uri: uriOf(line.self),
    params: new Map([['tag', fromTag]]),
  });
  return requestOf(
    method,
    to,
    { from, to: `<${to}>`, 'call-id': callId, cseq: `1 ${method}`, ...headers },
    body,
  );
}

/** A tag that nobody guesses (RFC 3261 §19.3). */
export function newTag(): string {
  return randomBytes(8).toString('hex');
}
