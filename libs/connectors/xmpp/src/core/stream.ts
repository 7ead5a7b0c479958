/*
 * What the session, its binding and stream management see of a stream: whole elements in and out, in their order. How it
 * comes about is told in negotiation.ts.
 */
import type { Failure } from '#model';
import type { StreamFault } from './stream-reader.js';
import type { Element } from './xml.js';

/** Where a server listens. With `directTls`, TLS begins with the first byte (XEP-0368); otherwise by STARTTLS. */
export interface ServerTarget {
  readonly host: string;
  readonly port: number;
  readonly directTls: boolean;
}

/** How a stream came to its end. */
export interface Ending {
  /** Absent where both sides closed in order. */
  readonly failure?: Failure;
  /** The server wants us there instead (RFC 6120 §4.9.3.19). To be followed through a turn, a few times at most. */
  readonly seeOther?: ServerTarget;
  /**
   * Whether the server closed the stream, with `</stream:stream>` or an error: then there is nothing to resume. False
   * where the connection was cut, or we dropped it.
   */
  readonly closed: boolean;
  /** What we could not read of it. Resumed, the server would send it again. */
  readonly fault?: StreamFault;
}

export interface StreamHandler {
  /** One element of the stream in its order: a stanza, or what stream management and the like say beside them. */
  element(element: Element): void;
  /** A burst has been handed on: whatever it led to can go out together. */
  lull?(): void;
  /** What was written has been taken by the peer; `backlog` is small again. */
  drained?(): void;
  /** Once, last. */
  ended(ending: Ending): void;
}

export interface Stream {
  /** Whether it is encrypted. */
  readonly secure: boolean;
  /** Bytes written that the peer has not taken yet. */
  readonly backlog: number;
  /** Who hears the stream from now on. Until somebody does, nothing more is read. */
  handle(handler: StreamHandler): void;
  /** Writes one element, made harmless. What is written in one turn of the loop leaves together. */
  send(element: Element): void;
  /** Hands nothing on, and soon reads nothing. May be called by a handler, and holds at once. */
  pause(): void;
  resume(): void;
  /** Closes in order (RFC 6120 §4.4): says so after what was written, and waits a while for the server's answer. */
  close(): Promise<void>;
  /** Ends the connection after what was written and leaves the stream open, to be resumed (XEP-0198 §5). */
  drop(): Promise<void>;
  /** Ends it now. */
  destroy(failure?: Failure): void;
}
