/*
 * A message as one text: its words, its files as their links, and what can be seen on other networks only as its style
 * (where a link leads, what is quoted) written out.
 */
import type { Attachment, MessageContent, Span } from '#model';
import type { Dressed } from './formatting.js';

/** What is in no text: \x01 would make a request to somebody's client (CTCP, DCC), others would dress it. */
export const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** More links and quotations than this are shown as they stand. */
const mostSpans = 100;

interface Insertion {
  readonly at: number;
  /** What is put there. */
  readonly text: string;
  /** How much is taken away there. */
  readonly gone: number;
}

/**
 * All that a message says, as one text: `before`, its own text, its files as their links. A link that is not its own text
 * is written out, and what is quoted begins its lines with `>`: neither can be seen otherwise.
 */
export function wordsOf(content: MessageContent, before: string): Dressed {
  const { text, spans = [] } = content;
  const changes: Insertion[] = [...text.matchAll(controls)].map(({ index }) => ({
    at: index,
    text: '',
    gone: 1,
  }));
  if (before !== '') changes.push({ at: 0, text: before.replace(controls, ''), gone: 0 });
  const quoted = new Set<number>();
  for (const { start, end, style } of spans.slice(0, mostSpans)) {
    if (style.kind === 'link' && text.slice(start, end) !== style.url) {
      changes.push({ at: end, text: ` (${style.url.replace(/[\0-\x20\x7f]/g, '')})`, gone: 0 });
    } else if (style.kind === 'quote') {
      for (const line of lineStarts(text, start, end)) quoted.add(line);
    }
  }
  for (const line of quoted) changes.push({ at: line, text: '> ', gone: 0 });
  const own = changed({ text, spans }, changes);
  const files = (content.attachments ?? []).map(fileLine);
  return { text: [own.text, ...files].join('\n'), spans: own.spans };
}

/** A file as a line: what it is called, how large it is, where it is fetched. */
function fileLine({ name, size, url = '' }: Attachment): string {
  const large = size === undefined ? '' : ` (${sizeText(size)})`;
  return `${name}${large}: ${url}`.replace(/[\0-\x1f\x7f]/g, '');
}

function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${String(bytes)} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[power - 1] ?? ''}`;
}

/** Where lines begin within a stretch that do not say yet that they are quoted. */
function lineStarts(text: string, start: number, end: number): readonly number[] {
  const starts: number[] = [];
  for (let at = start; at < end;) {
    if ((at === 0 || text[at - 1] === '\n') && text[at] !== '>') starts.push(at);
    const next = text.indexOf('\n', at);
    if (next === -1) break;
    at = next + 1;
  }
  return starts;
}

/** A text with changes made, and its spans where they are then. */
function changed({ text, spans }: Dressed, changes: readonly Insertion[]): Dressed {
  if (changes.length === 0) return { text, spans };
  const sorted = [...changes].sort((a, b) => a.at - b.at);
  let result = '';
  let from = 0;
  /** Index in the old text → how much later it is in the new one; for starts, what is put there comes before. */
  const shifts: { at: number; ends: number; starts: number }[] = [{ at: 0, ends: 0, starts: 0 }];
  for (const { at, text: put, gone } of sorted) {
    result += text.slice(from, Math.max(from, at)) + put;
    const ends = shifts.at(-1)?.starts ?? 0;
    from = Math.max(from, at + gone);
    shifts.push({ at, ends, starts: ends + put.length - gone });
  }
  result += text.slice(from);
  const moved = (index: number, isEnd: boolean): number => {
    let [low, high] = [0, shifts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const at = shifts[middle]?.at ?? 0;
      if (isEnd ? at < index : at <= index) low = middle;
      else high = middle - 1;
    }
    return index + (shifts[low]?.starts ?? 0);
  };
  return {
    text: result,
    spans: spans.map((span): Span => ({
      ...span,
      start: moved(span.start, false),
      end: moved(span.end, true),
    })),
  };
}
