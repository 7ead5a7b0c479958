import type { Clock } from '../clock.js';
import type { Timers } from '../timers.js';
import type { SipMessage, SipRequest } from '../message.js';
import type { Fault } from '../head.js';
import type { Flow } from './flow.js';
import type { Turn } from './turn.js';

/** What the transports of one stack share, and whom they tell. None of it throws. */
export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly turn: Turn;
  datagram(bytes: Buffer, flow: Flow): void;
  message(message: SipMessage, flow: Flow): void;
  /** @param request what can be answered. */
  fault(fault: Fault, request: SipRequest | undefined, flow: Flow): void;
}
