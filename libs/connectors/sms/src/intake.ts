/*
 * What comes from phones, on its way into the house. The network is answered when it is stored, and asked to deliver again
 * what is not. Parts of a text are kept with the house one by one, as they come: each can be acknowledged before the last
 * is there, and outlives this process.
 */
import type { EmitOutcome, InboundBatch, InboundEvent, JsonValue, SessionContext } from '#connector';
import { readNote, Timers, type Notes } from '#connector/session';
import type { AccountId } from '#model';
import { Reassembly, type Joined } from '#protocols/smpp';
import type { ConsentSettings } from './courtesy.settings.js';
import type { IncomingReport, IncomingText, Kept, Upward } from './driver.js';
import { joinedFrom, messageFrom, receiptFrom } from './from-sms.js';
import { digestOf, Redeliveries } from './redeliveries.js';
import type { SmsTimings } from './timings.js';

export interface IntakeHandler {
  /** Too much is with the house: read no more until `eased`. */
  full(): void;
  eased(): void;
  /** The house has not taken anything for too long. */
  stalled(): void;
  /** Another worker holds the link: be silent from now on. */
  fenced(): void;
}

const heardKey = 'sms.heard';

/** The house is full already: whoever did not stop when asked is told to come again. */
const comeAgain: Kept = { kept: 'not-kept', retryAfterMs: 1_000 };

export class Intake implements Pick<Upward, 'heard' | 'reported'> {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #timings: SmsTimings;
  readonly #consent: ConsentSettings;
  readonly #handler: IntakeHandler;
  readonly #timers: Timers;
  #outstanding = 0;
  #full = false;
  #closed = false;
  /** The parts that wait for others; what is stored is the truth, so it is read anew whenever a write has failed. */
  #reassembly: Promise<Reassembly> | undefined;
  readonly #redeliveries: Redeliveries;
  /** What an earlier session noted has been read. */
  #ready: Promise<void> = Promise.resolve();
  readonly #quiet = new Set<() => void>();
  /** While the house has asked for patience. */
  #pause: { readonly over: Promise<void>; end(): void } | undefined;

  constructor(
    context: SessionContext,
    account: AccountId,
    { timings, consent }: { readonly timings: SmsTimings; readonly consent: ConsentSettings },
    handler: IntakeHandler,
  ) {
    this.#context = context;
    this.#account = account;
    this.#timings = timings;
    this.#consent = consent;
    this.#handler = handler;
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
    else void this.#store({ events: [], keyValues: [{ ...this.#heardNote(), value: null }] });
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
      return this.#store({ events: [messageFrom(account, incoming, said, this.#consent)] });
    const taken = this.#redeliveries.take(digestOf(incoming, said));
    const message = messageFrom(account, { ...incoming, id: taken.id }, said, this.#consent);
    const kept = await this.#store({ events: [message], keyValues: [this.#heardNote()] });
    if (kept.kept === 'kept') taken.answered();
    else if (kept.kept === 'silent') taken.doubted();
    else taken.forget();
    return kept;
  }

  async reported(report: IncomingReport): Promise<Kept> {
    return this.#store({ events: [receiptFrom(this.#account, report)] });
  }

  /** Keeps a note of the driver's; without it, it learns again. */
  note(key: string, value: JsonValue): void {
    void this.#store({ events: [], keyValues: [{ account: this.#account, key, value }] });
  }

  /** Resolves when nothing is with the house, or the time is over. */
  async drained(withinMs: number): Promise<void> {
    if (this.#outstanding === 0) return;
    await new Promise<void>((done) => {
      const finish = (): void => {
        cancel();
        this.#quiet.delete(finish);
        done();
      };
      const cancel = this.#context.clock.after(withinMs, finish);
      this.#quiet.add(finish);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#pause?.end();
    for (const tell of [...this.#quiet]) tell();
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
    if (reassembly === undefined || this.#closed) return;
    const { changes, messages } = reassembly.due(this.#context.clock.now());
    if (changes.length > 0 || messages.length > 0) await this.#storeParts(changes, messages);
    else this.#arm(reassembly);
  }

  async #storeParts(
    changes: ReturnType<Reassembly['offer']>['changes'],
    messages: readonly Joined[],
  ): Promise<Kept> {
    const account = this.#account;
    const kept = await this.#store({
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
    if (due === undefined || this.#closed) return;
    this.#timers.set('parts', Math.max(1, due - this.#context.clock.now()), () => void this.#flushParts());
  }

  async #parts(): Promise<Reassembly | undefined> {
    if (this.#closed) return undefined;
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

  async #store(batch: InboundBatch): Promise<Kept> {
    if (this.#closed) return { kept: 'silent' };
    const count = Math.max(1, batch.events.length);
    if (this.#outstanding + count > this.#context.emitLimit) return comeAgain;
    this.#outstanding += count;
    this.#weigh();
    const kept = await this.#storeInTime(batch);
    this.#outstanding -= count;
    if (this.isClosed) return { kept: 'silent' };
    this.#weigh();
    if (this.#outstanding === 0) for (const tell of [...this.#quiet]) tell();
    return kept;
  }

  /**
   * Offers it again while the network still waits for an answer: refused for now, it would come after what came later.
   * Meanwhile nothing else is offered, so that the order stays.
   */
  async #storeInTime(batch: InboundBatch): Promise<Kept> {
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#timings.deadline;
    for (;;) {
      while (this.#pause !== undefined) await this.#pause.over;
      if (this.#closed) return { kept: 'silent' };
      const left = until - clock.monotonic();
      const kept = this.#judge(batch.events, await this.#emit(batch, Math.max(1, left)));
      if (kept.kept !== 'not-kept' || kept.retryAfterMs >= until - clock.monotonic()) return kept;
      this.#wait(kept.retryAfterMs);
    }
  }

  async #emit(batch: InboundBatch, deadlineMs: number): Promise<readonly EmitOutcome[]> {
    try {
      return await this.#context.emit(batch, deadlineMs);
    } catch (error) {
      this.#context.log.warn({ account: this.#account, error: String(error) }, 'emit failed');
      return [{ outcome: 'not-stored', retryAfterMs: 1_000 }];
    }
  }

  /** Offers nothing for a while; a pause that has begun is not made longer. */
  #wait(ms: number): void {
    if (this.#pause !== undefined || this.#closed) return;
    let end: () => void = () => undefined;
    const over = new Promise<void>((done) => {
      end = () => {
        this.#pause = undefined;
        done();
      };
    });
    this.#pause = { over, end };
    this.#timers.set('pause', ms, end);
  }

  /** One answer for a batch: the worst of its outcomes. */
  #judge(events: readonly InboundEvent[], outcomes: readonly EmitOutcome[]): Kept {
    const of = (name: EmitOutcome['outcome']) => outcomes.find(({ outcome }) => outcome === name);
    if (of('fenced') !== undefined) {
      this.close();
      this.#handler.fenced();
      return { kept: 'silent' };
    }
    const notStored = outcomes.find((one) => one.outcome === 'not-stored');
    if (notStored !== undefined) {
      if (!this.#timers.has('stalled')) {
        this.#timers.set('stalled', this.#timings.stalled, () => {
          this.#handler.stalled();
        });
      }
      return { kept: 'not-kept', retryAfterMs: notStored.retryAfterMs };
    }
    if (of('in-doubt') !== undefined) return { kept: 'silent' };
    this.#timers.cancel('stalled');
    const refused = outcomes.find((one) => one.outcome === 'refused');
    if (refused === undefined) return { kept: 'kept' };
    const [first] = events;
    this.#context.log.warn(
      { account: this.#account, type: first?.type, code: refused.failure.code },
      'the house refused an event',
    );
    return { kept: 'refused', failure: refused.failure };
  }

  #weigh(): void {
    const limit = this.#context.emitLimit;
    // What the network has on its way when it is told to stop must still find room.
    if (!this.#full && this.#outstanding >= limit / 2) {
      this.#full = true;
      this.#handler.full();
    } else if (this.#full && this.#outstanding <= limit / 4) {
      this.#full = false;
      this.#handler.eased();
    }
  }
}
