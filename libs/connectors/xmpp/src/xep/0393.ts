/*
 * XEP-0393: Message Styling. The marks stay in the text, as the XEP recommends (§6): whoever meant a star as a star sees
 * it, and what is dressed is the text with its marks. On the way out marks are put in where a span has none, but only if
 * what comes out reads as it was meant; else the text goes as it is, with word that nothing in it is a mark.
 */
import type { Span, SpanStyle } from '#model';
import { xml, type Element } from '../core/xml.js';

export const stylingNs = 'urn:xmpp:styling:0';

/** More than this dresses nobody: what comes after it is shown as it stands. */
const mostSpans = 500;
/** Longer texts are shown as they are: nobody dresses a book, and reading one takes too long at once. */
const longest = 200_000;
/** Quotations within quotations; deeper ones are text. */
const mostQuotes = 10;

type Styled = 'bold' | 'italic' | 'strike' | 'monospace' | 'quote';
const marks = { '*': 'bold', _: 'italic', '~': 'strike', '`': 'monospace' } as const satisfies Record<
  string,
  Styled
>;
type Mark = keyof typeof marks;
const markCount = Object.keys(marks).length;
const anyMark = /[*_~`]/g;
const markOf = (kind: SpanStyle['kind']): Mark | undefined =>
  (Object.keys(marks) as Mark[]).find((mark) => marks[mark] === kind);

const fence = '```';
const blank = /[\t-\r\x85\p{Z}]/u;

/** A stretch of the text; a line has no line break in it. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Whether the sender says that nothing in the text is a mark (§5). */
export function isUnstyled(message: Element): boolean {
  return message.getChild('unstyled', stylingNs) !== undefined;
}

/** Says so. */
export function unstyled(): Element {
  return xml('unstyled', { xmlns: stylingNs });
}

/** How a text is dressed by its marks, in the order of its blocks: at most 500 spans. */
export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  if (text.length <= longest && /[*_~`>]/.test(text))
    readBlocks(text, linesOf(text, { start: 0, end: text.length }), spans, 0);
  return spans;
}

function linesOf(text: string, { start, end }: Stretch): Stretch[] {
  const lines: Stretch[] = [];
  for (let from = start; ;) {
    const broken = text.indexOf('\n', from);
    if (broken === -1 || broken >= end) return [...lines, { start: from, end }];
    lines.push({ start: from, end: broken });
    from = broken + 1;
  }
}

function add(spans: Span[], kind: Styled, start: number, end: number): void {
  if (spans.length < mostSpans) spans.push({ start, end, style: { kind } });
}

/** Blocks first (§4.1): preformatted text, quotations and what is in them, single lines. */
function readBlocks(text: string, lines: readonly Stretch[], spans: Span[], depth: number): void {
  for (let at = 0; at < lines.length && spans.length < mostSpans;) {
    const line = lines[at] ?? { start: 0, end: 0 };
    const last = (next: number): number => lines[next - 1]?.end ?? line.end;
    if (begins(text, line, fence)) {
      const closing = firstFrom(
        lines,
        at + 1,
        ({ start, end }) => end - start === fence.length && text.startsWith(fence, start),
      );
      const next = Math.min(lines.length, closing + 1);
      add(spans, 'monospace', line.start, last(next));
      at = next;
    } else if (begins(text, line, '>') && depth < mostQuotes) {
      const next = firstFrom(lines, at + 1, (one) => !begins(text, one, '>'));
      add(spans, 'quote', line.start, last(next));
      const inner = lines
        .slice(at, next)
        .map(({ start, end }) => ({ start: inside(text, start + 1, end), end }));
      readBlocks(text, inner, spans, depth + 1);
      at = next;
    } else {
      readLine(text.slice(line.start, line.end), line.start, undefined, spans);
      at++;
    }
  }
}

/** The place of the first line from one on that is such; behind the last where none is. */
function firstFrom(lines: readonly Stretch[], from: number, such: (line: Stretch) => boolean): number {
  let at = from;
  for (let line = lines[at]; line !== undefined && !such(line); line = lines[at]) at++;
  return at;
}

const begins = (text: string, { start, end }: Stretch, mark: string): boolean =>
  end - start >= mark.length && text.startsWith(mark, start);

/** The first blank of a quoted line is not part of what is quoted. */
const inside = (text: string, start: number, end: number): number =>
  start < end && blank.test(text.charAt(start)) ? start + 1 : start;

/**
 * Spans within a line or a span (§4.2).
 * @param offset of the line in the text.
 * @param opened the mark just before the line, that opened the span which it is.
 */
function readLine(line: string, offset: number, opened: Mark | undefined, spans: Span[]): void {
  // A mark that finds no end from here finds none from further on: a line full of marks is gone through once.
  const endless = new Set<string>();
  const search = new RegExp(anyMark);
  for (let found = search.exec(line); found !== null; found = search.exec(line)) {
    const at = found.index;
    const [mark] = found as unknown as [Mark];
    const may = at === 0 ? mark !== opened : blank.test(line.charAt(at - 1));
    if (!may || endless.has(mark) || at + 1 >= line.length || blank.test(line.charAt(at + 1))) continue;
    const close = closing(line, mark, at + 1);
    if (close === undefined) endless.add(mark);
    // With nothing between them neither is a mark.
    else if (close > at + 1) {
      add(spans, marks[mark], offset + at, offset + close + 1);
      if (mark !== '`') readLine(line.slice(at + 1, close), offset + at + 1, mark, spans);
    }
    search.lastIndex = (close ?? at) + 1;
    if (endless.size === markCount || spans.length >= mostSpans) return;
  }
}

function closing(line: string, mark: string, from: number): number | undefined {
  let at = line.indexOf(mark, from);
  while (at > from && blank.test(line.charAt(at - 1))) at = line.indexOf(mark, at + 1);
  return at === -1 ? undefined : at;
}

/** A body for the wire, and whether it must be said that nothing in it is a mark. */
export interface StyledBody {
  readonly body: string;
  readonly unstyled: boolean;
}

/** A span on its way out: what goes before and after it, nothing where the text has its marks already. */
interface Piece extends Stretch {
  readonly kind: Styled;
  readonly opening: string;
  readonly closing: string;
  readonly marked: boolean;
}

/**
 * Puts marks in for the spans that have one (bold, italic, strike, monospace, quote); others are left out. Where the
 * result would not read as it was meant, and where a text without spans would be read as dressed, it goes unstyled.
 */
export function styledBody(text: string, spans: readonly Span[] = []): StyledBody {
  const read = new Set(spansOf(text).map(({ style, start, end }) => keyOf(style.kind, start, end)));
  const plain = { body: text, unstyled: read.size > 0 };
  const pieces = spans
    .slice(0, mostSpans)
    .flatMap((span) => piecesOf(text, span, read))
    .slice(0, mostSpans)
    .sort(
      (a, b) => a.start - b.start || b.end - a.end || Number(b.kind === 'quote') - Number(a.kind === 'quote'),
    );
  const taken = nested(pieces);
  if (taken.length === 0) return plain;
  const { body, places } = marked(text, taken);
  const came = spansOf(body).map(({ style, start, end }) => keyOf(style.kind, start, end));
  return joinedQuotes(places).sort().join() === came.sort().join() ? { body, unstyled: false } : plain;
}

function keyOf(kind: string, start: number, end: number): string {
  return `${kind} ${String(start)} ${String(end)}`;
}

/** A span as pieces that marks can stand around: one for each line, without blanks at its ends. */
function piecesOf(
  text: string,
  { start, end, style: { kind } }: Span,
  read: ReadonlySet<string>,
): readonly Piece[] {
  if (kind !== 'quote' && markOf(kind) === undefined) return [];
  const base = { kind: kind as Styled, opening: '', closing: '', marked: false };
  if (read.has(keyOf(kind, start, end))) return [{ ...base, start, end, marked: true }];
  const whole = { start: Math.max(0, start), end: Math.min(text.length, end) };
  if (whole.start >= whole.end) return [];
  const lines = linesOf(text, whole);
  const edges = [text.charAt(whole.start - 1), text.charAt(whole.end)];
  if (kind === 'monospace' && lines.length > 1 && edges.every((edge) => edge === '' || edge === '\n')) {
    return [{ ...base, ...whole, opening: `${fence}\n`, closing: `\n${fence}` }];
  }
  if (kind === 'quote') return lines.map((line) => ({ ...base, ...line, opening: '> ' }));
  const mark = markOf(kind) ?? '';
  return lines.flatMap((line) => {
    const words = text.slice(line.start, line.end);
    const from = line.start + words.length - words.trimStart().length;
    const to = from + words.trim().length;
    return from < to ? [{ ...base, start: from, end: to, opening: mark, closing: mark }] : [];
  });
}

/** Of pieces in the order of their starts those that can stand together: marks neither cross nor are doubled, and mean nothing within monospace. */
function nested(pieces: readonly Piece[]): readonly Piece[] {
  const open: Piece[] = [];
  return pieces.filter((piece) => {
    while ((open.at(-1)?.end ?? Infinity) <= piece.start) open.pop();
    const around = open.at(-1);
    if (around !== undefined && piece.end > around.end) return false;
    if (!piece.marked && open.some(({ kind }) => kind === piece.kind || kind === 'monospace')) return false;
    open.push(piece);
    return true;
  });
}

/** The text with its marks, and where each piece with its marks stands in it. */
function marked(
  text: string,
  pieces: readonly Piece[],
): { readonly body: string; readonly places: readonly Piece[] } {
  const seams = [...new Set(pieces.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const inner = [...pieces].reverse();
  const starts = new Map<Piece, number>();
  const places: Piece[] = [];
  let body = '';
  let at = 0;
  for (const seam of seams) {
    body += text.slice(at, seam);
    at = seam;
    for (const piece of inner.filter(({ end }) => end === seam)) {
      body += piece.closing;
      places.push({ ...piece, start: starts.get(piece) ?? 0, end: body.length });
    }
    for (const piece of pieces.filter(({ start }) => start === seam)) {
      starts.set(piece, body.length);
      body += piece.opening;
    }
  }
  return { body: body + text.slice(at), places };
}

/** Keys of the places; lines of a quotation that follow one another are read as one. */
function joinedQuotes(places: readonly Piece[]): string[] {
  const quotes: { start: number; end: number }[] = [];
  const keys: string[] = [];
  for (const { kind, start, end } of [...places].sort((a, b) => a.start - b.start)) {
    const last = quotes.at(-1);
    if (kind !== 'quote') keys.push(keyOf(kind, start, end));
    else if (last?.end === start - 1) last.end = end;
    else quotes.push({ start, end });
  }
  return [...keys, ...quotes.map(({ start, end }) => keyOf('quote', start, end))];
}
