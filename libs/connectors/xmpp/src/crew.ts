/*
 * Who works on one binding, and how they are put together. Each is given what it needs of the house and of the others;
 * what is heard goes through them in the order of `services`, until one takes it.
 */
import type { Admission, SessionContext, DesiredContact, DesiredRoom } from '#connector';
import type { Inlet, Timers } from '#connector/session';
import type { AccountId, PresenceState } from '#model';
import type { Port, Service } from './core/port.js';
import type { Element } from './core/xml.js';
import { Bookmarks } from './bookmarks.js';
import { CommandRequests } from './command-requests.js';
import { Courtesies } from './courtesies.js';
import { Disco } from './disco.js';
import type { Moments } from './order.js';
import { Past } from './past.js';
import { People } from './people.js';
import { Invitations } from './room-invitations.js';
import { PeopleRequests } from './people-requests.js';
import { RoomRequests } from './room-requests.js';
import { Rooms } from './rooms.js';
import { makesCopies, Talk } from './talk.js';
import type { XmppTimings } from './timings.js';
import { Uploads } from './upload.js';
import { maxBytesIn } from './xep/0478.js';
import { preApprovalNs, rosterVersionsNs } from './xep/rfc6121.js';
import type { XmppSettings } from './xmpp.settings.js';

/** What should be so whenever the account is online. */
export interface Wishes {
  rooms: readonly DesiredRoom[];
  contacts: readonly DesiredContact[];
  admissions: readonly Admission[];
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
  readonly moments: Moments;
  readonly offers: Offers;
}

/** What the server said that it can do when it let us in (RFC 6121 §2.6.1, §3.4.1; XEP-0478). */
export interface Offers {
  readonly rosterVersions: boolean;
  readonly preApproval: boolean;
  /** Bytes of one stanza, where it says so. */
  readonly maxBytes?: number;
}

export function offersOf(features: Element): Offers {
  const maxBytes = maxBytesIn(features);
  return {
    ...(maxBytes !== undefined && { maxBytes }),
    rosterVersions: features.getChild('ver', rosterVersionsNs) !== undefined,
    preApproval: features.getChild('sub', preApprovalNs) !== undefined,
  };
}

/** Those who work on one binding. */
export interface Crew {
  readonly disco: Disco;
  readonly people: People;
  readonly rooms: Rooms;
  readonly requests: RoomRequests;
  readonly peopleRequests: PeopleRequests;
  readonly commandRequests: CommandRequests;
  readonly talk: Talk;
  readonly past: Past;
  /** All of them, in the order in which they hear. */
  readonly services: readonly Service[];
}

export function crewOf(parts: Parts): Crew {
  const services: Service[] = [];
  const disco = new Disco(parts, () => services.flatMap(({ features = [] }) => features));
  const people = new People(parts, disco);
  const rooms = new Rooms(parts, disco);
  const bookmarks = new Bookmarks(parts, disco, rooms);
  const invitations = new Invitations(parts, rooms);
  const requests = new RoomRequests(parts, disco, rooms, invitations);
  const past = new Past(parts, disco, rooms);
  const peopleRequests = new PeopleRequests(parts, disco, rooms);
  const commandRequests = new CommandRequests(parts);
  const talk = new Talk(parts, {
    rooms,
    seesUs: (address) => people.roster.isSeen(address),
    uploads: new Uploads(parts, disco),
    archive: () => past.keepsArchive(),
    blocking: () => peopleRequests.canBlock(),
    copies: async () => makesCopies((await disco.server())?.features ?? []),
  });
  rooms.listen({
    entered: (room) => {
      talk.entered(room);
    },
    changed: (room) => {
      talk.entered(room);
    },
    left: ({ address }) => {
      talk.exited(address);
    },
  });
  // What rooms show is of rooms: it is taken before anybody could take it for somebody's own.
  services.push(
    disco,
    new Courtesies(parts),
    bookmarks,
    invitations,
    rooms,
    requests,
    peopleRequests,
    commandRequests,
    ...people.services,
    past,
    talk,
  );
  rooms.listen({
    entered: ({ address, keepsArchive }, since) => {
      past.entered(address, keepsArchive, since);
    },
  });
  return { disco, people, rooms, requests, peopleRequests, commandRequests, past, talk, services };
}
