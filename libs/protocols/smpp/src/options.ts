import type { Clock } from './clock.js';
import type { MalformedPdu } from './errors.js';
import type { Pdu, PduInput, Request, RequestName } from './pdu.js';
import type { Session } from './session.js';

/** The fields of an answer; what is not said is empty, and its status 0. */
export type Reply = {
  readonly [C in RequestName]: Omit<PduInput<`${C}_resp`>, 'command' | 'sequence'>;
}[RequestName];

/** Besides the request itself. */
export interface IncomingRequest {
  readonly session: Session;
  /** By the clock: the other side's response timer runs from a little earlier on. */
  readonly receivedAt: number;
}

export interface SessionHandlers {
  /**
   * A request of the other side. It is answered when the promise settles, so that what must be stored can be stored
   * first; a rejection is answered as a failure that may pass.
   */
  readonly onRequest?: (
    request: Request,
    incoming: IncomingRequest,
  ) => Promise<Reply | undefined> | Reply | undefined;
  /** What is never answered. */
  readonly onNotice?: (notice: Pdu<'outbind' | 'alert_notification'>) => void;
  /** Something malformed came; what there is to answer is answered. */
  readonly onFault?: (fault: MalformedPdu) => void;
  /** An answer that nobody waits for (any more): `RequestFailed.sequence` says what it was for. */
  readonly onStray?: (answer: Pdu) => void;
}

export interface SessionTimings {
  /** Requests that may be under way at once; 10. */
  readonly window?: number;
  /** How long an answer may take, in milliseconds; 30,000. */
  readonly responseMs?: number;
  /** After so long without a sign of life we ask for one; 30,000. */
  readonly enquireMs?: number;
  /** How long that sign may take; 10,000. */
  readonly enquireAnswerMs?: number;
  /** Requests of the other side that may be unanswered at once: past it nothing is read; 100. */
  readonly incomingLimit?: number;
  /** Octets of one PDU; 131,072. */
  readonly maxLength?: number;
  /** Where our sequence numbers begin; 1. */
  readonly firstSequence?: number;
  readonly clock?: Clock;
}

export type SessionOptions = SessionHandlers & SessionTimings;
