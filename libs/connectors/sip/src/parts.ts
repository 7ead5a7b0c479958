import type { SessionContext } from '#connector';
import type { Keeper } from '#connector/session';
import type { AccountId } from '#model';
import type { Line } from './line.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';

/** What everything that an account does on its network is made of. */
export interface Parts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly settings: SipSettings;
  readonly timings: SipTimings;
  readonly line: Line;
  /** The way of what the network waits to be answered about. */
  readonly keeper: Keeper;
}
