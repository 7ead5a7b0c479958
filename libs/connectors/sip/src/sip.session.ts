/* The session of one account that is registered with its server: in, out, and in again. */
import type {
  AttachedAccount,
  CloseReason,
  OutboundEnvelope,
  Paces,
  SendOutcome,
  Session,
  SessionClock,
  SessionContext,
} from '#connector';
import { Keeper, Life, TokenBucket, type Entry } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import { AccountWay } from './account-way.js';
import { capabilities } from './capabilities.js';
import { contactName, type Pool, type Seat } from './pool.js';
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
  #attached: Attached | undefined;
  #wanted = false;
  #closed = false;
  #leaving: Promise<void> | undefined;

  constructor(settings: SipSettings, context: SessionContext, timings: SipTimings, pool: Pool) {
    super();
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#pool = pool;
    this.#self = addressOf(/^sips?:/i.test(settings.address) ? settings.address : `sip:${settings.address}`);
    this.#bucket = new TokenBucket(settings.rate, settings.rate, () => context.clock.monotonic());
  }

  attach(account: AttachedAccount): void {
    if (this.#closed) return;
    if (this.#attached !== undefined || this.#self === undefined) {
      const why = this.#attached === undefined ? noAddress : taken;
      this.#context.state(account.id, { state: 'needs-person', ...why });
      return;
    }
    this.#attached = this.#make(account, this.#self);
    if (this.#wanted) this.#attached.life.begin();
  }

  async detach(account: AccountId): Promise<void> {
    if (this.#attached?.id === account) await this.#leave();
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#attached?.life.begin();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted = false;
    if (reason !== 'fenced') {
      await this.#leave();
      return;
    }
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    attached.life.stop();
    attached.keeper.close();
    this.#offline(attached);
    await attached.seat.leave();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const attached = this.#of(envelope.account);
    if (attached?.way.isOpen !== true || this.#leaving !== undefined) {
      return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    }
    this.#bucket.take();
    return attached.residence.send(envelope, signal);
  }

  allowance(account: AccountId): ReturnType<Paces['allowance']> {
    if (this.#of(account)?.way.isOpen !== true) return { envelopes: 0, againInMs: 1_000 };
    return { envelopes: this.#bucket.available(), againInMs: Math.max(1, this.#bucket.wait(1)) };
  }

  protected residenceOf(account: AccountId): Residence | undefined {
    return this.#of(account)?.residence;
  }

  #of(account: AccountId): Attached | undefined {
    return this.#attached?.id === account ? this.#attached : undefined;
  }

  #make({ id, desired }: AttachedAccount, self: string): Attached {
    const [context, settings, timings] = [this.#context, this.#settings, this.#timings];
    const seat = this.#pool.enter(contactName(id), (incoming) => {
      attached.residence.take(incoming);
    });
    const keeper = new Keeper(context, id, timings, {
      // The peer is told to come again; there is nothing to hold.
      full: () => undefined,
      eased: () => undefined,
      stalled: () => {
        this.#broken(attached, behind);
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
      ended: (why) => {
        this.#broken(attached, why);
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
  #broken(attached: Attached, why: Failure): void {
    this.#offline(attached);
    if (this.#attached === attached && this.#leaving === undefined) attached.life.ended(why);
  }

  #offline({ way, residence }: Attached): void {
    way.drop();
    residence.offline();
  }

  /** Takes the account off in order: what came is stored, and the server told. Whoever asks again waits along. */
  async #leave(): Promise<void> {
    this.#leaving ??= this.#leaveOnce().finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  async #leaveOnce(): Promise<void> {
    const attached = this.#attached;
    if (attached === undefined) return;
    const { clock } = this.#context;
    const before = clock.monotonic();
    const left = (): number => Math.max(1, this.#timings.close - (clock.monotonic() - before));
    attached.life.stop();
    await attached.residence.leave();
    await attached.way.leave(left() / 2);
    attached.residence.offline();
    await attached.keeper.drained(left());
    attached.keeper.close();
    await inTime(attached.seat.leave(), left(), clock);
    this.#context.state(attached.id, { state: 'offline' });
    if (this.#attached === attached) this.#attached = undefined;
  }
}

async function inTime(work: Promise<unknown>, ms: number, clock: SessionClock): Promise<void> {
  let cancel = (): void => undefined;
  const late = new Promise<void>((done) => {
    cancel = clock.after(ms, done);
  });
  await Promise.race([work, late]);
  cancel();
}
