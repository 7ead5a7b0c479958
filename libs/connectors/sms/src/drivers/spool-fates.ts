/*
 * What became of texts of ours. A file that the program has moved says that it sent the text, or could not; it goes when
 * the house knows. Where the network will say more, it stays, under a name that says that it was told, and is what its
 * report is found by: so nothing but the directory has to be remembered.
 */
import { parseWireId } from '#connector';
import type { Kept } from '#connector/session';
import { failure, type Failure } from '#model';
import type { DriverParts } from '../driver.js';
import type { Seen, SpoolDirectory } from './spool-directory.js';
import type { SpoolFate, SpoolProgram, SpoolReport } from './spool-program.js';

const told = '.told';
/** No network tries for longer, milliseconds. */
const longest = 7 * 86_400_000;

interface Awaiting extends Seen {
  readonly wireId: string;
  readonly fate: SpoolFate;
}

export class SpoolFates {
  readonly #parts: DriverParts;
  readonly #program: SpoolProgram;
  readonly #directory: SpoolDirectory;
  readonly #awaiting = new Map<string, Awaiting>();

  constructor(parts: DriverParts, program: SpoolProgram, directory: SpoolDirectory) {
    this.#parts = parts;
    this.#program = program;
    this.#directory = directory;
  }

  /** Whether a file that was sent is one of ours. */
  concerns(name: string): boolean {
    return this.#wireIdOf(name) !== undefined;
  }

  /** Tells the house, once. @returns when to try again, where it must be; milliseconds */
  async told(box: string, file: Seen, state: 'sent' | 'failed'): Promise<number | undefined> {
    const wireId = this.#wireIdOf(file.name);
    if (wireId === undefined) return undefined;
    const known = file.name.endsWith(told);
    if (known && this.#parts.context.clock.now() - file.at.getTime() > longest) {
      this.#awaiting.delete(file.name);
      await this.#directory.remove(box, file);
      return undefined;
    }
    if (known && this.#awaiting.get(file.name)?.mark === file.mark) return undefined;
    const read = await this.#directory.read(box, file);
    if (read === undefined) return undefined;
    const fate = this.#program.fate(read);
    if (known) {
      this.#awaiting.set(file.name, { ...file, wireId, fate });
      return undefined;
    }
    const why = state === 'failed' ? notSent(fate.detail) : undefined;
    const kept = await this.#tell(wireId, state, why, file.at);
    if (kept.kept === 'not-kept') return kept.retryAfterMs;
    if (kept.kept === 'silent') return this.#parts.timings.spool;
    if (state === 'failed' || fate.reference === undefined) {
      await this.#directory.remove(box, file);
      return undefined;
    }
    const name = file.name + told;
    await this.#directory.rename(box, file.name, name);
    this.#awaiting.set(name, { ...file, name, wireId, fate });
    return undefined;
  }

  /** Tells the house what the network reports. `unknown` is about no text of ours. */
  async reported(report: SpoolReport, at: Date): Promise<Kept | 'unknown'> {
    const about = this.#about(report);
    if (about === undefined) return 'unknown';
    if (report.state === 'waiting') return { kept: 'kept' };
    const why = report.state === 'failed' ? notDelivered(report.detail) : undefined;
    const kept = await this.#tell(about.wireId, report.state, why, at);
    if (kept.kept === 'kept' || kept.kept === 'refused') {
      this.#awaiting.delete(about.name);
      await this.#directory.remove(this.#program.boxes.sent, about);
    }
    return kept;
  }

  /** References are few and used again: of all that bear it, the one that was sent last. */
  #about({ reference, to }: SpoolReport): Awaiting | undefined {
    let found: Awaiting | undefined;
    for (const one of this.#awaiting.values()) {
      if (one.fate.reference !== reference || !sameNumber(one.fate.to ?? '', to)) continue;
      if (found === undefined || one.at > found.at) found = one;
    }
    return found;
  }

  #wireIdOf(name: string): string | undefined {
    const wireId = this.#program.ours(name.endsWith(told) ? name.slice(0, -told.length) : name);
    return wireId === undefined || parseWireId(wireId) === undefined ? undefined : wireId;
  }

  #tell(
    wireId: string,
    state: 'sent' | 'delivered' | 'failed',
    why: Failure | undefined,
    at: Date,
  ): Promise<Kept> {
    return this.#parts.upward.reported({
      about: { wireId },
      state,
      ...(why !== undefined && { failure: why }),
      at,
    });
  }
}

/** Networks may leave the country's code away. */
function sameNumber(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => text.replace(/\D/g, '').replace(/^0+/, '')) as [string, string];
  return a === b || (Math.min(a.length, b.length) >= 7 && (a.endsWith(b) || b.endsWith(a)));
}

function notSent(detail: string | undefined): Failure {
  const said = detail === undefined || detail === 'Unknown' ? '' : ` It says: ${detail}`;
  return failure('unknown', `The modem could not send it.${said}`);
}

function notDelivered(detail: string | undefined): Failure {
  return failure(
    'unknown',
    `The network could not deliver it.${detail === undefined || detail === '' ? '' : ` It says: ${detail}`}`,
  );
}
