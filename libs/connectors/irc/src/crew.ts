/*
 * Who works on a connection, and how they are joined. Nothing happens here: each does one thing, in a file of its own, and
 * what concerns the connection as a whole goes to its lead.
 */
import type { SessionContext } from '#connector';
import { Occupancy, TokenBucket, type Inlet, Timers } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import type { Absence } from './absence.js';
import { Batches } from './batches.js';
import { meansOf, type Offer } from './capabilities.js';
import { clientKeyOf, type Credentials } from './credentials.js';
import { CtcpAnswers } from './ctcp.js';
import type { Cursors } from './cursors.js';
import { Receiving } from './dcc-receiving.js';
import { Hearing } from './hearing.js';
import type { Holders } from './holders.js';
import type { IrcSettings } from './irc.settings.js';
import { Wire } from './irc.transport.js';
import { networkOf, plainNetwork, sameName, type Network } from './network.js';
import { Outbox } from './outbox.js';
import type { Rate } from './pace.js';
import { Past } from './past.js';
import { People } from './people.js';
import { Pulse } from './pulse.js';
import { Questions } from './questions.js';
import { Registration } from './registration.js';
import { Rooms } from './rooms.js';
import { Self } from './self.js';
import { Sending } from './sending.js';
import { Services } from './services.js';
import type { IrcTimings } from './timings.js';
import { Typing } from './typing.js';
import { Upkeep, type Wishes } from './upkeep.js';

export interface ConnectionParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly settings: IrcSettings;
  /** Where the host was found: nowhere else do we connect. */
  readonly addresses: readonly string[];
  readonly credentials: Credentials;
  readonly timings: IrcTimings;
  readonly wishes: Wishes;
  readonly inlet: Inlet;
  readonly absence: Absence;
  /** How fast lines may leave, by what the server says of itself. */
  readonly rate: (network: Network) => Rate;
  /** Strict transport security: true when this connection must be given up for one with TLS. */
  readonly strict: (value: string) => boolean;
  readonly holders: Holders;
  readonly cursors: Cursors;
  /** Online under this nick: called at first, and again whenever the nick changes. */
  readonly online: (nick: string) => void;
  /** Once. Without a failure: we closed it in order. */
  readonly ended: (why: Failure | undefined) => void;
}

/** Whoever leads the crew: what happens on the connection is reported here, and how it stands is asked here. */
export interface Lead {
  isOnline(): boolean;
  /** What the server has said about itself so far. */
  network(): Network;
  /** What can be done here and now. */
  offer(): Offer;
  opened(): void;
  line(line: string): void;
  /** All that has come so far has been read. */
  lull(): void;
  closed(why: Failure | undefined): void;
  registered(nick: string, server: string): void;
  /** ISUPPORT has said more. */
  learnt(network: Network): void;
  capsChanged(): void;
  /** The services have said that we are signed in. */
  signedIn(): void;
  /** Sweeps up what was never answered. */
  sweep(): void;
  /** Hands what has gathered to the house. */
  flush(): void;
  /** Ends the connection. Without a failure: in order. */
  end(why: Failure | undefined): void;
}

/** Those who work on one connection; each knows the others that it needs. */
export interface Crew {
  readonly wire: Wire;
  readonly registration: Registration;
  readonly services: Services;
  readonly outbox: Outbox;
  readonly pulse: Pulse;
  readonly timers: Timers;
  readonly self: Self;
  readonly rooms: Rooms;
  readonly occupancy: Occupancy;
  readonly people: People;
  readonly sending: Sending;
  readonly questions: Questions;
  readonly typing: Typing;
  readonly past: Past;
  readonly hearing: Hearing;
  readonly upkeep: Upkeep;
}

/** Puts the crew of a connection together. The wire is opened by the lead. */
export function crewOf(
  parts: Omit<ConnectionParts, 'credentials'>,
  credentials: Credentials,
  lead: Lead,
): Crew {
  const { context, account, settings, timings } = parts;
  const { clock } = context;
  const network = (): Network => lead.network();
  const timers = new Timers(clock);
  const batches = new Batches();
  const { burst, perSecond } = parts.rate(plainNetwork);
  const bucket = new TokenBucket(burst, perSecond, () => clock.monotonic());
  const wire = new Wire(
    { ...settings, addresses: parts.addresses, ...clientKeyOf(credentials) },
    {
      opened: () => {
        lead.opened();
      },
      line: (line) => {
        lead.line(line);
      },
      lull: () => {
        lead.lull();
      },
      drained: () => {
        outbox.pump();
      },
      closed: (why) => {
        lead.closed(why);
      },
    },
  );
  const self = new Self(network);
  const occupancy = new Occupancy(clock, timings.occupancy, (conversation, change) => {
    context.occupancy(account, conversation, change);
  });
  const rooms = new Rooms(network, occupancy);
  const outbox = new Outbox({
    write: (line) => {
      wire.write(line);
    },
    backlog: () => wire.backlog,
    clock,
    bucket,
    idle: () => {
      pulse.outboxIdle();
    },
  });
  const echoes = (): boolean => registration.has('echo-message');
  const labels = (): boolean => registration.has('labeled-response');
  const sending = new Sending({
    outbox,
    clock,
    network,
    look: () => self.look(),
    means: () => meansOf(lead.offer()),
    labels,
    fate: (wireId, fate) => {
      parts.inlet.push({ type: 'receipt', account, about: { wireId }, at: new Date(clock.now()), ...fate });
    },
  });
  const pulse = new Pulse({
    clock,
    timers,
    idleMs: timings.idle,
    answerMs: timings.answer,
    outbox,
    ledger: sending.ledger,
    echoes,
    deaf: () => parts.inlet.isFull,
    beat: () => {
      lead.sweep();
    },
    dead: () => {
      lead.end(failure('timeout', 'The server has fallen silent.'));
    },
  });
  const questions = new Questions({ outbox, network, labels, batches: batches });
  const upkeep = new Upkeep({
    wishes: parts.wishes,
    nick: () => registration.wantedNick(network()),
    bot: settings.bot,
    reclaimMs: timings.reclaim,
    clock,
    timers,
    outbox,
    rooms,
    self,
    network,
    isOnline: () => lead.isOnline(),
  });
  const typing = new Typing({
    clock,
    outbox,
    offered: () => meansOf(lead.offer()).typing,
    tell: (conversation, address, active) => {
      context.typing(account, conversation, address, active);
    },
  });
  const people = new People({
    context,
    account,
    inlet: parts.inlet,
    holders: parts.holders,
    network,
    self,
    rooms,
    batches,
    outbox,
    timers,
    isOnline: () => lead.isOnline(),
    has: (capability) => registration.has(capability),
    everyMs: timings.presence,
  });
  const past = new Past({
    context,
    account,
    ownAccount: settings.saslAccount,
    inlet: parts.inlet,
    absence: parts.absence,
    cursors: parts.cursors,
    batches,
    outbox,
    rooms,
    self,
    network,
    has: (name) => registration.has(name),
    offered: (name) => registration.offer(name) !== undefined,
    answerMs: timings.history,
    flush: () => {
      lead.flush();
    },
  });
  const hearing = new Hearing({
    context,
    account,
    inlet: past.inlet,
    absence: parts.absence,
    past,
    network,
    self,
    rooms,
    people,
    sending,
    batches,
    typing,
    ctcp: new CtcpAnswers({ outbox, clock }),
    receiving: new Receiving({
      context,
      account,
      inlet: parts.inlet,
      flush: () => {
        lead.flush();
      },
      people,
      settings,
      timings,
    }),
    echoes,
    rejoinMs: timings.rejoin,
    renamed: () => {
      parts.online(self.nick);
      upkeep.keepNick();
    },
    freed: (nick) => {
      upkeep.freed(nick);
    },
    tryLater: () => {
      upkeep.joinLater();
    },
  });
  const services = new Services({
    address: settings.servicesNick,
    isSelf: (nick) => self.is(nick),
    sameName: (one, other) => sameName(network(), one, other),
    send: (line) => {
      outbox.control({ line });
    },
    signedIn: () => {
      registration.vouched();
      lead.signedIn();
    },
    failed: (why) => {
      lead.end(why);
    },
    freed: () => {
      upkeep.freed(registration.wantedNick(network()));
    },
  });
  const registration = new Registration({
    wire,
    count: () => {
      bucket.take();
    },
    settings,
    credentials,
    random: () => context.random(),
    handler: {
      registered: (nick, server) => {
        lead.registered(nick, server);
      },
      learnt: () => {
        lead.learnt(networkOf(registration.tokens));
        wire.lineLength = network().lineLength;
        bucket.adopt(parts.rate(network()));
        outbox.pump();
        lead.capsChanged();
      },
      capsChanged: () => {
        lead.capsChanged();
      },
      strict: (value) => {
        const sent = parts.strict(value);
        if (sent) lead.end(undefined);
        return sent;
      },
      failed: (why) => {
        lead.end(why);
      },
    },
  });
  return {
    wire,
    registration,
    services,
    outbox,
    pulse,
    timers,
    self,
    rooms,
    occupancy,
    people,
    sending,
    questions,
    typing,
    past,
    hearing,
    upkeep,
  };
}
