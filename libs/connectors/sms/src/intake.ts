/*
 * What comes from phones, on its way into the house. The network is answered when it is stored, and asked to deliver again
 * what is not. Parts of a text are kept with the house one by one, as they come: each can be acknowledged before the last
 * is there, and outlives this process.
 */
import type { JsonValue, SessionContext } from '#connector';
import {
  comeAgain,
  Keeper,
  readNote,
  Timers,
  type Kept,
  type KeeperHandler,
  type Notes,
} from '#connector/session';
import type { AccountId } from '#model';
import { Reassembly, type Joined } from '#protocols/smpp';
import type { ConsentSettings } from './courtesy.settings.js';
import type { IncomingReport, IncomingText, Upward } from './driver.js';
import { joinedFrom, messageFrom, receiptFrom } from './from-sms.js';
import { digestOf, Redeliveries } from './redeliveries.js';
import type { SmsTimings } from './timings.js';

const heardKey = 'sms.heard';

export class Intake implements Pick<Upward, 'heard' | 'reported'> {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #timings: SmsTimings;
  readonly #consent: ConsentSettings;
  readonly #keeper: Keeper;
  readonly #timers: Timers;
  /** The parts that wait for others; what is stored is the truth, so it is read anew whenever a write has failed. */
  #reassembly: Promise<Reassembly> | undefined;
  readonly #redeliveries: Redeliveries;
  /** What an earlier session noted has been read. */
  #ready: Promise<void> = Promise.resolve();

  constructor(
    context: SessionContext,
    account: AccountId,
    { timings, consent }: { readonly timings: SmsTimings; readonly consent: ConsentSettings },
    handler: KeeperHandler,
  ) {
    this.#context = context;
    this.#account = account;
    this.#timings = timings;
    this.#consent = consent;
    this.#keeper = new Keeper(context, account, timings, handler);
    this.#timers = new Timers(context.clock);
    this.#redeliveries = new Redeliveries(() => context.clock.monotonic());
  }

  /** Looks for what an earlier session left: texts that may come again, parts that wait for others. */
  begin(): void {
    this.#recall();
    void this.#flushParts();
  }

  /** The line is over. In order, nothing comes again; else whatever was with us may. */
  lineEnded(how: 'in order' | 'broken'): void {
    if (how === 'broken') this.#redeliveries.lineBroke();
    else void this.#keeper.store({ events: [], keyValues: [{ ...this.#heardNote(), value: null }] });
  }

  async heard(incoming: IncomingText): Promise<Kept> {
    await this.#ready;
    // Whole texts wait for what parts need, too: nobody's text overtakes another.
    const reassembly = await this.#parts();
    const { body, id } = incoming;
    // Parts that come again are told by the others of their text, what has an id of the network by the house.
    if ('part' in body) {
      if (reassembly === undefined) return comeAgain;
      const { changes, messages } = reassembly.offer(
        incoming.from,
        incoming.to,
        body.part,
        incoming.at.getTime(),
      );
      return this.#storeParts(changes, messages);
    }
    const said = 'text' in body ? body.text : body.bytes;
    const account = this.#account;
    if (id !== undefined)
      return this.#keeper.store({ events: [messageFrom(account, incoming, said, this.#consent)] });
    const taken = this.#redeliveries.take(digestOf(incoming, said));
    const message = messageFrom(account, { ...incoming, id: taken.id }, said, this.#consent);
    const kept = await this.#keeper.store({ events: [message], keyValues: [this.#heardNote()] });
    if (kept.kept === 'kept') taken.answered();
    else if (kept.kept === 'silent') taken.doubted();
    else taken.forget();
    return kept;
  }

  async reported(report: IncomingReport): Promise<Kept> {
    return this.#keeper.store({ events: [receiptFrom(this.#account, report)] });
  }

  /** Keeps a note of the driver's; without it, it learns again. */
  note(key: string, value: JsonValue): void {
    void this.#keeper.store({ events: [], keyValues: [{ account: this.#account, key, value }] });
  }

  /** Resolves when nothing is with the house, or the time is over. */
  async drained(withinMs: number): Promise<void> {
    await this.#keeper.drained(withinMs);
  }

  close(): void {
    this.#timers.clear();
    this.#keeper.close();
  }

  #heardNote(): Notes[number] {
    return { account: this.#account, key: heardKey, value: this.#redeliveries.note() };
  }

  #recall(): void {
    this.#ready = readNote(this.#context, this.#account, heardKey).then((noted) => {
      this.#redeliveries.resume(noted?.value);
    });
  }

  /** Lets go of texts whose missing parts have not come in time. */
  async #flushParts(): Promise<void> {
    const reassembly = await this.#parts();
    if (reassembly === undefined || this.#keeper.isClosed) return;
    const { changes, messages } = reassembly.due(this.#context.clock.now());
    if (changes.length > 0 || messages.length > 0) await this.#storeParts(changes, messages);
    else this.#arm(reassembly);
  }

  async #storeParts(
    changes: ReturnType<Reassembly['offer']>['changes'],
    messages: readonly Joined[],
  ): Promise<Kept> {
    const account = this.#account;
    const kept = await this.#keeper.store({
      events: messages.map((joined) => joinedFrom(account, joined, this.#consent)),
      keyValues: changes.map(({ key, value }) => ({ account, key: `sms.${key}`, value })),
    });
    if (kept.kept !== 'kept') this.#reassembly = undefined;
    const reassembly = await this.#parts();
    if (reassembly !== undefined) this.#arm(reassembly);
    return kept;
  }

  #arm(reassembly: Reassembly): void {
    const due = reassembly.nextDue();
    if (due === undefined || this.#keeper.isClosed) return;
    this.#timers.set('parts', Math.max(1, due - this.#context.clock.now()), () => void this.#flushParts());
  }

  async #parts(): Promise<Reassembly | undefined> {
    if (this.#keeper.isClosed) return undefined;
    this.#reassembly ??= Reassembly.restore(
      (key) => this.#context.keyValues.read(this.#account, `sms.${key}`),
      {
        patience: this.#timings.parts,
      },
    );
    try {
      return await this.#reassembly;
    } catch (error) {
      this.#reassembly = undefined;
      this.#context.log.warn(
        { account: this.#account, error: String(error) },
        'waiting parts could not be read',
      );
      return undefined;
    }
  }
}
