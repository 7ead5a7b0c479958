/*
 * What the program heard. A text may lie in several files; it is told when all are there and nobody writes to them, and
 * they go when the house has it. What nobody can make sense of, or the house does not want, is left where it is.
 */
import type { Kept } from '#connector/session';
import { createHash } from 'node:crypto';
import type { DriverParts } from '../driver.js';
import { fromTon } from '../sms.addresses.js';
import type { Seen, SpoolDirectory } from './spool-directory.js';
import type { SpoolFates } from './spool-fates.js';
import type { Settled } from './spool-line.js';
import type { SpoolFile, SpoolProgram } from './spool-program.js';

/** Files that were left where they are; more are tried again. */
const mostLeft = 10_000;

/** The files of one text, in order of its parts. */
type Text = readonly [Settled, ...Settled[]];

export class SpoolArrivals {
  readonly #parts: DriverParts;
  readonly #program: SpoolProgram;
  readonly #directory: SpoolDirectory;
  readonly #fates: SpoolFates;
  /** What is left where it is, as it was. */
  readonly #left = new Map<string, string>();

  constructor(parts: DriverParts, program: SpoolProgram, directory: SpoolDirectory, fates: SpoolFates) {
    this.#parts = parts;
    this.#program = program;
    this.#directory = directory;
    this.#fates = fates;
  }

  /**
   * The texts that are whole, oldest first. One whose parts do not begin with the first waits for it, for a while.
   * @param all the files that are there, @param settled those that nobody has written to
   */
  wholeOf(all: readonly Seen[], settled: readonly Settled[], now: number): readonly Text[] {
    const growing = new Map<string, number>();
    for (const { name } of all) count(growing, this.#program.arrived(name)?.text);
    const texts = new Map<string, Settled[]>();
    for (const file of settled) {
      const text = this.#program.arrived(file.name)?.text;
      if (text === undefined || this.#left.get(file.name) === file.mark) continue;
      texts.set(text, [...(texts.get(text) ?? []), file]);
    }
    return [...texts].flatMap(([text, files]) => {
      const [first, ...rest] = files.sort((one, other) => this.#partOf(one) - this.#partOf(other));
      if (first === undefined || files.length < (growing.get(text) ?? 0)) return [];
      const isWhole = files.every((file, index) => this.#partOf(file) === index);
      return isWhole || now - first.since > this.#parts.timings.parts ? [[first, ...rest] as const] : [];
    });
  }

  /** Tells the house. @returns when to try again, where it must be; milliseconds */
  async take(box: string, text: Text): Promise<number | undefined> {
    const files: SpoolFile[] = [];
    for (const one of text) {
      const file = await this.#directory.read(box, one);
      // It has changed since, or is too long to be a text: the next look will show.
      if (file === undefined) {
        this.#leave(text, 'a file of a modem could not be read');
        return undefined;
      }
      files.push(file);
    }
    const kept = await this.#tell(text, files);
    switch (kept.kept) {
      case 'kept':
        // The first goes last: while it is there, what is left is known to have been told.
        for (const file of text.toReversed()) await this.#directory.remove(box, file);
        return undefined;
      case 'not-kept':
        return kept.retryAfterMs;
      case 'silent':
        return this.#parts.timings.spool;
      case 'refused':
        this.#leave(text, 'a file of a modem was left where it is');
        return undefined;
    }
  }

  async #tell(text: Text, files: readonly SpoolFile[]): Promise<Kept> {
    const { upward, settings } = this.#parts;
    const said = this.#program.read(files);
    const nobody: Kept = { kept: 'refused', failure: { code: 'unsupported', remedy: 'give-up' } };
    if (said === undefined) return nobody;
    const at = new Date(Math.max(...text.map((file) => file.at.getTime())));
    if ('reference' in said) {
      const kept = await this.#fates.reported(said, at);
      return kept === 'unknown' ? nobody : kept;
    }
    return upward.heard({
      from: fromTon({ npi: 1, ...said.from }, settings.region),
      to: settings.numbers[0] ?? '',
      at,
      id: this.#idOf(text[0], files[0]),
      body: said.body,
    });
  }

  /**
   * A name alone is no id: it is given again, in the same second, when the first to bear it has gone. Of several parts the
   * first counts, which goes last.
   */
  #idOf({ name }: Seen, file: SpoolFile | undefined): string {
    const hash = createHash('sha256').update(
      `${this.#program.name}\n${this.#program.arrived(name)?.text ?? ''}\n`,
    );
    return hash
      .update(file?.octets ?? '')
      .digest('hex')
      .slice(0, 32);
  }

  #leave(text: Text, sentence: string): void {
    if (this.#left.size > mostLeft) this.#left.clear();
    for (const { name, mark } of text) this.#left.set(name, mark);
    this.#parts.context.log.warn({ account: this.#parts.account, file: text[0].name }, sentence);
  }

  #partOf({ name }: Seen): number {
    return this.#program.arrived(name)?.part ?? 0;
  }
}

function count(counts: Map<string, number>, name: string | undefined): void {
  if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
}
