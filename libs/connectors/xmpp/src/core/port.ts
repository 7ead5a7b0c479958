/*
 * What the services of an account speak through. A client's stream and a component's give the same port, so that no
 * service knows which of them carries it.
 */
import type { Failure } from '#model';
import type { Element } from './xml.js';

/** Who we are on the stream, prepared (xmpp.addresses.ts). */
export interface Self {
  readonly full: string;
  readonly bare: string;
  /** Of our server. */
  readonly domain: string;
}

/**
 * The server has it; or the stream that carried it is over and nobody can say; or it was never sent, because the server
 * would end the stream over a stanza of that size.
 */
export type Fate = 'acknowledged' | 'lost' | 'too-large';

export interface Port {
  readonly self: Self;
  /** Bytes that one stanza may have. */
  readonly maxBytes: number;
  /**
   * Puts a stanza on the wire behind all before it; over a cut it is sent again where the stream is resumed.
   * @param settled called once: when the server has acknowledged it or no longer can, at once where it is too large.
   */
  send(stanza: Element, settled?: (fate: Fate) => void): void;
  /** Asks, and takes an answer from nobody but whom it asked (RFC 6120 §8.1.2.1). Never rejects. */
  iq(ask: IqAsk): Promise<IqAnswer>;
}

export interface IqAsk {
  readonly type: 'get' | 'set';
  /** Our own account where nothing is said. */
  readonly to?: string;
  readonly payload: Element;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type IqAnswer =
  | { readonly ok: true; readonly payload: Element | undefined; readonly stanza: Element }
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** The condition of the error (RFC 6120 §8.3.3); absent where nobody answered. */
      readonly condition?: string;
      readonly error?: Element;
    };

/** How a question of theirs is answered. */
export interface IqReply {
  result(payload?: Element): void;
  error(type: 'cancel' | 'modify' | 'auth' | 'wait', condition: string): void;
}

/**
 * One of the crew of a binding. Everything is called in the order of the wire and must not throw; what is pushed into the
 * inlet while a stanza is heard is stored before the stanza is acknowledged (XEP-0198).
 */
export interface Service {
  /** What others are told that we understand (XEP-0030). */
  readonly features?: readonly string[];
  /** Takes a stanza; true where it was for this service alone. */
  hear?(stanza: Element): boolean;
  /** Answers a question of theirs; false where it is for somebody else. */
  asked?(iq: Element, payload: Element, reply: IqReply): boolean;
  /** Our person wishes otherwise than before (`Wishes` of the crew). */
  wished?(what: 'rooms' | 'contacts' | 'presence'): void;
  /** The stream stands: `new`, so everything is to be asked for; or `resumed`, so nothing was missed. */
  online?(how: 'new' | 'resumed'): void;
  /** The binding is over. */
  ended?(): void;
}
