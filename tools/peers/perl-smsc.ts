/*
 * An SMSC written in Perl on Net::SMPP (perl-smsc.pl): ids in hexadecimal and receipts in padded decimal, throttling,
 * receipts before answers, several binds. Its phones encode and put together by Perl's own tables.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startDaemon, type Daemon } from './daemon.js';
import { binaryOf, eventually, freePort, scratchDirectory, type Peer } from './peer.js';

/** What must be installed for `startPerlSmsc`. */
export const perlSmscPeers: readonly Peer[] = [
  { name: 'Perl', package: 'perl', binaries: ['/usr/bin/perl'] },
  { name: 'Net::SMPP', package: 'libnet-smpp-perl', binaries: ['/usr/share/perl5/Net/SMPP.pm'], runs: false },
];

export interface PerlSmscOptions {
  /** How a submit's answer says its id; with `hex` the receipt says it in decimal, padded with zeros. */
  readonly ids?: 'decimal' | 'hex' | 'uuid';
  /** Every so many submits one is refused as throttled. */
  readonly throttle?: number;
  /** Where the receipt stands beside the submit's answer. */
  readonly receipts?: 'after' | 'before' | 'none';
  /** Numbers that begin with these digits send back what they are sent. */
  readonly echo?: string;
  /** Numbers that end with these digits are never reached: so says the receipt. */
  readonly fail?: string;
  /** Numbers that end with these digits are refused at once. */
  readonly refuse?: string;
  /** After so many seconds, what nobody has acknowledged is delivered again; 2 if unsaid. */
  readonly patience?: number;
}

/** One thing that the SMSC saw; numbers as a person writes them. */
export type SmscEvent =
  | { readonly event: 'bind'; readonly esme: string; readonly kind: BindKind; readonly ok: 0 | 1 }
  | { readonly event: 'gone'; readonly esme: string; readonly kind: BindKind }
  | { readonly event: 'refused'; readonly status: number; readonly to: string }
  | ({ readonly event: 'submit' } & SubmittedPart)
  | ({ readonly event: 'heard' } & HeardText)
  | { readonly event: 'queued'; readonly esme: string }
  | { readonly event: 'answered'; readonly esme: string; readonly status: number; readonly settles: 0 | 1 };

type BindKind = 'receiver' | 'transmitter' | 'transceiver';

/** One submit_sm that was taken. */
export interface SubmittedPart {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly coding: number;
  readonly part: number;
  readonly of: number;
  readonly text: string;
  readonly registered: number;
  readonly validity: string;
  /** `short_message`, as it came. */
  readonly hex: string;
}

/** A text that a phone has all parts of. */
export interface HeardText {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** What a phone sends. */
export interface PhoneText extends HeardText {
  /** How parts are marked, or that there are none but a payload of any length; UDH with a reference of 8 bits if unsaid. */
  readonly as?: 'udh8' | 'udh16' | 'sar' | 'payload';
  /** In which order parts go, from 1; a part may be missing, or come twice. */
  readonly order?: readonly number[];
  /** What the parts have in common, to send some of them later; 0 to 255. */
  readonly reference?: number;
}

export class PerlSmsc implements AsyncDisposable {
  readonly host = '127.0.0.1';
  /** What an ESME must say; its system_id may be anything. */
  readonly password: string;
  readonly #daemon: Daemon;
  readonly #control: number;
  readonly #events: SmscEvent[] = [];
  readonly #routes = new Map<string, string>();
  readonly #waiting = new Map<number, () => void>();
  #desk: Socket | undefined;
  #orders = 0;

  private constructor(daemon: Daemon, control: number, password: string) {
    this.#daemon = daemon;
    this.#control = control;
    this.password = password;
  }

  static async start(options: PerlSmscOptions = {}): Promise<PerlSmsc> {
    const [port, control] = [await freePort(), await freePort()];
    // SMPP has room for eight characters.
    const password = randomBytes(4).toString('hex');
    const scratch = scratchDirectory('perl-smsc');
    const said = Object.entries({ port, control, password, ...options });
    const daemon = await startDaemon({
      name: 'the Perl SMSC',
      binary: binaryOf(perlSmscPeers[0] as Peer) ?? 'perl',
      args: [
        join(import.meta.dirname, 'perl-smsc.pl'),
        ...said.map(([name, value]) => `${name}=${String(value)}`),
      ],
      cwd: scratch.path,
      scratch,
      port,
    });
    const smsc = new PerlSmsc(daemon, control, password);
    await smsc.#open();
    return smsc;
  }

  get port(): number {
    return this.#daemon.port;
  }

  /** Everything that happened so far, in order. */
  get events(): readonly SmscEvent[] {
    return this.#events;
  }

  /** What phones have heard, in order. */
  get heard(): readonly HeardText[] {
    return this.#events.filter((event) => event.event === 'heard');
  }

  /** How much is to be delivered to an ESME, or was, and is not acknowledged. */
  unacknowledged(esme: string): number {
    return this.#events.reduce((count, event) => {
      if (!('esme' in event) || event.esme !== esme) return count;
      return count + (event.event === 'queued' ? 1 : event.event === 'answered' ? -event.settles : 0);
    }, 0);
  }

  get submitted(): readonly SubmittedPart[] {
    return this.#events.filter((event) => event.event === 'submit');
  }

  /** From now on what is sent to this number goes to the ESME of this system_id. */
  async route(number: string, esme: string): Promise<void> {
    this.#routes.set(number, esme);
    await this.#order({ do: 'route', number, esme });
  }

  /** A phone sends a text to a number that is routed; resolves when the SMSC has it, not when the ESME has. */
  say(text: PhoneText): Promise<void> {
    return this.#order({ do: 'say', ...text });
  }

  /** A deliver_sm as it is told: fields by their names in the specification, `short_message` in hexadecimal. */
  deliver(esme: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    return this.#order({ do: 'deliver', esme, fields });
  }

  /** From now on it tells what became of texts, after it has answered. */
  tellReceipts(): Promise<void> {
    return this.set('receipts', 'after');
  }

  /** Changes an option; of a number, 0 is none. */
  set<Name extends keyof PerlSmscOptions>(
    name: Name,
    value: NonNullable<PerlSmscOptions[Name]>,
  ): Promise<void> {
    return this.#order({ do: 'option', name, value });
  }

  /** Ends every connection of an ESME, with no word. */
  cut(esme: string): Promise<void> {
    return this.#order({ do: 'cut', esme });
  }

  /** Ends it: its port refuses, and what waited in it is gone. */
  async stop(): Promise<void> {
    this.#desk?.destroy();
    await this.#daemon.stop();
  }

  async restart(): Promise<void> {
    await this.#daemon.restart();
    await this.#open();
    for (const [number, esme] of this.#routes) await this.#order({ do: 'route', number, esme });
  }

  pause(): void {
    this.#daemon.pause();
  }

  resume(): void {
    this.#daemon.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#desk?.destroy();
    await this.#daemon[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    this.#desk?.destroy();
    this.#waiting.clear();
    this.#desk = await eventually('the Perl SMSC takes orders', () => dial(this.#control));
    createInterface({ input: this.#desk }).on('line', (line) => {
      const event = JSON.parse(line) as SmscEvent | { readonly event: 'done'; readonly number: number };
      if (event.event !== 'done') {
        this.#events.push(event);
        return;
      }
      this.#waiting.get(event.number)?.();
      this.#waiting.delete(event.number);
    });
  }

  async #order(order: object): Promise<void> {
    const number = ++this.#orders;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(fail, 10_000, new Error(`the Perl SMSC did not do ${JSON.stringify(order)}`));
    });
    const done = new Promise<void>((resolve) => this.#waiting.set(number, resolve));
    this.#desk?.write(`${JSON.stringify({ ...order, ask: number })}\n`);
    await Promise.race([done, late]);
    clearTimeout(timer);
  }
}

function dial(port: number): Promise<Socket | undefined> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    socket
      .once('connect', () => {
        answer(socket);
      })
      .on('error', () => {
        answer(undefined);
      });
  });
}
