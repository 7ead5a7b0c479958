/*
 * A link alive: one account, one line of its driver at a time, and between lines a pause that grows and has jitter. What
 * the driver hears goes through the intake; what the house sends becomes a text and goes to the line.
 */
import type {
  AttachedAccount,
  CloseReason,
  JsonObject,
  OutboundEnvelope,
  Paces,
  SendOutcome,
  Session,
  SessionContext,
  TakesIngress,
} from '#connector';
import { Life, SoleAccount, type Entry } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import { capabilities } from './capabilities.js';
import { DestinationRates } from './destination-rates.js';
import type { Allowance, Driver, Line } from './driver.js';
import { driverOf } from './drivers/index.js';
import { Intake } from './intake.js';
import type { SmsSettings } from './sms.settings.js';
import type { SmsTimings } from './timings.js';
import { submissionOf } from './to-sms.js';

const notOnline = failure('network-unreachable', 'The account is not online.');
const tooFast = failure('rate-limited', 'Texts to there leave no faster than the settings say.');
const taken = failure('unsupported', 'A link to a network of phones carries no other account.');
const behind = failure('storage-unavailable', 'What came from the network could not be stored for too long.');

/** What belongs to the one account of the link, from attach to detach. */
interface Attached {
  readonly id: AccountId;
  readonly driver: Driver;
  readonly intake: Intake;
  readonly life: Life;
  line: Line | undefined;
}

export class SmsSession implements Session, Paces, TakesIngress {
  readonly #settings: SmsSettings;
  readonly #context: SessionContext;
  readonly #timings: SmsTimings;
  readonly #rates: DestinationRates;
  readonly #spoolDirectory: string | undefined;
  readonly #sole: SoleAccount<Attached>;

  constructor(
    settings: SmsSettings,
    context: SessionContext,
    timings: SmsTimings,
    spoolDirectory: string | undefined,
  ) {
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#rates = new DestinationRates(settings.courtesy.rates, context.clock, () => context.random());
    this.#spoolDirectory = spoolDirectory;
    this.#sole = new SoleAccount<Attached>(context, timings.close, taken, {
      make: (account) => this.#make(account),
      leave: (attached, left) => this.#leave(attached, left),
      drop: (attached) => {
        this.#drop(attached);
      },
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
    const line = this.#sole.of(envelope.account)?.line;
    if (line === undefined) return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    const submission = submissionOf(envelope, {
      numbers: this.#settings.numbers,
      carriesMedia: line.carriesMedia,
    });
    if ('code' in submission) return { outcome: 'refused', failure: submission };
    const retryAfterMs = this.#rates.take(submission.to);
    if (retryAfterMs > 0) return { outcome: 'later', retryAfterMs, failure: tooFast };
    return line.submit(submission, signal);
  }

  allowance(account: AccountId): Allowance {
    return this.#sole.of(account)?.line?.allowance() ?? { envelopes: 0, againInMs: 1_000 };
  }

  async takeIn(account: AccountId, item: JsonObject): Promise<'taken' | 'later'> {
    const attached = this.#sole.of(account);
    if (attached === undefined || this.#sole.isLeaving) return 'later';
    // Other settings were chosen meanwhile: what the provider of before said is nobody's.
    if (attached.driver.takeIn === undefined) return 'taken';
    const { kept } = await attached.driver.takeIn(item);
    return kept === 'kept' || kept === 'refused' ? 'taken' : 'later';
  }

  #make({ id }: AttachedAccount): Attached {
    const intake = new Intake(
      this.#context,
      id,
      { timings: this.#timings, consent: this.#settings.courtesy.consent },
      {
        full: () => attached.line?.hold(),
        eased: () => attached.line?.ease(),
        stalled: () => {
          this.#broken(attached, behind);
        },
        fenced: () => {
          void this.close('fenced');
        },
      },
    );
    const driver = driverOf({
      context: this.#context,
      account: id,
      settings: this.#settings,
      timings: this.#timings,
      spoolDirectory: this.#spoolDirectory,
      upward: {
        broken: (why) => {
          this.#broken(attached, why);
        },
        heard: (text) => intake.heard(text),
        reported: (report) => intake.reported(report),
      },
      note: (key, value) => {
        intake.note(key, value);
      },
    });
    const life = new Life(this.#context, id, this.#timings, (signal) => this.#enter(attached, signal));
    const attached: Attached = { id, driver, intake, life, line: undefined };
    intake.begin();
    return attached;
  }

  async #enter(attached: Attached, signal: AbortSignal): Promise<Entry> {
    const line = await attached.driver.open(signal);
    if ('code' in line) return { entry: 'none', failure: line };
    if (signal.aborted) {
      line.destroy();
      return { entry: 'closed' };
    }
    attached.line = line;
    this.#context.capabilities(attached.id, {
      ...capabilities,
      files: line.carriesMedia ? 'native' : 'fallback',
    });
    return { entry: 'in', localAddress: this.#settings.numbers[0] ?? '' };
  }

  /** The line is over, by itself or because the house is behind. */
  #broken(attached: Attached, why: Failure): void {
    attached.line?.destroy();
    attached.line = undefined;
    attached.intake.lineEnded('broken');
    this.#sole.ended(attached, why);
  }

  /** In order: what has left is waited for, what came is stored. */
  async #leave(attached: Attached, left: () => number): Promise<void> {
    attached.driver.close?.();
    const line = attached.line;
    attached.line = undefined;
    await line?.close(left());
    await attached.intake.drained(left());
    if (line !== undefined) attached.intake.lineEnded('in order');
    await attached.intake.drained(left());
    attached.intake.close();
  }

  #drop({ driver, intake, line }: Attached): void {
    driver.close?.();
    intake.close();
    line?.destroy();
  }
}
