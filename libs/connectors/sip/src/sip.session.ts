/* The session of one account that is registered with its server: in, out, and in again. */
import type {
  AttachedAccount,
  CloseReason,
  OutboundEnvelope,
  Paces,
  SendOutcome,
  Session,
  SessionContext,
} from '#connector';
import { inTime, Keeper, Life, SoleAccount, TokenBucket, type Entry } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import { AccountWay } from './account-way.js';
import { capabilities } from './capabilities.js';
import { contactName, type Pool, type Seat } from './pool.js';
import type { Refusal } from './registration.js';
import { Residence } from './residence.js';
import { Residents } from './residents.js';
import { addressOf } from './sip.addresses.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';
import { lineOver } from './way-line.js';

const notOnline = failure('network-unreachable', 'The account is not online.');
const behind = failure('storage-unavailable', 'What came from the network could not be stored for too long.');
const noAddress = failure('not-found', 'The settings have no SIP address that can be read.', 'ask-person');
const taken = failure('unsupported', 'A registration carries no other account.', 'ask-person');

/** What belongs to the one account of the link, from attach to detach. */
interface Attached {
  readonly id: AccountId;
  readonly seat: Seat;
  readonly keeper: Keeper;
  readonly life: Life;
  readonly way: AccountWay;
  readonly residence: Residence;
}

export class SipSession extends Residents implements Session, Paces {
  readonly #settings: SipSettings;
  readonly #context: SessionContext;
  readonly #timings: SipTimings;
  readonly #pool: Pool;
  readonly #self: string | undefined;
  readonly #bucket: TokenBucket;
  readonly #sole: SoleAccount<Attached>;

  constructor(settings: SipSettings, context: SessionContext, timings: SipTimings, pool: Pool) {
    super();
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#pool = pool;
    this.#self = addressOf(/^sips?:/i.test(settings.address) ? settings.address : `sip:${settings.address}`);
    this.#bucket = new TokenBucket(settings.rate, settings.rate, () => context.clock.monotonic());
    this.#sole = new SoleAccount<Attached>(context, timings.close, taken, {
      make: (account) => this.#make(account),
      leave: (attached, left) => this.#leave(attached, left),
      drop: (attached) => this.#drop(attached),
    });
  }

  attach(account: AttachedAccount): void {
    this.#sole.attach(account);
  }

  detach(account: AccountId): Promise<void> {
    return this.#sole.detach(account);
  }

  connect(): void {
    this.#sole.connect();
  }

  close(reason: CloseReason): Promise<void> {
    return this.#sole.close(reason);
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const attached = this.#sole.of(envelope.account);
    if (attached?.way.isOpen !== true || this.#sole.isLeaving) {
      return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    }
    this.#bucket.take();
    return attached.residence.send(envelope, signal);
  }

  allowance(account: AccountId): ReturnType<Paces['allowance']> {
    if (this.#sole.of(account)?.way.isOpen !== true) return { envelopes: 0, againInMs: 1_000 };
    return { envelopes: this.#bucket.available(), againInMs: Math.max(1, this.#bucket.wait(1)) };
  }

  protected residenceOf(account: AccountId): Residence | undefined {
    return this.#sole.of(account)?.residence;
  }

  #make({ id, desired }: AttachedAccount): Attached | Failure {
    const self = this.#self;
    if (self === undefined) return noAddress;
    const [context, settings, timings] = [this.#context, this.#settings, this.#timings];
    const seat = this.#pool.enter(contactName(id), (incoming) => {
      attached.residence.take(incoming);
    });
    const keeper = new Keeper(context, id, timings, {
      // The peer is told to come again; there is nothing to hold.
      full: () => undefined,
      eased: () => undefined,
      stalled: () => {
        this.#broken(attached, { failure: behind });
      },
      fenced: () => {
        void this.close('fenced');
      },
    });
    const way = new AccountWay({
      context,
      account: id,
      settings,
      timings,
      seat,
      self,
      ended: (refusal) => {
        this.#broken(attached, refusal);
      },
      note: (key, value) => {
        void keeper.store({ events: [], keyValues: [{ account: id, key, value }] });
      },
    });
    const parts = { context, account: id, settings, timings, line: lineOver(way), keeper };
    const attached: Attached = {
      id,
      seat,
      keeper,
      life: new Life(context, id, timings, (signal) => this.#enter(attached, signal)),
      way,
      residence: new Residence(parts, desired, true),
    };
    return attached;
  }

  async #enter({ id, way, residence }: Attached, signal: AbortSignal): Promise<Entry> {
    const entry = await way.enter(signal);
    if (entry.entry !== 'in') return entry;
    this.#context.capabilities(id, capabilities);
    residence.online();
    return entry;
  }

  /** The registration is over, by itself or because the house is behind. */
  #broken(attached: Attached, { failure: why, notForMs }: Refusal): void {
    this.#offline(attached);
    this.#sole.ended(attached, why, notForMs);
  }

  #offline({ way, residence }: Attached): void {
    way.drop();
    residence.offline();
  }

  /** In order: what came is stored, and the server told. */
  async #leave(attached: Attached, left: () => number): Promise<void> {
    await attached.residence.leave();
    await attached.way.leave(left() / 2);
    attached.residence.offline();
    await attached.keeper.drained(left());
    attached.keeper.close();
    await inTime(attached.seat.leave(), left(), this.#context.clock);
  }

  async #drop(attached: Attached): Promise<void> {
    attached.keeper.close();
    this.#offline(attached);
    await attached.seat.leave();
  }
}
