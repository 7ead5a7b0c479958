/*
 * SIPp 3.6: plays one side of a SIP conversation from a scenario and says how often it went as written. The scenarios are
 * in sipp/; `[name]` in one of them is a key, `[field0]` a field.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accepts } from './daemon.js';
import { eventually, scratchDirectory, type Peer } from './peer.js';
import { freeSipPort, isTakenUdpPort } from './sip-ports.js';

const binary = '/usr/bin/sipp';

/** What must be installed for `playSipp`. */
export const sippPeers: readonly Peer[] = [{ name: 'SIPp', package: 'sip-tester', binaries: [binary] }];

/** What is played: a file of sipp/ by its name. */
export type SippScenario =
  | 'register'
  | 'register-contact'
  | 'message-odd'
  | 'message'
  | 'message-digest'
  | 'answer-messages'
  | 'watch'
  | 'call'
  | 'phone'
  | 'phone-refuses';

export interface SippOptions {
  /** Where the first request goes; a side that waits needs none. */
  readonly to?: { readonly host?: string; readonly port: number };
  /** Its own port; a free one unless said. */
  readonly port?: number;
  readonly transport?: 'udp' | 'tcp';
  /** Who says so where a digest is asked for. */
  readonly as?: { readonly user: string; readonly password: string };
  /** What stands for `{name}` in the scenario. */
  readonly words?: Readonly<Record<string, string>>;
  /** Values of `[field0]`, `[field1]` and on, one row for each call, again from the first when all are used. */
  readonly fields?: readonly (readonly string[])[];
  /** How many calls it makes or takes before it ends; 1 unless said, 'any' until it is stopped. */
  readonly calls?: number | 'any';
  /** Calls begun in a second; 10 unless said. */
  readonly rate?: number;
  /** Calls under way at once. */
  readonly atOnce?: number;
  /** After so long it gives up; 10 s unless said. */
  readonly deadlineMs?: number;
  /** Further arguments, as sipp takes them. */
  readonly more?: readonly string[];
}

export interface SippOutcome {
  /** Calls that went as the scenario says. */
  readonly succeeded: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** What it did not expect, in its own words; empty if all went well. */
  readonly complaints: string;
  /** Every message sent and received. */
  readonly messages: string;
  /** What the scenario itself wrote down by `<log>`. */
  readonly log: string;
}

export class Sipp implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #stop: () => void;
  readonly #ended: Promise<SippOutcome>;
  readonly #messages: () => Promise<string>;

  private constructor(
    port: number,
    ended: Promise<SippOutcome>,
    stop: () => void,
    messages: () => Promise<string>,
  ) {
    this.port = port;
    this.#ended = ended;
    this.#stop = stop;
    this.#messages = messages;
  }

  /** Starts a side; one that waits listens when this resolves. */
  static async start(scenario: SippScenario, options: SippOptions = {}): Promise<Sipp> {
    const { to, transport = 'udp', words = {}, fields, calls = 1, rate = 10, deadlineMs = 10_000 } = options;
    const port = options.port ?? (await freeSipPort());
    const scratch = scratchDirectory('sipp');
    const at = (name: string): string => join(scratch.path, name);
    const written = await readFile(join(import.meta.dirname, 'sipp', `${scenario}.xml`), 'utf8');
    await writeFile(at('scenario.xml'), spoken(written, words));
    if (fields !== undefined) {
      const rows = fields.map((row) => row.join(';'));
      await writeFile(at('fields.csv'), ['SEQUENTIAL', ...rows, ''].join('\n'));
    }
    const args = [
      ...(to === undefined ? [] : [`${to.host ?? '127.0.0.1'}:${String(to.port)}`]),
      ...['-sf', at('scenario.xml'), '-nostdin', '-default_behaviors', 'abortunexp,pingreply'],
      ...['-i', '127.0.0.1', '-p', String(port), '-t', transport === 'udp' ? 'u1' : 't1'],
      ...['-r', String(rate), ...(calls === 'any' ? [] : ['-m', String(calls)])],
      ...(options.atOnce === undefined ? [] : ['-l', String(options.atOnce)]),
      ...['-timeout', String(Math.ceil(deadlineMs / 1_000)), '-timeout_error'],
      ...(options.as === undefined ? [] : ['-au', options.as.user, '-ap', options.as.password]),
      ...(fields === undefined ? [] : ['-inf', at('fields.csv')]),
      ...['-trace_err', '-error_file', at('errors'), '-trace_msg', '-message_file', at('messages')],
      ...['-trace_logs', '-log_file', at('log'), '-trace_stat', '-stf', at('statistics'), '-fd', '1'],
      // A busy machine is no complaint.
      ...['-watchdog_interval', '0'],
      ...(options.more ?? []),
    ];
    const child = spawn(binary, args, { cwd: scratch.path, stdio: 'ignore' });
    const hard = setTimeout(() => child.kill('SIGKILL'), deadlineMs + 5_000);
    const read = (name: string): Promise<string> => readFile(at(name), 'utf8').catch(() => '');
    const ended = new Promise<void>((done, fail) => {
      child.once('error', fail).once('close', () => {
        done();
      });
    }).then(async (): Promise<SippOutcome> => {
      clearTimeout(hard);
      try {
        return {
          ...countsOf(await read('statistics')),
          complaints: await read('errors'),
          messages: await read('messages'),
          log: await read('log'),
        };
      } finally {
        scratch[Symbol.dispose]();
      }
    });
    // Whoever asks is told; nobody must ask.
    ended.catch(() => undefined);
    const isUp = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`sipp did not start: ${(await ended).complaints}`);
      return transport === 'udp' ? isTakenUdpPort(port) : accepts(port);
    };
    if (to === undefined) await eventually('sipp listens', isUp);
    // Twice: it waits for calls under way at the first.
    const stop = (): void => {
      child.kill('SIGUSR1');
      setTimeout(() => child.kill('SIGKILL'), 2_000).unref();
    };
    return new Sipp(port, ended, stop, () => read('messages'));
  }

  /** What it has sent and received so far. */
  messages(): Promise<string> {
    return this.#messages();
  }

  /** Waits until its calls are over. */
  ended(): Promise<SippOutcome> {
    return this.#ended;
  }

  /** Ends it when the calls under way are over. */
  async stop(): Promise<SippOutcome> {
    this.#stop();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }
}

/** Plays a scenario to its end. */
export async function playSipp(scenario: SippScenario, options: SippOptions = {}): Promise<SippOutcome> {
  await using sipp = await Sipp.start(scenario, options);
  return await sipp.ended();
}

/** A scenario with the test's words in their places. A word that is missing, or that no place waits for, is a mistake. */
function spoken(scenario: string, words: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(words));
  const whole = scenario.replace(/\{([a-z]+)\}/g, (_, name: string) => {
    const word = words[name];
    if (word === undefined) throw new Error(`the scenario wants a word for ${name}`);
    unused.delete(name);
    return word;
  });
  if (unused.size > 0) throw new Error(`the scenario has no place for ${[...unused].join(', ')}`);
  return whole;
}

/** Of the last line of its statistics: names in the first line, values in the last, between semicolons. */
function countsOf(statistics: string): Pick<SippOutcome, 'succeeded' | 'failed' | 'retransmissions'> {
  const lines = statistics.trim().split('\n');
  const [names, values] = [lines[0]?.split(';') ?? [], lines.at(-1)?.split(';') ?? []];
  const count = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return {
    succeeded: count('SuccessfulCall(C)'),
    failed: count('FailedCall(C)'),
    retransmissions: count('Retransmissions(C)'),
  };
}
