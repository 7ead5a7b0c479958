/*
 * One connection, from the socket to its end: opening → registering → welcoming → online → over. Whatever ends it, it
 * ends once, and everything that belonged to it is settled by then. What outlives it (wishes, what was missed, what
 * waits to be stored) is the session's.
 */
import type {
  HistoryAsk,
  HistoryOutcome,
  OutboundEnvelope,
  Place,
  RequestOutcome,
  SendOutcome,
  SessionRequest,
} from '#connector';
import { failure, type Failure } from '#model';
import irc, { type IrcMessage } from 'irc-framework';
import { capabilitiesOf, type Offer } from './capabilities.js';
import { wantsAccount } from './credentials.js';
import { crewOf, type ConnectionParts, type Crew, type Lead } from './crew.js';
import { endingFailure } from './failures.js';
import { circumstanceOf, factOf, type Circumstance, type Fact } from './from-irc.js';
import { wireTarget } from './irc.addresses.js';
import { plainNetwork, type Network } from './network.js';
import { planOf } from './room-requests.js';
import type { Rooms } from './rooms.js';
import { command } from './to-irc.js';

/** Lines that are no lines: so many are forgiven, but not before the welcome. */
const forgiven = 20;
/** How long the server may take to close when everything has been said. */
const farewell = 150;
/** What is in no line of text, formatted or not. */
const binary = /[\0\x05-\x08\x0b\x0c\x0e\x10\x12-\x15\x17-\x1a\x1b\x1c\x7f]/;

export class Connection {
  /** Without the secrets: they are not kept longer than they are needed. */
  readonly #parts: Omit<ConnectionParts, 'credentials'>;
  readonly #crew: Crew;
  #network: Network = plainNetwork;
  #phase: 'opening' | 'registering' | 'welcoming' | 'online' | 'closing' | 'over' = 'opening';
  #server: string | undefined;
  #heard: number;
  #malformed = 0;
  #identifying = false;
  /** What was last said of what can be done, as text. */
  #capable = '';

  constructor({ credentials, ...parts }: ConnectionParts) {
    this.#parts = parts;
    this.#heard = parts.context.clock.now();
    this.#crew = crewOf(parts, credentials, this.#lead());
    this.#crew.timers.set('open', parts.timings.connect, () => {
      this.#end(failure('timeout', 'The server does not answer.'));
    });
    this.#crew.wire.open();
  }

  #lead(): Lead {
    return {
      isOnline: () => this.isOnline,
      network: () => this.#network,
      offer: () => this.#offer(),
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
      closed: (why) => {
        this.#closed(why);
      },
      registered: (nick, server) => {
        this.#registered(nick, server);
      },
      learnt: (network) => {
        this.#network = network;
      },
      capsChanged: () => {
        this.#tellCapabilities();
      },
      signedIn: () => {
        this.#crew.timers.cancel('sign-in');
        this.#online();
      },
      sweep: () => {
        this.#sweep();
      },
      flush: () => {
        this.#flush();
      },
      end: (why) => {
        this.#end(why);
      },
    };
  }

  get isOnline(): boolean {
    return this.#phase === 'online';
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    if (envelope.kind === 'message') this.#crew.typing.said(envelope.to);
    if (envelope.conversationKind === 'direct') this.#crew.people.wroteTo(envelope.to);
    return this.#crew.sending.send(envelope, signal);
  }

  allowance(): { readonly envelopes: number; readonly againInMs: number } {
    const { lines, inMs } = this.#crew.outbox.allowance();
    return { envelopes: lines, againInMs: inMs };
  }

  /** The wishes have changed. */
  wished(): void {
    this.#crew.upkeep.wished();
  }

  /** Those whom the roster should have are others than before. */
  watch(): void {
    this.#crew.people.setContacts(this.#parts.wishes.contacts);
  }

  showPresence(): void {
    this.#crew.upkeep.showPresence();
  }

  /** Tells others that our person writes, or does not any more. */
  typing(conversation: string, active: boolean): void {
    const target = wireTarget(conversation);
    if (target !== undefined) this.#crew.typing.show(target, active);
  }

  occupants(conversation: string): ReturnType<Rooms['occupants']> {
    return this.#crew.rooms.occupants(conversation);
  }

  async history(ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    return this.#crew.past.ask(ask, signal);
  }

  /** Our person has read up to a place. */
  markRead(conversation: string, { at }: Place): void {
    this.#crew.past.read(conversation, at);
  }

  /** Has the server do or tell something at once. */
  async request(request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const plan = planOf(request, {
      network: this.#network,
      look: this.#crew.self.look(),
      userHostOf: (nick) => this.#crew.people.userHostOf(nick),
    });
    if ('failure' in plan) return { outcome: 'refused', failure: plan.failure };
    if ('question' in plan) return this.#crew.questions.ask(plan.question, signal);
    for (const act of plan.acts) {
      const outcome = await this.#crew.questions.act(act, signal);
      if (outcome.outcome === 'refused') return outcome;
    }
    return { outcome: 'done', answer: null };
  }

  pause(): void {
    if (this.#phase === 'over') return;
    this.#crew.wire.pause();
    this.#crew.timers.set('stalled', this.#parts.timings.stalled, () => {
      this.#end(failure('storage-unavailable', 'What the network says could not be stored for too long.'));
    });
  }

  resume(): void {
    this.#crew.timers.cancel('stalled');
    this.#crew.pulse.heard();
    this.#crew.wire.resume();
  }

  /** Says farewell and lets the server close; what has left is still answered. */
  quit(): void {
    if (this.#phase === 'over' || this.#phase === 'closing') return;
    if (!this.isOnline) {
      this.#end(undefined);
      return;
    }
    this.#phase = 'closing';
    this.#crew.sending.stop();
    const question = this.#crew.pulse.lastQuestion();
    if (question !== undefined) this.#crew.wire.write(question);
    this.#crew.wire.write(command('QUIT', 'Good bye'));
    this.#crew.timers.set('close', this.#parts.timings.close, () => {
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
    if (this.#phase !== 'closing' || this.#crew.sending.ledger.size > 0) return;
    this.#crew.wire.finish();
    this.#crew.timers.set('close', Math.min(farewell, this.#parts.timings.close), () => {
      this.#end(undefined);
    });
  }

  #opened(): void {
    this.#crew.timers.cancel('open');
    this.#phase = 'registering';
    this.#crew.timers.set('register', this.#parts.timings.register, () => {
      this.#end(failure('timeout', 'The server does not register us.'));
    });
    this.#crew.registration.opened();
  }

  #registered(nick: string, server: string): void {
    this.#crew.timers.cancel('register');
    this.#phase = 'welcoming';
    this.#server = server;
    this.#crew.self.named(nick);
    // Some servers have no message of the day and do not say so.
    this.#crew.timers.set('welcome', this.#parts.timings.welcome, () => {
      this.#online();
    });
  }

  #online(): void {
    if (this.#phase !== 'welcoming') return;
    this.#crew.timers.cancel('welcome');
    if (this.#crew.registration.awaitsServices) {
      this.#signIn();
      return;
    }
    this.#phase = 'online';
    this.#parts.online(this.#crew.self.nick);
    this.#tellCapabilities();
    this.#crew.upkeep.introduce();
    this.#crew.upkeep.wished();
    this.watch();
    this.#crew.upkeep.keepNick();
    this.#retakeNick();
    this.#crew.past.begin();
    this.#crew.pulse.watch();
  }

  /** Where there is no SASL: rooms may be for those who are signed in, so this comes before we are online. */
  #signIn(): void {
    if (this.#identifying) return;
    this.#identifying = true;
    this.#crew.timers.set('sign-in', this.#parts.timings.register, () => {
      const why = 'The services do not say that we are signed in.';
      this.#end(failure('auth-method', why, 'retry'));
    });
    this.#crew.services.identify(this.#parts.settings.saslAccount, this.#crew.registration.handOver());
  }

  #retakeNick(): void {
    const { settings } = this.#parts;
    const nick = this.#crew.registration.wantedNick(this.#network);
    if (settings.regainNick && wantsAccount(settings) && !this.#crew.self.is(nick))
      this.#crew.services.retake(nick);
  }

  #line(line: string): void {
    if (this.#phase === 'over') return;
    this.#crew.pulse.heard();
    this.#heard = this.#parts.context.clock.now();
    const message = irc.ircLineParser(line);
    if (!/^(?:[A-Z]+|\d{3})$/.test(message.command) || line.includes('\0')) {
      this.#garbage(line);
      return;
    }
    if (message.command === '001') this.#crew.past.welcomed(message);
    if (this.#crew.services.handle(message) || this.#crew.registration.handle(message)) return;
    this.#crew.past.hear(message, () => {
      this.#mean(message);
    });
  }

  /** Finds out what a line means, and acts on it. */
  #mean(message: IrcMessage): void {
    const fact = factOf(message, this.#network, this.#server);
    const circumstance = circumstanceOf(message);
    if (this.#phase !== 'registering')
      this.#crew.people.line(message, new Date(circumstance.at ?? this.#heard));
    if (this.#crew.questions.hears(message)) return;
    if (fact !== undefined) this.#fact(fact, message, circumstance);
    else if (circumstance.label !== undefined) this.#crew.hearing.answered(circumstance.label);
  }

  #offer(): Offer {
    return {
      has: (name) => this.#crew.registration.has(name),
      valueOf: (name) => this.#crew.registration.offer(name),
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
      this.#crew.wire.write(command('PONG', fact.token));
    } else if (fact.fact === 'pong') {
      if (!this.#crew.questions.ponged(fact.token)) this.#crew.pulse.answered(fact.token);
    } else if (fact.fact === 'welcome-end') {
      this.#online();
    } else if (fact.fact === 'ending') {
      this.#end(this.#phase === 'closing' ? undefined : endingFailure(fact.text));
    } else if (this.#phase !== 'opening' && this.#phase !== 'registering') {
      this.#crew.hearing.hear(fact, message, circumstance);
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
    this.#crew.sending.ledger.giveUp(silence, before);
    for (const name of this.#crew.rooms.unanswered(before)) {
      const why = failure('timeout', 'The server did not answer.');
      this.#crew.rooms.refused(name, why, this.#parts.context.clock.monotonic(), this.#parts.timings.rejoin);
      this.#crew.hearing.roomFailed(name, why);
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
    this.#crew.timers.clear();
    this.#crew.registration.close();
    const said = why ?? failure('network-unreachable', 'The session was closed.', 'retry');
    this.#crew.sending.close(said);
    this.#crew.questions.close(said);
    this.#parts.absence.lost(wasWelcome ? this.#heard : undefined);
    this.#crew.past.close(said);
    this.#crew.hearing.close();
    this.#parts.holders.lost();
    this.#flush();
    this.#crew.occupancy.close();
    this.#crew.wire.destroy();
    this.#parts.ended(why);
  }
}
