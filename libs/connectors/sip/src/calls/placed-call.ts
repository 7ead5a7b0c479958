/*
 * Two phones connected by third-party call control, flow I (RFC 3725 §4.1): mine is called without an offer and says what
 * it offers; theirs is called with that; what theirs answers goes back with the ACK of mine. Speech goes between them.
 *
 * Mine waits for its ACK while theirs rings, and gives up after 64*T1, 32 s (RFC 3261 §13.3.1.4): so theirs may ring for
 * less than that.
 */
import type { CallOrder, InboundCall } from '#connector';
import { failure, isOver, type CallState, type Failure } from '#model';
import type { Incoming, SipMessage } from '#protocols/sip';
import type { Parts } from '../parts.js';
import { uriOf } from '../sip.addresses.js';
import type { PlacedNote } from './call-notes.js';
import { Leg } from './leg.js';
import { headersOf, sessionOf } from './spoken.js';

export interface PlacedEvents {
  /** It stands otherwise. */
  told(told: Pick<InboundCall, 'state' | 'legs' | 'failure'>): void;
  /** What is kept of it has changed; resolves when it is kept. */
  keep(): Promise<void>;
  /** Both phones are down. */
  gone(): void;
}

const hangUp = 'SIP;cause=200;text="Hung up"';
const elsewhere = 'SIP;cause=487;text="The other end is gone"';

export class PlacedCall {
  readonly #parts: Parts;
  readonly #order: CallOrder;
  readonly #events: PlacedEvents;
  readonly #mine: Leg;
  readonly #theirs: Leg;
  #state: CallState = 'calling';
  #told = '';
  /** The Call-ID under which it has come back to us. */
  #returned: string | undefined;
  /** A change of how they speak is under way. */
  #changing = false;

  constructor(parts: Parts, order: CallOrder, events: PlacedEvents) {
    this.#parts = parts;
    this.#order = order;
    this.#events = events;
    this.#mine = this.#leg(() => this.#theirs);
    this.#theirs = this.#leg(() => this.#mine);
  }

  get note(): Omit<PlacedNote, 'to'> {
    return { answered: this.#state === 'answered', legs: [this.#mine.note, this.#theirs.note] };
  }

  /** Whether a request that came is one of our own, come back to us. */
  isOurs(callId: string): boolean {
    return this.#legs.some((leg) => leg.callIds.has(callId));
  }

  /**
   * Whether a call to us is this one, come back: the account's own phones are being called, nothing is heard of any yet, and
   * we are one of them. A server that calls phones with calls of its own may name whom it will; it calls each once, so who
   * calls besides is somebody else.
   */
  comesBackAs(callId: string): boolean {
    const { self } = this.#parts.line;
    if (this.#mine.state !== 'calling' || (this.#order.from ?? self) !== self) return false;
    this.#returned ??= callId;
    return this.#returned === callId;
  }

  /** The phone that a request within the call came from. */
  legOf(message: SipMessage): Leg | undefined {
    return this.#legs.find((leg) => leg.isOf(message));
  }

  /** Connects the two. Never rejects. */
  async begin(): Promise<void> {
    const { line, timings } = this.#parts;
    const { from = line.self, to } = this.#order;
    const mine = await this.#mine.call(uriOf(from), { ringMs: timings.mineRings });
    if (mine.called === 'refused') {
      await this.#end(mine.state, mine.failure);
      return;
    }
    if (isOver(this.#state)) return;
    if (mine.session === undefined) {
      await this.#end('failed', failure('unsupported', 'The first phone does not say how it can be heard.'));
      return;
    }
    const theirs = await this.#theirs.call(uriOf(to), {
      offer: mine.session,
      ringMs: timings.theirsRings,
    });
    if (theirs.called === 'refused') {
      await this.#end(theirs.state, theirs.failure);
      return;
    }
    await this.#theirs.acknowledge();
    if (isOver(this.#state)) return;
    if (theirs.session === undefined) {
      await this.#end('failed', failure('unsupported', 'Their phone does not say how it can be heard.'));
      return;
    }
    await this.#mine.acknowledge(theirs.session);
    this.#turn('answered');
    await this.#events.keep().catch(() => undefined);
  }

  /** Hangs up on both. */
  async end(): Promise<void> {
    await this.#end('ended');
  }

  async online(): Promise<void> {
    await Promise.all(this.#legs.map((leg) => leg.online()));
    this.#settle();
  }

  get #legs(): readonly Leg[] {
    return [this.#mine, this.#theirs];
  }

  #leg(other: () => Leg): Leg {
    return new Leg(this.#parts, {
      changed: () => {
        this.#changed();
      },
      keep: () => this.#events.keep(),
      hungUp: () => {
        void this.#end('ended');
      },
      offered: (incoming) => {
        void this.#pass(incoming, other());
      },
    });
  }

  /** A phone stands otherwise: while it is being placed, whichever rings lets the call ring. */
  #changed(): void {
    const rings = this.#legs.some(({ state }) => state === 'ringing' || state === 'answered');
    // When both have answered, each is still to hear what the other said.
    const both = this.#legs.every(({ state }) => state === 'answered');
    if (this.#state === 'calling' && rings) this.#state = 'ringing';
    if (this.#state === 'ringing' && rings && !both) this.#tell();
  }

  #turn(state: CallState): void {
    if (isOver(this.#state)) return;
    this.#state = state;
    this.#tell();
  }

  async #end(state: CallState, why?: Failure): Promise<void> {
    if (!isOver(this.#state)) {
      this.#state = state;
      this.#tell(why);
    }
    const reason = state === 'ended' ? hangUp : elsewhere;
    await Promise.all(this.#legs.map((leg) => leg.hangUp(reason)));
    this.#settle();
  }

  #settle(): void {
    if (isOver(this.#state) && this.#legs.every((leg) => leg.isDone)) this.#events.gone();
  }

  #tell(why?: Failure): void {
    const over = isOver(this.#state);
    const legs = over
      ? ({ mine: 'ended', theirs: 'ended' } as const)
      : { mine: this.#mine.state, theirs: this.#theirs.state };
    const told = JSON.stringify([this.#state, legs]);
    if (told === this.#told) return;
    this.#told = told;
    this.#events.told({ state: this.#state, legs, ...(why && { failure: why }) });
  }

  /**
   * Passes on how one phone wants to speak from now on, and what the other says to it (RFC 3725 §7). One change at a time; who
   * wants to be asked first is refused, for nobody here has anything to offer.
   */
  async #pass(incoming: Incoming, other: Leg): Promise<void> {
    if (this.#changing || this.#state !== 'answered') {
      incoming.respond(491);
      return;
    }
    // Nobody here refreshes a session (RFC 4028).
    if (incoming.request.headers.tokens('require').includes('timer')) {
      incoming.respond(420, { headers: { unsupported: 'timer' } });
      return;
    }
    const session = sessionOf(incoming.request);
    if (session === undefined) {
      incoming.respond(488);
      return;
    }
    this.#changing = true;
    const answer = await other.offer(session);
    this.#changing = false;
    if (incoming.isOver) return;
    if (typeof answer === 'number') {
      incoming.respond(answer);
      if (answer === 481 || answer === 408) await this.#end('ended');
      return;
    }
    incoming.unacked = () => {
      void this.#end('ended');
    };
    incoming.respond(200, {
      headers: { ...headersOf(answer), contact: `<${this.#parts.line.contact(incoming.flow)}>` },
      body: answer.body,
    });
  }
}
