/*
 * The session of a trunk: no registration, one link for everybody of our domains. What comes from a peer for one of them goes
 * to that account, and nowhere else; what an account says goes to the peer that reaches whom it is for.
 */
import type {
  AttachedAccount,
  CloseReason,
  InboundParty,
  OutboundEnvelope,
  Paces,
  SendOutcome,
  Session,
  SessionContext,
} from '#connector';
import { Keeper, Life, type Entry } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import { parseUri, type Incoming, type Timers as StackTimers } from '#protocols/sip';
import { capabilities } from './capabilities.js';
import { answerOptions, contactName } from './pool.js';
import { Residence } from './residence.js';
import { Residents } from './residents.js';
import { addressOf, partyOf } from './sip.addresses.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';
import { TrunkLink } from './trunk-link.js';
import { hostOf } from './trunk-peers.js';
import { addressesAt, isOurs, isRelayed } from './trunk-places.js';
import { TrunkWay } from './trunk-way.js';
import type { TrunkSettings } from './trunk.settings.js';
import { lineOver } from './way-line.js';

const notOnline = failure('network-unreachable', 'The trunk is not up.');
const behind = failure('storage-unavailable', 'What came from the network could not be stored for too long.');

/** One account on the trunk. */
interface Seat {
  readonly id: AccountId;
  readonly self: string;
  readonly keeper: Keeper;
  readonly life: Life;
  readonly residence: Residence;
  online: boolean;
}

export class TrunkSession extends Residents implements Session, Paces {
  readonly #settings: SipSettings;
  readonly #trunk: TrunkSettings;
  readonly #context: SessionContext;
  readonly #timings: SipTimings;
  readonly #link: TrunkLink;
  readonly #seats = new Map<AccountId, Seat>();
  /** By address, and by the first part of our Contacts. */
  readonly #byName = new Map<string, Seat>();
  /** What a peer vouches for of a request that is being taken. */
  readonly #authors = new WeakMap<Incoming, InboundParty>();
  #wanted = false;
  #closed = false;

  constructor(
    settings: SipSettings,
    trunk: TrunkSettings,
    context: SessionContext,
    timings: SipTimings,
    timers: Partial<StackTimers>,
  ) {
    super();
    this.#settings = settings;
    this.#trunk = trunk;
    this.#context = context;
    this.#timings = timings;
    this.#link = new TrunkLink({
      context,
      settings,
      trunk,
      timings,
      timers,
      onRequest: (incoming) => {
        this.#take(incoming);
      },
      lost: (why) => {
        for (const seat of this.#seats.values()) this.#broken(seat, why);
      },
    });
  }

  attach(account: AttachedAccount): void {
    if (this.#closed || this.#seats.has(account.id)) return;
    const self = addressOf(`sip:${account.localAddress ?? ''}`);
    const why =
      self === undefined || !this.#trunk.domains.includes(hostOf(self))
        ? failure(
            'not-found',
            `The account needs an address under ${this.#trunk.domains.join(' or ')}.`,
            'ask-person',
          )
        : this.#byName.has(self)
          ? failure('resource-conflict', 'Another account on this trunk has that address.')
          : undefined;
    if (why !== undefined || self === undefined) {
      if (why !== undefined) this.#context.state(account.id, { state: 'needs-person', ...why });
      return;
    }
    const seat = this.#make(account, self);
    this.#seats.set(seat.id, seat);
    this.#byName.set(self, seat);
    this.#byName.set(contactName(seat.id), seat);
    if (this.#wanted) seat.life.begin();
  }

  async detach(account: AccountId): Promise<void> {
    const seat = this.#seats.get(account);
    if (seat !== undefined) await this.#leave(seat);
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    for (const seat of this.#seats.values()) seat.life.begin();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted = false;
    const seats = [...this.#seats.values()];
    if (reason === 'fenced') for (const seat of seats) this.#drop(seat);
    else await Promise.all(seats.map((seat) => this.#leave(seat)));
    await this.#link.close();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const seat = this.#seats.get(envelope.account);
    const up = this.#link.up;
    // While the link goes down nobody can say whom it reaches.
    if (seat?.online !== true || up === undefined)
      return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    const peer = up.peers.toward(envelope.to);
    if (peer === undefined) {
      return {
        outcome: 'refused',
        failure: failure('not-found', 'No peer of the trunk reaches that address.'),
      };
    }
    const wait = peer.outward.wait(1);
    if (wait > 0) {
      const why = failure('rate-limited', `No more goes to ${peer.settings.name} than the settings say.`);
      return { outcome: 'later', retryAfterMs: wait, failure: why };
    }
    peer.outward.take();
    return seat.residence.send(envelope, signal);
  }

  allowance(account: AccountId): ReturnType<Paces['allowance']> {
    const seat = this.#seats.get(account);
    const up = this.#link.up;
    if (seat?.online !== true || up === undefined) return { envelopes: 0, againInMs: 1_000 };
    const outward = up.peers.all.map((peer) => peer.outward);
    return {
      envelopes: Math.max(...outward.map((bucket) => bucket.available())),
      againInMs: Math.max(1, Math.min(...outward.map((bucket) => bucket.wait(1)))),
    };
  }

  protected residenceOf(account: AccountId): Residence | undefined {
    return this.#seats.get(account)?.residence;
  }

  /** Takes what comes to the port: from a peer, of somebody it may speak for, to somebody of ours; all else is refused. */
  #take(incoming: Incoming): void {
    const known = this.#link.up?.peers.know(
      incoming,
      () => this.#seatOf(incoming.request.uri)?.residence.knows(incoming) === true,
    );
    if (known === undefined) incoming.respond(503, { headers: { 'retry-after': '5' } });
    if (known?.known !== 'peer') return;
    const { peer } = known;
    const { request } = incoming;
    const uri = parseUri(request.uri);
    if (uri === undefined || !isOurs(this.#trunk, uri.host) || isRelayed(this.#trunk, request)) {
      incoming.respond(403, { reason: 'Not relaying' });
      return;
    }
    if (request.method === 'OPTIONS') {
      if (uri.user === undefined || this.#seatOf(request.uri) !== undefined) answerOptions(incoming);
      else incoming.respond(404);
      return;
    }
    const author = this.#link.up?.peers.author(peer, incoming);
    if (author === undefined || this.#link.up?.peers.maySpeakFor(peer, author.address) !== true) {
      incoming.respond(403, { reason: 'Not your address' });
      return;
    }
    const seat = this.#seatOf(request.uri);
    if (seat === undefined) {
      incoming.respond(404);
      return;
    }
    if (!seat.online) {
      incoming.respond(480);
      return;
    }
    const party = partyOf(author.value);
    if (party !== undefined) this.#authors.set(incoming, party);
    seat.residence.take(incoming);
  }

  #seatOf(uri: string): Seat | undefined {
    const read = parseUri(uri);
    if (read === undefined) return undefined;
    const { user, host } = read;
    const address = addressOf(uri)?.replace(/:\d+$/, '') ?? '';
    const known = this.#byName.get(address) ?? this.#byName.get(user ?? '');
    if (known !== undefined || user === undefined) return known;
    const called = addressesAt(this.#trunk, address.slice(0, address.lastIndexOf('@')), host);
    const seats = called.flatMap((one) => this.#byName.get(one) ?? []);
    // Of two who have one name under two domains neither is meant for certain.
    return seats.length === 1 ? seats[0] : undefined;
  }

  #make({ id, desired }: AttachedAccount, self: string): Seat {
    const context = this.#context;
    const keeper = new Keeper(context, id, this.#timings, {
      full: () => undefined,
      eased: () => undefined,
      stalled: () => {
        this.#broken(seat, behind);
      },
      fenced: () => {
        void this.close('fenced');
      },
    });
    const [settings, timings] = [this.#settings, this.#timings];
    const way = new TrunkWay({
      context,
      account: id,
      settings,
      trunk: this.#trunk,
      timings,
      link: this.#link,
      self,
      authorOf: (incoming) => this.#authors.get(incoming),
    });
    const parts = { context, account: id, settings, timings, line: lineOver(way), keeper };
    const seat: Seat = {
      id,
      self,
      keeper,
      life: new Life(context, id, this.#timings, (signal) => this.#enter(seat, signal)),
      residence: new Residence(parts, desired, false),
      online: false,
    };
    return seat;
  }

  async #enter(seat: Seat, signal: AbortSignal): Promise<Entry> {
    const up = await this.#link.begin();
    if (signal.aborted || this.#closed) return { entry: 'closed' };
    if ('code' in up) return { entry: 'none', failure: up };
    seat.online = true;
    this.#context.capabilities(seat.id, capabilities);
    seat.residence.online();
    return { entry: 'in', localAddress: seat.self };
  }

  #broken(seat: Seat, why: Failure): void {
    if (!seat.online) return;
    seat.online = false;
    seat.residence.offline();
    seat.life.ended(why);
  }

  async #leave(seat: Seat): Promise<void> {
    seat.life.stop();
    await seat.residence.leave();
    seat.online = false;
    seat.residence.offline();
    await seat.keeper.drained(this.#timings.close);
    this.#drop(seat);
    this.#context.state(seat.id, { state: 'offline' });
  }

  #drop(seat: Seat): void {
    seat.life.stop();
    seat.online = false;
    seat.keeper.close();
    this.#seats.delete(seat.id);
    this.#byName.delete(seat.self);
    this.#byName.delete(contactName(seat.id));
  }
}
