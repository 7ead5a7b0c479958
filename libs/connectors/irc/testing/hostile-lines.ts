/*
 * Lines that a bad server could send: real ones, cut short, drawn out, doubled, with parts taken out, swapped and put in
 * from elsewhere. The same seed gives the same lines, so what was found once is found again.
 */
export interface Drawing {
  /** Our nick now. */
  readonly me: () => string;
  /** Channels that we are in, at first. */
  readonly rooms: readonly string[];
}

/** Numbers from 0 up to 1 that look random (mulberry32), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Parts {
  tags: string[];
  source: string;
  command: string;
  params: string[];
}

export class HostileLines {
  readonly #random: () => number;
  readonly #corpus: readonly string[];
  readonly #drawing: Drawing;

  constructor(seed: number, corpus: readonly string[], drawing: Drawing) {
    this.#random = seeded(seed);
    this.#corpus = corpus;
    this.#drawing = drawing;
  }

  /** A line as text, without its end: half of them as the specification has it, the others maimed. */
  next(): string {
    const parts = partsOf(this.#filled(this.#pick(this.#corpus)));
    const wounds = this.#chance(0.5) ? 0 : 1 + this.#below(4);
    for (let i = 0; i < wounds; i++) this.#maim(parts);
    const line = lineOf(parts);
    return this.#chance(0.03) ? line.slice(0, this.#below(line.length)) : line;
  }

  /** A line as bytes, now and then with bytes that are no text. */
  bytes(): Buffer {
    const line = Buffer.from(this.next());
    if (this.#chance(0.02) && line.length > 0) {
      const bad = [0x80, 0xc3, 0xe2, 0xf0, 0xff, 0xed];
      line[this.#below(line.length)] = this.#pick(bad);
    }
    return Buffer.concat([line, Buffer.from(this.#chance(0.05) ? '\n' : '\r\n')]);
  }

  #maim(parts: Parts): void {
    const at = this.#below(parts.params.length + 1);
    switch (this.#below(12)) {
      case 0:
        parts.params.splice(at, 1);
        break;
      case 1:
        parts.params.splice(at, 0, this.#wild());
        break;
      case 2:
      case 3:
      case 4:
        parts.params[at] = this.#wild();
        break;
      case 5:
        parts.params.push(...parts.params);
        break;
      case 6:
        parts.params.reverse();
        break;
      case 7:
        parts.source = this.#pick([
          '',
          this.#drawing.me(),
          `${this.#drawing.me()}!a@example.org`,
          'irc.example.org',
          `n${String(this.#below(1_000))}!u@h`,
          '!@',
          '!',
          'bob!',
          'bob@h',
          this.#wild(),
        ]);
        break;
      case 8:
        parts.tags.push(this.#tag());
        break;
      case 9:
        parts.tags = [this.#tag(), this.#tag(), ...parts.tags, ...parts.tags];
        break;
      case 10:
        parts.tags = [];
        break;
      default:
        parts.command = partsOf(this.#pick(this.#corpus)).command;
    }
  }

  #tag(): string {
    const name = this.#pick([
      'time',
      't',
      'msgid',
      'draft/msgid',
      'label',
      'batch',
      'account',
      'bot',
      '+typing',
      '+draft/typing',
      '+draft/reply',
      '+reply',
      '+draft/react',
      '+draft/channel-context',
      'draft/multiline-concat',
      'znc.in/x',
      '__proto__',
      'constructor',
      '',
    ]);
    const value = this.#pick([
      '',
      '=',
      `=${this.#wild().replace(/[ ;\r\n]/g, '')}`,
      `=${this.#ref()}`,
      '=2026-13-45T99:99:99Z',
      '=-1',
      '=\\s\\:\\\\\\r\\n\\',
      '=*',
    ]);
    return name + value;
  }

  /** A value that has no business where it will stand. */
  #wild(): string {
    const { rooms } = this.#drawing;
    return this.#pick([
      '',
      '*',
      ',',
      ':',
      '@',
      '+',
      '-',
      '#',
      this.#drawing.me(),
      this.#pick(rooms),
      `${this.#pick(rooms)},${this.#pick(rooms)},,#,`,
      `@+${this.#pick(rooms)}`,
      `#${String(this.#below(100_000))}`,
      `n${String(this.#below(100_000))}`,
      '__proto__',
      'constructor',
      'hasOwnProperty',
      'toString',
      '-1',
      '99999999999999999999',
      'NaN',
      '+b-o+v-k+l-eI~',
      '+ooooooooooooooooooooo',
      '(ov)@+',
      'PREFIX=',
      'CHANTYPES=',
      'CHANMODES=',
      'CHANMODES=,,,,,,',
      'CASEMAPPING=constructor',
      'LINELEN=1',
      'LINELEN=-512',
      'NICKLEN=0',
      'TARGMAX=JOIN:0',
      'MONITOR=-5',
      'PREFIX=(ohv',
      'bob!b@example.org,carol,,!@,',
      'x'.repeat(this.#pick([30, 400, 900, 4_000])),
      'ü👩‍👩‍👧‍👦'.repeat(this.#pick([1, 40])),
      '\u202e\u2066\ufeff\ufffd',
      '\x01ACTION',
      '\x01\x01',
      '\x01DCC SEND',
      '\x01DCC SEND "a b 1 2 3',
      '\x01DCC SEND ../../etc/passwd 16909060 99999 -1\x01',
      '\x03\x0399,99\x04zz\x02',
      ' ',
      'timestamp=',
      'timestamp=yesterday',
      '%00%0d%0a',
      this.#ref(),
    ]);
  }

  #filled(line: string): string {
    return line
      .replaceAll('{me}', this.#drawing.me())
      .replaceAll('{room}', this.#pick(this.#drawing.rooms))
      .replaceAll('{ref}', this.#ref())
      .replaceAll('{label}', this.#ref())
      .replaceAll('bob', this.#chance(0.8) ? 'bob' : `n${String(this.#below(100_000))}`);
  }

  /** Few at a time, so that opened, used and closed meet. */
  #ref(): string {
    return `r${String(this.#below(this.#chance(0.9) ? 6 : 100_000))}`;
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[this.#below(from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function partsOf(line: string): Parts {
  let rest = line;
  let tags: string[] = [];
  let source = '';
  if (rest.startsWith('@')) {
    const end = rest.indexOf(' ');
    tags = rest.slice(1, end).split(';');
    rest = rest.slice(end + 1);
  }
  if (rest.startsWith(':')) {
    const end = rest.indexOf(' ');
    source = rest.slice(1, end);
    rest = rest.slice(end + 1);
  }
  const trailing = rest.indexOf(' :');
  const middle = trailing === -1 ? rest : rest.slice(0, trailing);
  const [command = '', ...params] = middle.split(' ');
  return { tags, source, command, params: trailing === -1 ? params : [...params, rest.slice(trailing + 2)] };
}

function lineOf({ tags, source, command, params }: Parts): string {
  const last = params.at(-1);
  return [
    ...(tags.length > 0 ? [`@${tags.join(';')}`] : []),
    ...(source === '' ? [] : [`:${source}`]),
    command,
    ...params.slice(0, -1),
    ...(last === undefined ? [] : [`:${last}`]),
  ].join(' ');
}
