/* One client's connection: what it may be shown, the label that it waits for, the faults it is to suffer. */
import { timestamp, writeLine, type Line, type Said } from './line.js';
import { User } from './user.js';
import type { Pace } from '../pipe.js';
import type { ScramExchange } from '../scram.js';

/** What carries a client's lines: a socket, or nothing but memory. */
export interface Carrier {
  write(bytes: Buffer): void;
  end(): void;
  cut(): void;
  pace: Pace;
  readonly isClosed: boolean;
}

/** What the whole server does wrong, on purpose. */
export interface Mischief {
  /** Answers to labelled lines bear no label, and no ACK is given. */
  readonly dropLabels?: boolean;
  /** Answers to labelled lines come twice. */
  readonly doubleLabels?: boolean;
  readonly dropEchoes?: boolean;
  readonly doubleEchoes?: boolean;
}

/** What a client needs of its server. */
export interface Surroundings {
  readonly name: string;
  readonly lineBytes: () => number;
  readonly wholeCharacters: () => boolean;
  readonly mischief: () => Mischief;
  readonly now: () => number;
  readonly nextBatch: () => string;
}

export type MultilineState = {
  readonly ref: string;
  readonly label: string | undefined;
  readonly target: string;
  readonly tags: Said['tags'];
  readonly lines: { readonly verb: string; readonly text: string; readonly concat: boolean }[];
  /** Already refused: the rest of it is ignored. */
  refused: boolean;
};

/** Tags that a capability of their own allows; all others come with message-tags. */
const tagCaps: Readonly<Record<string, string>> = {
  time: 'server-time',
  account: 'account-tag',
  batch: 'batch',
  label: 'labeled-response',
  'draft/multiline-concat': 'draft/multiline',
};

export class Client extends User {
  readonly #carrier: Carrier;
  readonly #around: Surroundings;
  readonly caps = new Set<string>();
  capVersion = 301;
  isNegotiating = false;
  isRegistered = false;
  isGone = false;
  hasNick = false;
  hasUser = false;
  password: string | undefined;
  /** SHA-256 of the certificate that it showed, hex. */
  fingerprint: string | undefined;
  /** An AUTHENTICATE exchange under way. */
  sasl: { mechanism: string; received: string; step: number; scram?: ScramExchange } | undefined;
  batch: MultilineState | undefined;
  readonly monitored = new Map<string, string>();
  readonly watched = new Map<string, string>();
  /** Every line that it has sent, as it came. */
  readonly heard: string[] = [];
  /** Lines that came too fast, and what brings them on. */
  readonly waiting: Buffer[] = [];
  waitTimer: NodeJS.Timeout | undefined;
  lastHeard: number;
  wasAsked = false;
  #collected: Line[] | undefined;
  #credit: number | undefined;
  #creditAt = 0;
  #afterwards: (() => void)[] = [];
  #label: string | undefined;
  #isHeld = false;

  constructor(carrier: Carrier, around: Surroundings, host: string) {
    super({ nick: '*', username: 'unknown', host, realName: '', server: around.name });
    this.#carrier = carrier;
    this.#around = around;
    this.lastHeard = around.now();
  }

  get carrier(): Carrier {
    return this.#carrier;
  }

  override can(capability: string): boolean {
    return this.caps.has(capability);
  }

  override deliver(line: Line): void {
    if (this.#collected !== undefined) this.#collected.push(line);
    else this.#write(line);
  }

  /** A line from the server about this client: a numeric. */
  numeric(numeric: string, ...params: readonly string[]): void {
    this.deliver({ source: this.#around.name, command: numeric, params: [this.nick, ...params] });
  }

  /** A standard reply (FAIL, WARN, NOTE). */
  standard(
    type: 'FAIL' | 'WARN' | 'NOTE',
    command: string,
    code: string,
    ...context: readonly string[]
  ): void {
    this.deliver({ source: this.#around.name, command: type, params: [command, code, ...context] });
  }

  /** Runs what answers a line; what it gives this client is put under the label (labeled-response). */
  labelled(label: string | undefined, answer: () => void): void {
    if (label === undefined || label === '' || !this.can('labeled-response') || this.#collected) {
      answer();
      return;
    }
    const collected: Line[] = [];
    this.#collected = collected;
    this.#label = label;
    this.#isHeld = false;
    try {
      answer();
    } finally {
      this.#collected = undefined;
      this.#label = undefined;
      for (const line of this.#underLabel(label, collected)) this.#write(line);
      for (const later of this.#afterwards.splice(0)) later();
    }
  }

  /** Gives it a line that must bear no label: its own message to itself (labeled-response, "Tags"). */
  deliverApart(line: Line): void {
    if (this.#collected === undefined) {
      this.deliver(line);
      return;
    }
    this.#afterwards.push(() => {
      this.#write(line);
    });
  }

  /** Whether one more line is within what may be said (a token bucket); it is counted if so. */
  maySpeak(
    { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
    now: number,
  ): boolean {
    const grown = (this.#credit ?? burst) + ((now - this.#creditAt) / 1000) * perSecond;
    this.#credit = Math.min(burst, grown);
    this.#creditAt = now;
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }

  /** The label of the line at hand, to be answered later and not now. */
  holdLabel(): string | undefined {
    this.#isHeld = true;
    return this.#label;
  }

  /** Bytes as they are. */
  writeRaw(bytes: Buffer): void {
    this.#carrier.write(bytes);
  }

  #underLabel(label: string, lines: readonly Line[]): readonly Line[] {
    const { name, nextBatch, mischief } = this.#around;
    const { dropLabels, doubleLabels, dropEchoes } = mischief();
    if (dropLabels === true || (this.#isHeld && lines.length === 0)) return lines;
    const tagged = (line: Line, key: string, value: string): Line => ({
      ...line,
      tags: new Map([[key, value], ...(line.tags ?? [])]),
    });
    const [first, ...rest] = lines;
    const answer = ((): readonly Line[] => {
      if (first === undefined)
        return [{ tags: new Map([['label', label]]), source: name, command: 'ACK', params: [] }];
      if (rest.length === 0 || isOneBatch(lines)) return [tagged(first, 'label', label), ...rest];
      const ref = nextBatch();
      return [
        {
          tags: new Map([['label', label]]),
          source: name,
          command: 'BATCH',
          params: [`+${ref}`, 'labeled-response'],
        },
        ...lines.map((line) => (line.tags?.has('batch') === true ? line : tagged(line, 'batch', ref))),
        { source: name, command: 'BATCH', params: [`-${ref}`] },
      ];
    })();
    if (dropEchoes === true && lines.some(({ isEcho }) => isEcho === true)) return [];
    return doubleLabels === true ? [...answer, ...answer] : answer;
  }

  #write(line: Line): void {
    const { mischief, now, lineBytes, wholeCharacters } = this.#around;
    const { dropEchoes, doubleEchoes } = mischief();
    if (line.isEcho === true && dropEchoes === true) return;
    const tags = new Map<string, string>();
    if (this.can('server-time')) tags.set('time', line.tags?.get('time') ?? timestamp(now()));
    for (const [key, value] of line.tags ?? []) {
      if (key !== 'time' && this.can(tagCaps[key] ?? 'message-tags')) tags.set(key, value);
    }
    const bytes = Buffer.concat([writeLine(line, tags, lineBytes() - 2, wholeCharacters()), lineEnd]);
    this.#carrier.write(bytes);
    if (line.isEcho === true && doubleEchoes === true) this.#carrier.write(bytes);
  }
}

const lineEnd = Buffer.from('\r\n');

/** Whether the whole answer is a batch already: then that one bears the label. */
function isOneBatch(lines: readonly Line[]): boolean {
  const opens = lines[0]?.command === 'BATCH' ? lines[0].params[0] : undefined;
  const closes = lines.at(-1)?.command === 'BATCH' ? lines.at(-1)?.params[0] : undefined;
  return opens?.startsWith('+') === true && closes === `-${opens.slice(1)}`;
}
