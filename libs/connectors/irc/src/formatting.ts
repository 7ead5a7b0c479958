/*
 * How text is dressed on IRC (modern.ircdocs.horse/formatting): \x02 bold, \x1d italic, \x1f underline, \x1e strike,
 * \x11 monospace and \x16 reverse switch on and off, \x03 and \x04 set colours, \x0f takes all off. A line begins
 * undressed. Codes are bytes like any other: they take from the room for text.
 */
import type { Span, SpanStyle } from '#model';
import { codeOf, colourOf } from './colours.js';

/** A text and how it is dressed. */
export interface Dressed {
  readonly text: string;
  readonly spans: readonly Span[];
}

type Flag = 'bold' | 'italic' | 'underline' | 'strike' | 'monospace';

/** In the order of their bits. */
const flags: readonly (readonly [flag: Flag, code: string])[] = [
  ['bold', '\x02'],
  ['italic', '\x1d'],
  ['underline', '\x1f'],
  ['strike', '\x1e'],
  ['monospace', '\x11'],
];
const reverse = '\x16';
const off = '\x0f';

/** More than this dresses nobody: what comes after it is shown as it stands. */
const mostSpans = 500;
/** As many as the API takes. */
const mostWorn = 1_000;

const codes =
  /\x03(?:(\d{1,2})(?:,(\d{1,2}))?)?|\x04(?:([0-9a-f]{6})(?:,([0-9a-f]{6}))?)?|[\0-\x08\x0a-\x1f\x7f]/gi;

/** Text without formatting codes and controls. */
export function plain(text: string): string {
  return text.replace(codes, '');
}

/** What stretches are open while a line is read. */
class Reader {
  text = '';
  readonly spans: Span[] = [];
  private readonly since = new Map<Flag, number>();
  private colour: { readonly start: number; readonly style: SpanStyle; readonly key: string } | undefined;
  private front: string | undefined;
  private back: string | undefined;
  private turned = false;

  code(code: string, front: string | undefined, back: string | undefined): void {
    const toggled = flags.find(([, mark]) => mark === code);
    if (toggled) {
      if (this.since.has(toggled[0])) this.end(toggled[0]);
      else this.since.set(toggled[0], this.text.length);
    } else if (code.startsWith('\x03') || code.startsWith('\x04')) {
      const read = (value: string): string | undefined =>
        code.startsWith('\x03') ? colourOf(value) : `#${value.toLowerCase()}`;
      if (front === undefined) this.front = this.back = undefined;
      else this.front = read(front);
      if (back !== undefined) this.back = read(back);
      this.recolour();
    } else if (code === reverse) {
      this.turned = !this.turned;
      this.recolour();
    } else if (code === off) {
      this.undress();
    }
  }

  /** Takes everything off. */
  undress(): void {
    for (const [flag] of flags) this.end(flag);
    this.front = this.back = undefined;
    this.turned = false;
    this.recolour();
  }

  private end(flag: Flag): void {
    const start = this.since.get(flag);
    this.since.delete(flag);
    if (start !== undefined) this.add(start, { kind: flag });
  }

  /** Whoever writes black on black, red on red hides it until it is wanted: a spoiler. Reverse of no colour is white on black. */
  private recolour(): void {
    const [foreground, background] = this.turned
      ? [this.back ?? '#ffffff', this.front ?? '#000000']
      : [this.front, this.back];
    const key = `${foreground ?? ''},${background ?? ''}`;
    if (key === (this.colour?.key ?? ',')) return;
    if (this.colour !== undefined) this.add(this.colour.start, this.colour.style);
    const style: SpanStyle =
      foreground !== undefined && foreground === background
        ? { kind: 'spoiler' }
        : {
            kind: 'colour',
            ...(foreground !== undefined && { foreground }),
            ...(background !== undefined && { background }),
          };
    this.colour = key === ',' ? undefined : { start: this.text.length, style, key };
  }

  private add(start: number, style: SpanStyle): void {
    if (start < this.text.length && this.spans.length < mostSpans)
      this.spans.push({ start, end: this.text.length, style });
  }
}

/** Reads a line: its text, and how it is dressed. Whatever the line, never throws; controls are left out. */
export function undress(raw: string): Dressed {
  const reader = new Reader();
  let at = 0;
  for (const match of raw.matchAll(codes)) {
    reader.text += raw.slice(at, match.index);
    at = match.index + match[0].length;
    reader.code(match[0], match[1] ?? match[3], match[2] ?? match[4]);
  }
  reader.text += raw.slice(at);
  reader.undress();
  return { text: reader.text, spans: reader.spans };
}

/** What a character wears: one bit for each flag, and the code of its colour. */
interface Attire {
  readonly flags: number;
  readonly colour: string;
  /** Whether the colour's code leaves the background open. */
  readonly open: boolean;
}

const naked: Attire = { flags: 0, colour: '', open: true };
const spoiler = '\x0301,01';

/** A stretch of the text that is dressed the same from end to end. */
interface Run {
  readonly start: number;
  readonly attire: Attire;
}

/** A text and what each of its characters wears on IRC: how stretches of it are written, and how far so many bytes reach. */
export class Wardrobe {
  readonly #text: string;
  /** Sorted; each lasts until the next. The first begins with the text. */
  readonly #runs: readonly Run[];

  constructor({ text, spans }: Dressed) {
    this.#text = text;
    this.#runs = runsOf(text, spans);
  }

  /** Writes a stretch. `after`: the index of the character that it goes on from, on the same line; undressed without it. */
  write(start: number, end: number, after?: number): string {
    let worn = after === undefined ? naked : this.#attireAt(after);
    let line = '';
    for (let at = start; at < end;) {
      const run = this.#find(at);
      const next = Math.min(end, this.#runs[run + 1]?.start ?? end);
      const wears = this.#runs[run]?.attire ?? naked;
      line += change(worn, wears, this.#text.charAt(at)) + this.#text.slice(at, next);
      worn = wears;
      at = next;
    }
    return line;
  }

  /** Whether a character is dressed at all. */
  isDressed(at: number): boolean {
    const { flags: worn, colour } = this.#attireAt(at);
    return worn !== 0 || colour !== '';
  }

  /** The furthest index, between code points, up to which a stretch written from `start` has at most so many bytes. */
  reach(start: number, end: number, maxBytes: number, after?: number): number {
    const text = this.#text;
    let worn = after === undefined ? naked : this.#attireAt(after);
    let run = this.#find(start);
    let bytes = 0;
    let at = start;
    while (at < end) {
      const next = this.#runs[run + 1]?.start;
      if (next !== undefined && at >= next) run++;
      const wears = this.#runs[run]?.attire ?? naked;
      if (wears !== worn) bytes += Buffer.byteLength(change(worn, wears, text.charAt(at)));
      worn = wears;
      const code = text.codePointAt(at) ?? 0;
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      // One character always goes: a line that takes none would take for ever.
      if (bytes > maxBytes && at > start) return at;
      at += code > 0xffff ? 2 : 1;
    }
    return Math.min(at, end);
  }

  #attireAt(at: number): Attire {
    return this.#runs[this.#find(at)]?.attire ?? naked;
  }

  /** The place of the run that holds an index. */
  #find(at: number): number {
    let [low, high] = [0, this.#runs.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#runs[middle]?.start ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The runs of a text, from spans that may overlap, nest, lie outside or say what IRC cannot. Later colours lie above. */
function runsOf(text: string, spans: readonly Span[]): readonly Run[] {
  const worn = spans.slice(0, mostWorn).flatMap(({ start, end, style }) => {
    const wears = attireOf(style);
    const [from, to] = [aligned(text, start), aligned(text, end)];
    return wears !== undefined && from < to ? [{ from, to, ...wears }] : [];
  });
  const seams = [...new Set([0, ...worn.flatMap(({ from, to }) => [from, to])])].sort((a, b) => a - b);
  const runs: Run[] = [];
  const starting = [...worn].sort((a, b) => a.from - b.from);
  let open: typeof worn = [];
  let next = 0;
  for (const start of seams) {
    open = open.filter(({ to }) => to > start);
    for (let one = starting[next]; one !== undefined && one.from <= start; one = starting[++next])
      open.push(one);
    const top =
      open.findLast(({ colour }) => colour === spoiler) ?? open.findLast(({ colour }) => colour !== '');
    const attire: Attire = {
      flags: open.reduce((all, one) => all | one.flags, 0),
      colour: top?.colour ?? '',
      open: top?.open ?? true,
    };
    const last = runs.at(-1)?.attire;
    if (last?.flags !== attire.flags || last.colour !== attire.colour) runs.push({ start, attire });
  }
  return runs;
}

/** An index within the text and not within a character. */
function aligned(text: string, at: number): number {
  const within = Math.min(text.length, Math.max(0, at));
  const halves = (text.codePointAt(within - 1) ?? 0) > 0xffff;
  return halves ? within - 1 : within;
}

function attireOf(style: SpanStyle): Attire | undefined {
  if (style.kind === 'spoiler') return { flags: 0, colour: spoiler, open: false };
  if (style.kind === 'colour') {
    const colour = codeOf(style.foreground, style.background);
    return colour && { flags: 0, colour: colour.code, open: colour.open };
  }
  const bit = flags.findIndex(([flag]) => flag === style.kind);
  return bit === -1 ? undefined : { flags: 1 << bit, colour: '', open: true };
}

/** The codes between one attire and the next; `next` is the character after them. */
function change(from: Attire, to: Attire, next: string): string {
  if (from.flags === to.flags && from.colour === to.colour) return '';
  if (to.flags === 0 && to.colour === '') return off;
  let line = '';
  if (from.colour !== to.colour) {
    if (to.colour === '') line += '\x03';
    // A background that the new colour does not name would stay.
    else if (to.open && !from.open)
      line += to.colour.startsWith('\x03') ? `${to.colour},99` : `\x03${to.colour}`;
    else line += to.colour;
  }
  const changed = from.flags ^ to.flags;
  for (const [bit, [, code]] of flags.entries()) if ((changed & (1 << bit)) !== 0) line += code;
  // A digit or comma that follows a colour would be read as part of it: bold, switched on and off, keeps them apart.
  return from.colour !== to.colour && changed === 0 && /[\d,]/.test(next) ? `${line}\x02\x02` : line;
}
