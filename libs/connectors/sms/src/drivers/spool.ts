/* The driver for a local modem: another program drives it, and takes and leaves texts as files. */
import { failure, type Failure } from '#model';
import type { Driver, DriverParts, Line } from '../driver.js';
import { gammu } from './gammu.js';
import { smstools } from './smstools.js';
import { SpoolDirectory, troubleOf } from './spool-directory.js';
import { SpoolLine } from './spool-line.js';

const programs = { gammu, smstools } as const;
const notHere = failure(
  'unsupported',
  'This server has no modems: its operator has set no directory aside for them.',
  'ask-person',
);

export class SpoolDriver implements Driver {
  readonly #parts: DriverParts;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  async open(signal: AbortSignal): Promise<Line | Failure> {
    const { settings, spoolDirectory } = this.#parts;
    if (spoolDirectory === undefined) return notHere;
    const program = programs[settings.spool.program];
    try {
      const directory = new SpoolDirectory(spoolDirectory, settings.spool.directory, program.boxes);
      await directory.check();
      await directory.sweep();
      if (signal.aborted) return failure('network-unreachable');
      return new SpoolLine(this.#parts, program, directory);
    } catch (error) {
      return troubleOf(error);
    }
  }
}
