/*
 * A modem's directories, looked at again and again: what the program sent or could not send, what it heard. The looks are
 * the truth, the system's word that something changed is a hint. A file is read when nobody has written to it between two
 * looks, and taken away when the house has what is in it.
 */
import { wireIdOf, type SendOutcome } from '#connector';
import { Timers } from '#connector/session';
import { failure } from '#model';
import type { Allowance, DriverParts, Line, Submission } from '../driver.js';
import { planOf } from './smpp-submission.js';
import { SpoolArrivals } from './spool-arrivals.js';
import { troubleOf, type Seen, type SpoolDirectory } from './spool-directory.js';
import { SpoolFates } from './spool-fates.js';
import type { SpoolFile, SpoolProgram } from './spool-program.js';

/** Texts that wait for the modem; it sends one in some seconds. */
const mostWaiting = 1_000;
/** From a hint to the look, milliseconds: what comes together is looked at together. */
const hintMs = 50;

const tooMany = failure('rate-limited', 'The modem has a thousand texts to send already.');
const group = failure('unsupported', 'A modem sends a text to one number at a time.');
const noNumber = failure('not-found', 'A modem writes to numbers and short codes only.');
const nobodyKnows = failure('timeout', 'The modem’s directory was not written to in time.');

/** A file that nobody has written to for a moment. */
export interface Settled extends Seen {
  /** When it was first seen as it is, on the clock that only grows. */
  readonly since: number;
}

type Looks = Map<string, { readonly mark: string; readonly since: number }>;

export class SpoolLine implements Line {
  readonly carriesMedia = false;
  readonly #parts: DriverParts;
  readonly #program: SpoolProgram;
  readonly #directory: SpoolDirectory;
  readonly #fates: SpoolFates;
  readonly #arrivals: SpoolArrivals;
  readonly #timers: Timers;
  readonly #unwatch: () => void;
  readonly #over = new AbortController();
  readonly #putting = new Set<Promise<SendOutcome>>();
  /** How each file looked, and since when. */
  #seen: Looks = new Map();
  #room = mostWaiting;
  #held = false;
  #hinted = false;
  #looking: Promise<number | undefined> | undefined;

  constructor(parts: DriverParts, program: SpoolProgram, directory: SpoolDirectory) {
    this.#parts = parts;
    this.#program = program;
    this.#directory = directory;
    this.#fates = new SpoolFates(parts, program, directory);
    this.#arrivals = new SpoolArrivals(parts, program, directory, this.#fates);
    this.#timers = new Timers(parts.context.clock);
    this.#unwatch = directory.watch(() => {
      this.#hint();
    });
    this.#lookIn(1);
  }

  async submit({ envelope, to, text }: Submission, signal: AbortSignal): Promise<SendOutcome> {
    const { settings, timings } = this.#parts;
    const [peer = ''] = to;
    if (to.length > 1) return { outcome: 'refused', failure: group };
    if (!/^\+?\d{3,15}$/.test(peer)) return { outcome: 'refused', failure: noNumber };
    const plan = planOf(text, settings);
    if ('code' in plan) return { outcome: 'refused', failure: plan };
    if (this.#room <= 0) return { outcome: 'later', retryAfterMs: timings.spool, failure: tooMany };
    this.#room--;
    const wireId = (part: number): string => wireIdOf(envelope, part);
    const files = this.#program.write({ wireId, to: peer, plan, receipts: settings.smpp.receipts });
    const put = this.#put(files);
    this.#putting.add(put);
    void put.finally(() => this.#putting.delete(put));
    return Promise.race([put, givenUp(AbortSignal.any([signal, this.#over.signal]))]);
  }

  allowance(): Allowance {
    return { envelopes: Math.max(0, this.#room), againInMs: this.#parts.timings.spool };
  }

  hold(): void {
    this.#held = true;
  }

  ease(): void {
    this.#held = false;
    this.#hint();
  }

  async close(withinMs: number): Promise<void> {
    this.#held = true;
    this.#timers.clear();
    this.#unwatch();
    await new Promise<void>((done) => {
      const cancel = this.#parts.context.clock.after(withinMs, done);
      void Promise.all([this.#looking, ...this.#putting]).then(() => {
        cancel();
        done();
      });
    });
    this.destroy();
  }

  destroy(): void {
    this.#over.abort();
    this.#timers.clear();
    this.#unwatch();
  }

  async #put(files: readonly SpoolFile[]): Promise<SendOutcome> {
    try {
      for (const file of files) await this.#directory.put(file);
      return { outcome: 'pending', parts: files.length };
    } catch (error) {
      // Put once more they have the same names, so that it is one text whatever became of these.
      return { outcome: 'later', retryAfterMs: this.#parts.timings.spool, failure: troubleOf(error) };
    }
  }

  get #stopped(): boolean {
    return this.#held || this.#over.signal.aborted;
  }

  /** How soon a hint that came meanwhile is followed; never, if none did. */
  get #afterHint(): number {
    return this.#hinted ? hintMs : Number.POSITIVE_INFINITY;
  }

  #hint(): void {
    if (this.#looking !== undefined) this.#hinted = true;
    else this.#lookIn(hintMs);
  }

  #lookIn(ms: number): void {
    if (!this.#stopped) this.#timers.set('look', ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#looking !== undefined || this.#stopped) return;
    this.#hinted = false;
    const looking = this.#lookOnce().catch((error: unknown) => {
      if (!this.#over.signal.aborted) this.#parts.upward.broken(troubleOf(error));
      return undefined;
    });
    this.#looking = looking;
    const pause = await looking;
    this.#looking = undefined;
    if (pause !== undefined) this.#lookIn(Math.min(this.#afterHint, pause));
  }

  /** One look at everything. @returns when to look again, in milliseconds */
  async #lookOnce(): Promise<number> {
    const { context, timings } = this.#parts;
    const now = context.clock.monotonic();
    const seen: Looks = new Map();
    let pause = timings.spool;
    // What is too young is looked at again when it has had its time.
    const settled = (box: string, files: readonly Seen[]): readonly Settled[] =>
      files.flatMap((file) => {
        const key = `${box}/${file.name}`;
        const before = this.#seen.get(key);
        const since = before?.mark === file.mark ? before.since : now;
        seen.set(key, { mark: file.mark, since });
        const left = since + timings.spool / 4 - now;
        if (left > 0) pause = Math.min(pause, left);
        return left > 0 ? [] : [{ ...file, since }];
      });
    const soonest = (asked: number | undefined): void => {
      if (asked !== undefined) pause = Math.min(pause, asked);
    };
    await this.#directory.check();
    const { outgoing, sent, failed, incoming } = this.#program.boxes;
    this.#room = mostWaiting - (await this.#directory.list(outgoing, () => false)).entries;
    for (const [box, state] of [[sent, 'sent'] as const, [failed, 'failed'] as const]) {
      const { files } = await this.#directory.list(box, (name) => this.#fates.concerns(name));
      for (const file of settled(box, files)) {
        if (this.#stopped) break;
        soonest(await this.#fates.told(box, file, state));
      }
    }
    for (const box of incoming) {
      const { files } = await this.#directory.list(box, (name) => this.#program.arrived(name) !== undefined);
      for (const text of this.#arrivals.wholeOf(files, settled(box, files), now)) {
        if (this.#stopped) break;
        const asked = await this.#arrivals.take(box, text);
        soonest(asked);
        // What came after it must not be stored before it.
        if (asked !== undefined) break;
      }
    }
    this.#seen = seen;
    return pause;
  }
}

async function givenUp(signal: AbortSignal): Promise<SendOutcome> {
  if (!signal.aborted) {
    await new Promise((aborted) => {
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
  return { outcome: 'unknown', failure: nobodyKnows };
}
