/* A spool driver in specs: on a directory of its own, with a house that remembers what it was told. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SendOutcome, SessionClock } from '#connector';
import type { Kept } from '#connector/session';
import { TestContext, until } from '#connector/testing';
import { newId, type EnvelopeId, type Failure } from '#model';
import { scratchDirectory } from '#peers';
import type { IncomingReport, IncomingText, Line } from '../driver.js';
import { readSettings } from '../sms.settings.js';
import { usualTimings } from '../timings.js';
import { SpoolDriver } from './spool.js';
import type { ProgramName } from './spool.settings.js';

export const [desk, alice, bob] = ['+12025550100', '+12025550123', '+447700900456'] as const;

const boxes: Readonly<Record<ProgramName, readonly string[]>> = {
  gammu: ['inbox', 'outbox', 'sent', 'error'],
  smstools: ['outgoing', 'checked', 'incoming', 'report', 'sent', 'failed'],
};

export class SpoolRig implements AsyncDisposable {
  readonly context: TestContext;
  /** The operator's directory, and the modem's in it. */
  readonly root: string;
  readonly path: string;
  readonly heard: IncomingText[] = [];
  readonly reported: IncomingReport[] = [];
  readonly broken: Failure[] = [];
  /** What the house does with what it is told next; keeps it when nothing is said. */
  readonly answers: Kept[] = [];
  /** Called when it is told something, before it answers. */
  asked: () => Promise<void> = () => Promise.resolve();
  readonly #scratch = scratchDirectory('spool');
  readonly #program: ProgramName;
  #line: Line | undefined;

  private constructor(program: ProgramName, clock: SessionClock | undefined) {
    this.#program = program;
    this.context = new TestContext(clock && { clock });
    this.root = this.#scratch.path;
    this.path = join(this.root, 'modem1');
  }

  static async make(program: ProgramName, clock?: SessionClock): Promise<SpoolRig> {
    const rig = new SpoolRig(program, clock);
    for (const box of boxes[program]) await mkdir(join(rig.path, box), { recursive: true });
    return rig;
  }

  get line(): Line {
    if (this.#line === undefined) throw new Error('not opened');
    return this.#line;
  }

  /** Opens a line, in place of the one before. */
  async open(spoolDirectory: string | null = this.root, directory = 'modem1'): Promise<Failure | undefined> {
    this.#line?.destroy();
    const answer = async (): Promise<Kept> => {
      await this.asked();
      return this.answers.shift() ?? { kept: 'kept' };
    };
    const driver = new SpoolDriver({
      context: this.context,
      account: newId<'AccountId'>(),
      settings: readSettings({
        driver: 'spool',
        numbers: [desk],
        spool: { program: this.#program, directory },
      }),
      timings: { ...usualTimings, spool: 40 },
      spoolDirectory: spoolDirectory ?? undefined,
      upward: {
        broken: (why) => void this.broken.push(why),
        heard: (text) => {
          this.heard.push(text);
          return answer();
        },
        reported: (report) => {
          this.reported.push(report);
          return answer();
        },
      },
      note: () => undefined,
    });
    const opened = await driver.open(new AbortController().signal);
    if ('code' in opened) return opened;
    this.#line = opened;
    return undefined;
  }

  send(
    text: string,
    {
      to = alice,
      envelope = newId<'EnvelopeId'>(),
    }: { readonly to?: string; readonly envelope?: EnvelopeId } = {},
  ): Promise<SendOutcome> {
    const submission = { envelope, from: desk, to: [to], text, media: [] };
    return this.line.submit(submission, new AbortController().signal);
  }

  names(box: string): Promise<string[]> {
    return readdir(join(this.path, box));
  }

  /** A file of a directory, when one is there whose name is so. */
  file(box: string, name = /./): Promise<{ readonly name: string; readonly octets: Buffer }> {
    return until(`a file is in ${box}`, async () => {
      const found = (await this.names(box)).find((one) => name.test(one));
      return found !== undefined && { name: found, octets: await readFile(join(this.path, box, found)) };
    });
  }

  async put(box: string, name: string, octets: Buffer | string): Promise<void> {
    await writeFile(join(this.path, '.whole'), octets);
    await rename(join(this.path, '.whole'), join(this.path, box, name));
  }

  /** What was heard, when so many texts were. */
  texts(count: number, deadlineMs?: number): Promise<readonly string[]> {
    return until(
      `${String(count)} texts were heard`,
      () => this.heard.length >= count && this.heard.map(({ body }) => ('text' in body ? body.text : '')),
      deadlineMs,
    );
  }

  /** What was reported, when so much was. */
  states(count: number, deadlineMs?: number): Promise<readonly string[]> {
    return until(
      `${String(count)} reports came`,
      () => this.reported.length >= count && this.reported.map(({ state }) => state),
      deadlineMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#line?.close(1_000);
    this.#scratch[Symbol.dispose]();
  }
}
