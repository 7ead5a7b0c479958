/*
 * One connection, from the socket to its end: opening → registering → welcoming → online → over. Whatever ends it, it
 * ends once, and everything that belonged to it is settled by then. What outlives it (wishes, what was missed, what
 * waits to be stored) is the session's.
 */
import type {
  OutboundEnvelope,
  RequestOutcome,
  SendOutcome,
  SessionContext,
  SessionRequest,
} from '#connector';
import { failure, type AccountId, type Failure } from '#model';
import irc, { type IrcMessage } from 'irc-framework';
import type { HistoryAsk, HistoryOutcome, Place } from '#connector';
import type { Absence } from './absence.js';
import { Batches } from './batches.js';
import { capabilitiesOf, meansOf, type Offer } from './capabilities.js';
import { clientKeyOf, wantsAccount, type Credentials } from './credentials.js';
import { CtcpAnswers } from './ctcp.js';
import { endingFailure } from './failures.js';
import type { Cursors } from './cursors.js';
import { Receiving } from './dcc-receiving.js';
import { circumstanceOf, factOf, type Circumstance, type Fact } from './from-irc.js';
import { Hearing } from './hearing.js';
import type { Holders } from './holders.js';
import type { Inlet } from './inlet.js';
import { wireTarget } from './irc.addresses.js';
import type { IrcSettings } from './irc.settings.js';
import { Wire } from './irc.transport.js';
import { networkOf, plainNetwork, sameName, type Network } from './network.js';
import { Occupancy } from './occupancy.js';
import { Outbox } from './outbox.js';
import type { Rate } from './pace.js';
import { Past } from './past.js';
import { TokenBucket } from './rate.js';
import { People } from './people.js';
import { Pulse } from './pulse.js';
import { Questions } from './questions.js';
import { Registration } from './registration.js';
import { planOf } from './room-requests.js';
import { Rooms } from './rooms.js';
import { Self } from './self.js';
import { Sending } from './sending.js';
import { Services } from './services.js';
import { Timers } from './timers.js';
import type { IrcTimings } from './timings.js';
import { command } from './to-irc.js';
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

/** Lines that are no lines: so many are forgiven, but not before the welcome. */
const forgiven = 20;
/** How long the server may take to close when everything has been said. */
const farewell = 150;
/** What is in no line of text, formatted or not. */
const binary = /[\0\x05-\x08\x0b\x0c\x0e\x10\x12-\x15\x17-\x1a\x1b\x1c\x7f]/;

export class Connection {
  /** Without the secrets: they are not kept longer than they are needed. */
  readonly #parts: Omit<ConnectionParts, 'credentials'>;
  readonly #wire: Wire;
  readonly #registration: Registration;
  readonly #outbox: Outbox;
  readonly #sending: Sending;
  readonly #questions: Questions;
  readonly #rooms: Rooms;
  readonly #occupancy: Occupancy;
  readonly #hearing: Hearing;
  readonly #typing: Typing;
  readonly #people: People;
  readonly #past: Past;
  readonly #self: Self;
  readonly #batches = new Batches();
  readonly #timers: Timers;
  readonly #pulse: Pulse;
  readonly #upkeep: Upkeep;
  #network: Network = plainNetwork;
  #phase: 'opening' | 'registering' | 'welcoming' | 'online' | 'closing' | 'over' = 'opening';
  #server: string | undefined;
  #heard: number;
  #malformed = 0;
  readonly #services: Services;
  #identifying = false;
  /** What was last said of what can be done, as text. */
  #capable = '';

  constructor({ credentials, ...parts }: ConnectionParts) {
    this.#parts = parts;
    const { context, account, settings, timings } = parts;
    const { clock } = context;
    this.#timers = new Timers(clock);
    this.#heard = clock.now();
    const network = (): Network => this.#network;
    const { burst, perSecond } = parts.rate(plainNetwork);
    const bucket = new TokenBucket(burst, perSecond, () => clock.monotonic());
    this.#wire = new Wire(
      { ...settings, addresses: parts.addresses, ...clientKeyOf(credentials) },
      {
        opened: () => {
          this.#opened();
        },
        line: (line) => {
          this.#line(line);
        },
        lull: () => {
          this.#flush();
          this.#leaveWhenAnswered();
        },
        drained: () => {
          this.#outbox.pump();
        },
        closed: (why) => {
          this.#closed(why);
        },
      },
    );
    this.#self = new Self(network);
    this.#occupancy = new Occupancy(clock, timings.occupancy, (conversation, change) => {
      context.occupancy(account, conversation, change);
    });
    this.#rooms = new Rooms(network, this.#occupancy);
    this.#outbox = new Outbox({
      write: (line) => {
        this.#wire.write(line);
      },
      backlog: () => this.#wire.backlog,
      clock,
      bucket,
      idle: () => {
        this.#pulse.outboxIdle();
      },
    });
    const labels = (): boolean => this.#registration.has('labeled-response');
    this.#sending = new Sending({
      outbox: this.#outbox,
      clock,
      network,
      look: () => this.#self.look(),
      means: () => meansOf(this.#offer()),
      labels,
      fate: (wireId, fate) => {
        parts.inlet.push({ type: 'receipt', account, about: { wireId }, at: new Date(clock.now()), ...fate });
      },
    });
    this.#pulse = new Pulse({
      clock,
      timers: this.#timers,
      idleMs: timings.idle,
      answerMs: timings.answer,
      outbox: this.#outbox,
      ledger: this.#sending.ledger,
      echoes: () => this.#echoes(),
      deaf: () => parts.inlet.isFull,
      beat: () => {
        this.#sweep();
      },
      dead: () => {
        this.#end(failure('timeout', 'The server has fallen silent.'));
      },
    });
    this.#questions = new Questions({ outbox: this.#outbox, network, labels, batches: this.#batches });
    this.#upkeep = new Upkeep({
      wishes: parts.wishes,
      nick: () => this.#registration.wantedNick(this.#network),
      bot: settings.bot,
      reclaimMs: timings.reclaim,
      clock,
      timers: this.#timers,
      outbox: this.#outbox,
      rooms: this.#rooms,
      self: this.#self,
      network,
      isOnline: () => this.isOnline,
    });
    this.#typing = new Typing({
      clock,
      outbox: this.#outbox,
      offered: () => meansOf(this.#offer()).typing,
      tell: (conversation, address, active) => {
        context.typing(account, conversation, address, active);
      },
    });
    this.#people = new People({
      context,
      account,
      inlet: parts.inlet,
      holders: parts.holders,
      network,
      self: this.#self,
      rooms: this.#rooms,
      batches: this.#batches,
      outbox: this.#outbox,
      timers: this.#timers,
      isOnline: () => this.isOnline,
      has: (capability) => this.#registration.has(capability),
      everyMs: timings.presence,
    });
    this.#past = new Past({
      context,
      account,
      ownAccount: settings.saslAccount,
      inlet: parts.inlet,
      absence: parts.absence,
      cursors: parts.cursors,
      batches: this.#batches,
      outbox: this.#outbox,
      rooms: this.#rooms,
      self: this.#self,
      network,
      has: (name) => this.#registration.has(name),
      offered: (name) => this.#registration.offer(name) !== undefined,
      answerMs: timings.history,
      flush: () => {
        this.#flush();
      },
    });
    this.#hearing = new Hearing({
      context,
      account,
      inlet: this.#past.inlet,
      absence: parts.absence,
      past: this.#past,
      network,
      self: this.#self,
      rooms: this.#rooms,
      people: this.#people,
      sending: this.#sending,
      batches: this.#batches,
      typing: this.#typing,
      ctcp: new CtcpAnswers({ outbox: this.#outbox, clock }),
      receiving: new Receiving({
        context,
        account,
        inlet: parts.inlet,
        flush: () => {
          this.#flush();
        },
        people: this.#people,
        settings,
        timings,
      }),
      echoes: () => this.#echoes(),
      rejoinMs: timings.rejoin,
      renamed: () => {
        parts.online(this.#self.nick);
        this.#upkeep.keepNick();
      },
      freed: (nick) => {
        this.#upkeep.freed(nick);
      },
      tryLater: () => {
        this.#upkeep.joinLater();
      },
    });
    this.#services = new Services({
      address: settings.servicesNick,
      isSelf: (nick) => this.#self.is(nick),
      sameName: (one, other) => sameName(this.#network, one, other),
      send: (line) => {
        this.#outbox.control({ line });
      },
      signedIn: () => {
        this.#timers.cancel('sign-in');
        this.#registration.vouched();
        this.#online();
      },
      failed: (why) => {
        this.#end(why);
      },
      freed: () => {
        this.#upkeep.freed(this.#registration.wantedNick(this.#network));
      },
    });
    this.#registration = new Registration({
      wire: this.#wire,
      count: () => {
        bucket.take();
      },
      settings,
      credentials,
      random: () => context.random(),
      handler: {
        registered: (nick, server) => {
          this.#registered(nick, server);
        },
        learnt: () => {
          this.#network = networkOf(this.#registration.tokens);
          this.#wire.lineLength = this.#network.lineLength;
          bucket.adopt(parts.rate(this.#network));
          this.#outbox.pump();
          this.#tellCapabilities();
        },
        capsChanged: () => {
          this.#tellCapabilities();
        },
        strict: (value) => {
          const sent = parts.strict(value);
          if (sent) this.#end(undefined);
          return sent;
        },
        failed: (why) => {
          this.#end(why);
        },
      },
    });
    this.#timers.set('open', timings.connect, () => {
      this.#end(failure('timeout', 'The server does not answer.'));
    });
    this.#wire.open();
  }

  get isOnline(): boolean {
    return this.#phase === 'online';
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    if (envelope.kind === 'message') this.#typing.said(envelope.to);
    if (envelope.conversationKind === 'direct') this.#people.wroteTo(envelope.to);
    return this.#sending.send(envelope, signal);
  }

  allowance(): { readonly envelopes: number; readonly againInMs: number } {
    const { lines, inMs } = this.#outbox.allowance();
    return { envelopes: lines, againInMs: inMs };
  }

  /** The wishes have changed. */
  wished(): void {
    this.#upkeep.wished();
  }

  /** Those whom the roster should have are others than before. */
  watch(): void {
    this.#people.setContacts(this.#parts.wishes.contacts);
  }

  showPresence(): void {
    this.#upkeep.showPresence();
  }

  /** Tells others that our person writes, or does not any more. */
  typing(conversation: string, active: boolean): void {
    const target = wireTarget(conversation);
    if (target !== undefined) this.#typing.show(target, active);
  }

  occupants(conversation: string): ReturnType<Rooms['occupants']> {
    return this.#rooms.occupants(conversation);
  }

  async history(ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    return this.#past.ask(ask, signal);
  }

  /** Our person has read up to a place. */
  markRead(conversation: string, { at }: Place): void {
    this.#past.read(conversation, at);
  }

  /** Has the server do or tell something at once. */
  async request(request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const plan = planOf(request, {
      network: this.#network,
      look: this.#self.look(),
      userHostOf: (nick) => this.#people.userHostOf(nick),
    });
    if ('failure' in plan) return { outcome: 'refused', failure: plan.failure };
    if ('question' in plan) return this.#questions.ask(plan.question, signal);
    for (const act of plan.acts) {
      const outcome = await this.#questions.act(act, signal);
      if (outcome.outcome === 'refused') return outcome;
    }
    return { outcome: 'done', answer: null };
  }

  pause(): void {
    if (this.#phase === 'over') return;
    this.#wire.pause();
    this.#timers.set('stalled', this.#parts.timings.stalled, () => {
      this.#end(failure('storage-unavailable', 'What the network says could not be stored for too long.'));
    });
  }

  resume(): void {
    this.#timers.cancel('stalled');
    this.#pulse.heard();
    this.#wire.resume();
  }

  /** Says farewell and lets the server close; what has left is still answered. */
  quit(): void {
    if (this.#phase === 'over' || this.#phase === 'closing') return;
    if (!this.isOnline) {
      this.#end(undefined);
      return;
    }
    this.#phase = 'closing';
    this.#sending.stop();
    const question = this.#pulse.lastQuestion();
    if (question !== undefined) this.#wire.write(question);
    this.#wire.write(command('QUIT', 'Good bye'));
    this.#timers.set('close', this.#parts.timings.close, () => {
      this.#end(undefined);
    });
    this.#leaveWhenAnswered();
  }

  /** Ends it now, without a word. */
  abandon(): void {
    this.#end(undefined);
  }

  /** Waits for the server to close only while it still owes an answer; some take a second for it. */
  #leaveWhenAnswered(): void {
    if (this.#phase !== 'closing' || this.#sending.ledger.size > 0) return;
    this.#wire.finish();
    this.#timers.set('close', Math.min(farewell, this.#parts.timings.close), () => {
      this.#end(undefined);
    });
  }

  #opened(): void {
    this.#timers.cancel('open');
    this.#phase = 'registering';
    this.#timers.set('register', this.#parts.timings.register, () => {
      this.#end(failure('timeout', 'The server does not register us.'));
    });
    this.#registration.opened();
  }

  #registered(nick: string, server: string): void {
    this.#timers.cancel('register');
    this.#phase = 'welcoming';
    this.#server = server;
    this.#self.named(nick);
    // Some servers have no message of the day and do not say so.
    this.#timers.set('welcome', this.#parts.timings.welcome, () => {
      this.#online();
    });
  }

  #online(): void {
    if (this.#phase !== 'welcoming') return;
    this.#timers.cancel('welcome');
    if (this.#registration.awaitsServices) {
      this.#signIn();
      return;
    }
    this.#phase = 'online';
    this.#parts.online(this.#self.nick);
    this.#tellCapabilities();
    this.#upkeep.introduce();
    this.#upkeep.wished();
    this.watch();
    this.#upkeep.keepNick();
    this.#retakeNick();
    this.#past.begin();
    this.#pulse.watch();
  }

  /** Where there is no SASL: rooms may be for those who are signed in, so this comes before we are online. */
  #signIn(): void {
    if (this.#identifying) return;
    this.#identifying = true;
    this.#timers.set('sign-in', this.#parts.timings.register, () => {
      const why = 'The services do not say that we are signed in.';
      this.#end(failure('auth-method', why, 'retry'));
    });
    this.#services.identify(this.#parts.settings.saslAccount, this.#registration.handOver());
  }

  #retakeNick(): void {
    const { settings } = this.#parts;
    const nick = this.#registration.wantedNick(this.#network);
    if (settings.regainNick && wantsAccount(settings) && !this.#self.is(nick)) this.#services.retake(nick);
  }

  #line(line: string): void {
    if (this.#phase === 'over') return;
    this.#pulse.heard();
    this.#heard = this.#parts.context.clock.now();
    const message = irc.ircLineParser(line);
    if (!/^(?:[A-Z]+|\d{3})$/.test(message.command) || line.includes('\0')) {
      this.#garbage(line);
      return;
    }
    if (message.command === '001') this.#past.welcomed(message);
    if (this.#services.handle(message) || this.#registration.handle(message)) return;
    this.#past.hear(message, () => {
      this.#mean(message);
    });
  }

  /** Finds out what a line means, and acts on it. */
  #mean(message: IrcMessage): void {
    const fact = factOf(message, this.#network, this.#server);
    const circumstance = circumstanceOf(message);
    if (this.#phase !== 'registering') this.#people.line(message, new Date(circumstance.at ?? this.#heard));
    if (this.#questions.hears(message)) return;
    if (fact !== undefined) this.#fact(fact, message, circumstance);
    else if (circumstance.label !== undefined) this.#hearing.answered(circumstance.label);
  }

  #offer(): Offer {
    return {
      has: (name) => this.#registration.has(name),
      valueOf: (name) => this.#registration.offer(name),
      network: this.#network,
    };
  }

  /** Says what can be done here and now, if that is not what was said last. */
  #tellCapabilities(): void {
    if (!this.isOnline) return;
    const now = capabilitiesOf(this.#offer());
    const text = JSON.stringify(now);
    if (text === this.#capable) return;
    this.#capable = text;
    this.#parts.context.capabilities(this.#parts.account, now);
  }

  #fact(fact: Fact, message: IrcMessage, circumstance: Circumstance): void {
    if (fact.fact === 'ping') {
      // Past the rate: not to answer is worse.
      this.#wire.write(command('PONG', fact.token));
    } else if (fact.fact === 'pong') {
      if (!this.#questions.ponged(fact.token)) this.#pulse.answered(fact.token);
    } else if (fact.fact === 'welcome-end') {
      this.#online();
    } else if (fact.fact === 'ending') {
      this.#end(this.#phase === 'closing' ? undefined : endingFailure(fact.text));
    } else if (this.#phase !== 'opening' && this.#phase !== 'registering') {
      this.#hearing.hear(fact, message, circumstance);
    }
  }

  /** An odd line is forgiven now and then; bytes that are no text at all mean that we have lost the thread. */
  #garbage(line: string): void {
    this.#malformed++;
    const most = this.#phase === 'registering' || binary.test(line) ? 0 : forgiven;
    if (this.#malformed <= most) return;
    this.#end(failure('protocol-violation', 'What answers there does not speak IRC.'));
  }

  /** Sweeps up what was never answered. */
  #sweep(): void {
    const before = this.#parts.context.clock.monotonic() - this.#parts.timings.pending;
    const silence = failure('timeout', 'The server did not say what became of it.');
    this.#sending.ledger.giveUp(silence, before);
    for (const name of this.#rooms.unanswered(before)) {
      const why = failure('timeout', 'The server did not answer.');
      this.#rooms.refused(name, why, this.#parts.context.clock.monotonic(), this.#parts.timings.rejoin);
      this.#hearing.roomFailed(name, why);
    }
    this.#flush();
  }

  #flush(): void {
    const { inlet, absence, timings } = this.#parts;
    inlet.flush([
      ...this.#parts.holders.notes(),
      ...absence.notes(this.#heard, inlet.isEmpty ? timings.heard : 0),
      ...this.#parts.cursors.notes(),
    ]);
  }

  #closed(why: Failure | undefined): void {
    this.#end(
      this.#phase === 'closing'
        ? undefined
        : (why ?? failure('network-unreachable', 'The server closed the connection.')),
    );
  }

  #end(why: Failure | undefined): void {
    if (this.#phase === 'over') return;
    const wasWelcome = this.#phase !== 'opening' && this.#phase !== 'registering';
    this.#phase = 'over';
    this.#timers.clear();
    this.#registration.close();
    const said = why ?? failure('network-unreachable', 'The session was closed.', 'retry');
    this.#sending.close(said);
    this.#questions.close(said);
    this.#parts.absence.lost(wasWelcome ? this.#heard : undefined);
    this.#past.close(said);
    this.#hearing.close();
    this.#parts.holders.lost();
    this.#flush();
    this.#occupancy.close();
    this.#wire.destroy();
    this.#parts.ended(why);
  }

  #echoes(): boolean {
    return this.#registration.has('echo-message');
  }
}
