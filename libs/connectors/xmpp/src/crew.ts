/*
 * Who works on one binding, and how they are put together. Each is given what it needs of the house and of the others;
 * what is heard goes through them in the order of `services`, until one takes it.
 */
import type { SessionContext, DesiredContact, DesiredRoom } from '#connector';
import type { Inlet, Timers } from '#connector/session';
import type { AccountId, PresenceState } from '#model';
import type { Port, Service } from './core/port.js';
import { Courtesies } from './courtesies.js';
import { Disco } from './disco.js';
import { OwnPresence } from './presence.js';
import { Talk } from './talk.js';
import type { XmppTimings } from './timings.js';
import type { XmppSettings } from './xmpp.settings.js';

/** What should be so whenever the account is online. */
export interface Wishes {
  rooms: readonly DesiredRoom[];
  contacts: readonly DesiredContact[];
  presence: PresenceState;
}

/** What everybody of a crew is given. */
export interface Parts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly port: Port;
  /** The way into the house; what is pushed while a stanza is heard is stored before that is acknowledged. */
  readonly inlet: Inlet;
  readonly timers: Timers;
  readonly settings: XmppSettings;
  readonly timings: XmppTimings;
  readonly wishes: Wishes;
}

/** Those who work on one binding. */
export interface Crew {
  readonly disco: Disco;
  readonly presence: OwnPresence;
  readonly talk: Talk;
  /** All of them, in the order in which they hear. */
  readonly services: readonly Service[];
}

export function crewOf(parts: Parts): Crew {
  const services: Service[] = [];
  const disco = new Disco(parts, () => services.flatMap(({ features = [] }) => features));
  const presence = new OwnPresence(parts, disco);
  const talk = new Talk(parts);
  services.push(disco, new Courtesies(parts), presence, talk);
  return { disco, presence, talk, services };
}
